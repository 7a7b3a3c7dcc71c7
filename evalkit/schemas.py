"""The JSON Schema of `evaluation.yaml`, made from the models that read it.

    python -m evalkit.schemas

rewrites the copy that is shipped, which editors use to complete and to check keys.
"""

from __future__ import annotations

import json
from typing import Any

NAME = "evaluation.json"


def evaluation_schema() -> dict[str, Any]:
    """Return the schema as a mapping; keys of a later version are not in it."""
    from evalkit.declaration import Declaration

    made = Declaration.model_json_schema(by_alias=True)
    _drop_later(made)
    for part in made.get("$defs", {}).values():
        _drop_later(part)
    made.pop("title", None)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "evaluation.yaml of evalkit",
        **made,
    }


def evaluation_schema_text() -> str:
    """Return the schema as the text of the shipped file."""
    return json.dumps(evaluation_schema(), indent=2, ensure_ascii=False) + "\n"


def _drop_later(part: dict[str, Any]) -> None:
    """Take out keys that may only be empty: they belong to a later version."""
    keys = part.get("properties", {})
    for name in [name for name, shape in keys.items() if shape.get("type") == "null"]:
        del keys[name]


def main() -> None:
    """Rewrite the shipped schema."""
    from evalkit.files.schemas import write_schema

    write_schema(NAME, evaluation_schema_text())


if __name__ == "__main__":
    main()
