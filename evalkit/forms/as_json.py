"""A measure as JSON: every field, in the shape of a measure file, so that it can be built again."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from evalkit.instruments.parts import Answers, Item, WorkedExample
from evalkit.instruments.scale import Case, Criterion, Scale
from evalkit.instruments.spec import Measure

MAPPINGS: Mapping[type, tuple[str, ...]] = {
    Answers: ("codes",),
    Item: ("codes",),
    Scale: ("recode", "weights", "at_least_for", "table"),
    Criterion: ("at_least_for",),
    Case: ("when",),
    WorkedExample: ("scores", "bands"),
}
"""The fields that a measure file writes as keys and values."""


def record(measure: Measure) -> dict[str, Any]:
    """Return every field of a measure as JSON can hold it, in the shape of its file.

    Infinity (no upper limit) is null. Item wording is there only where the licence includes it.
    """
    made: dict[str, Any] = _plain(measure)
    if not measure.licence.text_included:
        for item in made["items"]:
            item["text"] = ""
    return made


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: _field(value, item.name) for item in fields(value)}
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _field(holder: Any, name: str) -> Any:
    value = getattr(holder, name)
    if name in MAPPINGS.get(type(holder), ()):
        return {str(key): _plain(item) for key, item in value}
    return _plain(value)
