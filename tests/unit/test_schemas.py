"""The shipped JSON Schema is fresh, sound, and takes what the examples hold."""

from __future__ import annotations

import datetime
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from evalkit.cli.starting import contents
from evalkit.content import example_folder
from evalkit.files.schemas import read_schema
from evalkit.files.strict_yaml import parse
from evalkit.schemas import NAME, evaluation_schema, evaluation_schema_text

EXAMPLES = ("beating-the-blues", "growing-together")


def as_json(value: Any) -> Any:
    """Return parsed YAML as JSON has it: dates are text."""
    if isinstance(value, dict):
        return {key: as_json(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_json(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


def problems(text: str) -> list[str]:
    """Return what the schema finds wrong with an evaluation."""
    validator = Draft202012Validator(json.loads(read_schema(NAME)))
    return [error.message for error in validator.iter_errors(as_json(parse(text, "x").data))]


def test_shipped_schema_is_fresh() -> None:
    assert read_schema(NAME) == evaluation_schema_text(), "run python -m evalkit.schemas"


def test_schema_is_a_schema_and_always_the_same() -> None:
    Draft202012Validator.check_schema(evaluation_schema())
    assert evaluation_schema_text() == evaluation_schema_text()


@pytest.mark.parametrize("name", EXAMPLES)
def test_examples_hold_to_it(name: str) -> None:
    assert problems((example_folder() / name / "evaluation.yaml").read_text("utf-8")) == []


def test_starter_holds_to_it_and_ships_it() -> None:
    made = contents()
    assert problems(made["evaluation.yaml"]) == []
    assert made["evaluation.schema.json"] == read_schema(NAME)
    assert "$schema=evaluation.schema.json" in made["evaluation.yaml"].splitlines()[0]


def test_unknown_keys_are_refused_by_it() -> None:
    text = (example_folder() / "growing-together" / "evaluation.yaml").read_text("utf-8")
    assert problems(text.replace("seed:", "sed:"))


def test_keys_of_a_later_version_are_not_in_it() -> None:
    parts = evaluation_schema()["$defs"]
    assert not {"excerpts", "costs"} & set(parts["Data"]["properties"])
