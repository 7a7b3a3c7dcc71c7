"""The errors a user can cause, shown without a traceback; everything else is a bug."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Where:
    """A place in a file a user can open: the file, then row or line, then column or key."""

    file: str = ""
    row: int | None = None
    column: str = ""
    line: int | None = None
    key: str = ""

    def __str__(self) -> str:
        parts = [self.file] if self.file else []
        if self.line is not None:
            parts.append(f"line {self.line}")
        if self.row is not None:
            parts.append(f"row {self.row}")
        if self.key:
            parts.append(f"key '{self.key}'")
        if self.column:
            parts.append(f"column '{self.column}'")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong: where, what was found, what is allowed, what to do next."""

    where: Where
    what: str
    allowed: str = ""
    next_step: str = ""

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if str(self.where) else self.what
        if self.allowed:
            text += f" Allowed: {self.allowed}."
        if self.next_step:
            text += f" {self.next_step}"
        return text


class EvalkitError(Exception):
    """The root of every error a user can mend."""


class InvalidInput(EvalkitError, ValueError):
    """An argument, a column or a key is not what the call needs."""


class NotAvailable(EvalkitError):
    """A method that this version does not have, refused by name."""


class UnknownMeasure(EvalkitError, KeyError):
    """No measure with this id."""

    def __str__(self) -> str:
        return str(self.args[0])


class UnknownDesign(EvalkitError, KeyError):
    """No design with this id."""

    def __str__(self) -> str:
        return str(self.args[0])


class CannotEstimate(EvalkitError):
    """The data given cannot carry this estimate; the message says why."""


class NotConverged(CannotEstimate):
    """An iterative fit found no solution, or one that cannot be (a negative variance)."""


class Unverified(UserWarning):
    """Said where a caller names bands that rest on memory: they are used at the caller's risk."""


class FoundProblems(EvalkitError):
    """Every problem found in one pass; `problems` holds them in the order of the file."""

    heading = "problems were found"

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        lines = [f"{len(self.problems)} {self.heading}:"]
        return "\n".join(lines + [f"  {problem}" for problem in self.problems])


class InvalidEvaluation(FoundProblems):
    """The evaluation file is not valid."""

    heading = "problem(s) in the evaluation file"


class InvalidData(FoundProblems):
    """The data tables are not valid."""

    heading = "problem(s) in the data"


class InvalidPlan(FoundProblems):
    """What a study is planned from cannot be."""

    heading = "problem(s) in what the plan starts from"


class InvalidContent(FoundProblems):
    """A measure or design file is not valid."""

    heading = "problem(s) in a measure or design file"


def nearest(word: str, allowed: Iterable[str]) -> str:
    """Return "Did you mean 'x'?" for the closest allowed word, or an empty string."""
    from difflib import get_close_matches

    by_lower = {name.lower(): name for name in allowed}
    close = get_close_matches(word.lower(), by_lower, n=1, cutoff=0.6)
    return f"Did you mean '{by_lower[close[0]]}'?" if close else ""
