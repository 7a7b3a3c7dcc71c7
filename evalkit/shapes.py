"""Turn what pydantic finds wrong with a declared mapping into problems a person can act on."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Hashable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from evalkit.errors import Problem, Where, nearest

if TYPE_CHECKING:
    from pydantic import BaseModel, ValidationError

Locate = Callable[[tuple[Hashable, ...]], Where]

_KINDS = {
    "dict": "a mapping of keys (key: value)",
    "model": "a mapping of keys (key: value)",
    "list": "a list",
    "tuple": "a list",
    "string": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "date": "a date written as 2024-04-01",
}


def problems_from(
    error: ValidationError,
    model: type[BaseModel],
    where: Locate,
    later: Mapping[str, str] | None = None,
) -> list[Problem]:
    """Word every pydantic error. `later` maps names of a later version to what they are."""
    found = error.errors(include_url=False)
    return [_word(item, model, where, later or {}) for item in found if not _echo(item, found)]


def _echo(item: Any, found: Any) -> bool:
    """Whether an error only repeats, one level up, that something below it is wrong."""
    size = len(item["loc"])
    below = any(other["loc"][:size] == item["loc"] for other in found if other is not item)
    return item["type"] == "too_short" and below


def _word(item: Any, model: type[BaseModel], where: Locate, later: Mapping[str, str]) -> Problem:
    path = _real_path(item["loc"])
    kind, found = item["type"], item.get("input")
    place = where(path)
    if kind == "extra_forbidden":
        keys = allowed_keys(model, path[:-1])
        key = str(path[-1])
        quotes = "Put text that holds a comma in quotation marks." if found is None else ""
        step = nearest(key, keys) or quotes
        return Problem(place, f"unknown key '{key}'.", ", ".join(keys), step)
    if kind == "missing":
        return Problem(where(path[:-1]), f"the key '{path[-1]}' is missing.", "", "Add it.")
    if isinstance(found, str) and found in later:
        return not_available(place, found, later[found])
    if kind == "literal_error":
        allowed = item["ctx"]["expected"].replace("'", "").replace(" or ", ", ")
        near = nearest(str(found), allowed.split(", "))
        return Problem(place, f"found {describe(found)}.", allowed, near)
    if kind == "string_pattern_mismatch":
        allowed = "small letters and digits, joined by hyphens"
        word = re.sub(r"[^a-z0-9]+", "-", str(found).lower()).strip("-")
        step = f"Did you mean '{word}'?" if word else "Change the word."
        return Problem(place, f"found {describe(found)}.", allowed, step)
    if kind == "evalkit":
        return Problem(place, item["msg"], "", item["ctx"].get("next_step", ""))
    for stem, wanted in _KINDS.items():
        if kind in (f"{stem}_type", f"{stem}_parsing", f"{stem}_from_float", f"{stem}_exact"):
            return Problem(place, f"found {describe(found)}.", wanted, "Change the value.")
    length = isinstance(found, str) and kind in ("too_short", "too_long")
    bound = _bound(f"string_{kind}" if length else kind, item.get("ctx", {}))
    allowed = bound or item["msg"].removeprefix("Input should be ")
    return Problem(place, f"found {describe(found)}.", allowed, "Change the value.")


_BOUNDS = {
    "greater_than_equal": "{ge} or more",
    "greater_than": "more than {gt}",
    "less_than_equal": "{le} or less",
    "less_than": "less than {lt}",
    "too_short": "a list of {min_length} or more",
    "too_long": "a list of {max_length} or fewer",
    "string_too_short": "{min_length} or more characters",
    "string_too_long": "{max_length} or fewer characters",
    "finite_number": "a number that is not infinite",
}


def _bound(kind: str, context: Mapping[str, Any]) -> str:
    """Word a limit on a number or a length; an empty string where it is none."""
    if kind == "too_long" and context.get("max_length") == 0:
        return "an empty list"
    return _BOUNDS.get(kind, "").format(**context)


def pruned(data: Any, error: ValidationError) -> tuple[Any, list[tuple[Hashable, ...]]] | None:
    """Return a copy of the data without the keys found wrong, and their paths.

    None where a wrong item stands in a list, for to take it out would move the others.
    """
    paths = [_real_path(item["loc"]) for item in error.errors(include_url=False)]
    if any(not path or isinstance(path[-1], int) for path in paths):
        return None
    rest = copy.deepcopy(data)
    for path in paths:
        part = rest
        try:
            for key in path[:-1]:
                part = part[key]
            part.pop(path[-1], None)
        except (KeyError, IndexError, TypeError, AttributeError):
            return None
    return rest, paths


def not_available(place: Where, name: str, instead: str = "") -> Problem:
    """Word the refusal, by name, of something a later version will have."""
    return Problem(place, f"{name} is not available in this version.", "", instead)


def _real_path(loc: tuple[Any, ...]) -> tuple[Hashable, ...]:
    """Drop the parts pydantic adds for validators and keys, which are no keys of the file."""
    added = ("[key]", "function-", "chain[")
    return tuple(part for part in loc if isinstance(part, int) or not str(part).startswith(added))


def allowed_keys(model: type[BaseModel], path: tuple[Hashable, ...]) -> list[str]:
    """Return the keys allowed at a path of a model."""
    current: Any = model
    for part in path:
        current = _step(current, part)
        if current is None:
            return []
    found = _model_in(current)
    if found is None:
        return []
    return [
        info.alias or name
        for name, info in found.model_fields.items()
        if info.annotation is not type(None)
    ]


def as_tuples(value: Any) -> Any:
    """Return the data with every list made a tuple, as strict frozen models want them."""
    if isinstance(value, Mapping):
        return {key: as_tuples(item) for key, item in value.items()}
    return tuple(as_tuples(item) for item in value) if isinstance(value, list) else value


def _step(current: Any, part: Hashable) -> Any:
    found = _model_in(current)
    if isinstance(part, int) or found is None:
        return current
    for name, info in found.model_fields.items():
        if part in (name, info.alias):
            return info.annotation
    return None


def _model_in(annotation: Any) -> type[BaseModel] | None:
    from pydantic import BaseModel

    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    for part in get_args(annotation):
        found = _model_in(part)
        if found is not None:
            return found
    return None


def describe(value: Any) -> str:
    """Say what was found without echoing long content."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return f"{str(value).lower()} (true/false)"
    if isinstance(value, Mapping):
        return "a mapping of keys"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    text = str(value)
    return f"'{text if len(text) <= 60 else text[:57] + '...'}'"
