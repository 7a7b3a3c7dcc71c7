"""The unit of every result: one outcome at one wave from one informant, for one pair of arms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from evalkit.declared_theory import Outcome

Key = tuple[str | None, str | None, str | None, str | None]
"""Outcome, wave, informant, and the contrast where there are more than two arms."""
Kind = Literal["mean", "yes-no", "ordinal"]


@dataclass(frozen=True, slots=True)
class Contrast:
    """Two arms that are compared; `planned` against the comparison, else programme with programme."""

    treated: str
    comparison: str
    against_control: bool = True

    def __str__(self) -> str:
        return f"{self.treated} - {self.comparison}"


@dataclass(frozen=True, slots=True)
class Target:
    """One outcome at one wave from one informant; `contrast` where there are several programmes."""

    outcome: Outcome
    measure: str
    scale: str
    informant: str
    wave: str
    primary: bool
    kind: Kind = "mean"
    contrast: Contrast | None = None

    @property
    def key(self) -> Key:
        """What tells this target from every other."""
        pair = None if self.contrast is None else str(self.contrast)
        return self.outcome.id, self.wave, self.informant, pair


class Keyed(Protocol):
    """A record of one target."""

    @property
    def outcome(self) -> str | None: ...
    @property
    def wave(self) -> str | None: ...
    @property
    def informant(self) -> str | None: ...
    @property
    def contrast(self) -> str | None: ...


def key_of(record: Keyed) -> Key:
    """Return the key of the target that a record belongs to."""
    return record.outcome, record.wave, record.informant, record.contrast


def contrasts(treated: tuple[str, ...], comparison: str) -> tuple[Contrast | None, ...]:
    """Return the pairs of arms to compare: each programme with the comparison, then each other."""
    if len(treated) == 1:
        return (None,)
    first = [Contrast(name, comparison) for name in treated]
    between = [
        Contrast(one, other, against_control=False)
        for n, one in enumerate(treated)
        for other in treated[n + 1 :]
    ]
    return (*first, *between)
