"""The kinds of value a declaration holds, and the closed block that every part of it is."""

from __future__ import annotations

import datetime
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    PlainValidator,
    ValidationInfo,
)
from pydantic_core import PydanticCustomError

from evalkit.durations import Duration


def as_text(value: Any) -> Any:
    """Take a bare number or date as the word it was written as."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int | float | datetime.date) else value


def as_span(value: Any) -> Any:
    if isinstance(value, Duration):
        return value
    try:
        return Duration.parse(value)
    except (ValueError, AttributeError, TypeError):
        message = "a span of time is needed, such as '10 weeks', '6 months' or '0 days'."
        raise PydanticCustomError(
            "evalkit", message, {"next_step": "Write number and unit."}
        ) from None


def not_yet(value: Any, info: ValidationInfo) -> Any:
    if value is None or value == ():
        return None
    message = f"{info.field_name} is not available in this version."
    raise PydanticCustomError("evalkit", message, {"next_step": "Remove the key."})


def as_point(value: Any) -> Any:
    """Take a day or a whole number as a period of a series."""
    day = isinstance(value, datetime.date) and 1900 <= value.year <= 2199
    if day or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    message = "a day is needed, such as 2024-04-01, or a whole number where periods are numbered."
    raise PydanticCustomError("evalkit", message, {"next_step": "Write it without quotes."})


def as_starts(value: Any) -> Any:
    """Take a column's name, or the start of each area (left empty: it never starts)."""
    if isinstance(value, str) and value:
        return value
    if isinstance(value, dict) and value:
        return {
            str(as_text(unit)): None if start is None else as_point(start)
            for unit, start in value.items()
        }
    message = "the column with each area's start is needed, or a mapping of areas to their starts."
    step = {"next_step": "Write starts: COLUMN, or starts: {AREA: 2024-04-01, OTHER: null}."}
    raise PydanticCustomError("evalkit", message, step)


def as_named(value: Any) -> Any:
    """Take a bare word as the mapping that has it as its id."""
    return {"id": as_text(value)} if isinstance(value, str | int | float) else value


def as_path(value: Any) -> Any:
    suffix = str(value).rpartition(".")[2].lower()
    if suffix in ("csv", "xlsx", "parquet"):
        return value
    message = "only csv, xlsx and parquet files are read in this version."
    raise PydanticCustomError("evalkit", message, {"next_step": "Save the table as one of these."})


Text = Annotated[str, BeforeValidator(as_text), Field(min_length=1)]
Id = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$"), BeforeValidator(as_text)]
Span = Annotated[
    Duration,
    BeforeValidator(as_span, json_schema_input_type=str),
    PlainSerializer(str, return_type=str),
]
Day = Annotated[datetime.date, Field(ge=datetime.date(1900, 1, 1), le=datetime.date(2199, 12, 31))]
Later = Annotated[None, BeforeValidator(not_yet)]
Point = Annotated[
    datetime.date | int, PlainValidator(as_point, json_schema_input_type=datetime.date | int)
]
"""A period of a series, as a day or, where periods are numbered, as a whole number."""
Starts = Annotated[
    str | dict[str, datetime.date | int | None],
    PlainValidator(as_starts, json_schema_input_type=str | dict[str, datetime.date | int | None]),
]
DataFile = Annotated[str, BeforeValidator(as_path)]
Direction = Literal["lower", "higher", "ambiguous"]


class Part(BaseModel):
    """A block of the declaration: closed to unknown keys, and frozen."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, populate_by_name=True, hide_input_in_errors=True,
        arbitrary_types_allowed=True, strict=True,
    )  # fmt: skip
