"""What a call on people at several waves names: which waves, in which order, and the baseline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.stats.shared.columns import check_roles, invalid, is_numeric, numeric
from evalkit.stats.shared.design_matrix import indicator, levels

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Bools = NDArray[np.bool_]
    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True)
class AskedWaves:
    """What the call named."""

    outcome: str
    treatment: str
    treated: Any
    person: str
    wave: str
    baseline: Any
    covariates: tuple[str, ...]
    cluster: str | None
    waves: tuple[Any, ...] | None


def label(wave: Any) -> str:
    """Return a wave as text, whole numbers without a point."""
    return str(int(wave)) if isinstance(wave, float) and wave.is_integer() else str(wave)


def from_wave(frame: pd.DataFrame, asked: AskedWaves) -> bool:
    """Return whether the baseline is a value of the wave column; refuse what is neither or both."""
    if asked.baseline is None:
        return False
    column = asked.baseline in list(frame.columns)
    value = bool(indicator(frame[asked.wave], asked.baseline).any())
    if column == value:
        found = "a column and also" if column else "neither a column nor"
        raise invalid(
            f"baseline={asked.baseline!r} is {found} a value of '{asked.wave}'.",
            allowed=", ".join(map(str, [*frame.columns, *levels(frame[asked.wave])])),
        )
    return value


def baseline_column(frame: pd.DataFrame, asked: AskedWaves) -> tuple[str, ...]:
    """Return the column that holds the baseline, none where it is a wave or not given."""
    if asked.baseline is None or from_wave(frame, asked):
        return ()
    check_roles(
        outcome=asked.outcome, treatment=asked.treatment, person=asked.person, wave=asked.wave,
        covariates=asked.covariates, baseline=asked.baseline,
    )  # fmt: skip
    numeric(frame, asked.baseline)
    return (asked.baseline,)


def ordered_waves(frame: pd.DataFrame, asked: AskedWaves) -> tuple[tuple[Any, ...], Codes, Bools]:
    """Return the waves in order, each row's place (-1 for none) and the rows of the baseline."""
    import pandas as pd

    series = frame[asked.wave]
    taken = np.zeros(len(frame), dtype=bool)
    if from_wave(frame, asked):
        taken = indicator(series, asked.baseline).astype(bool)
    ordered = isinstance(series.dtype, pd.CategoricalDtype) and bool(series.cat.ordered)
    if asked.waves is not None:
        every = _named(series, asked)
    elif ordered:
        every = list(series.cat.categories)
    elif is_numeric(series):
        every = levels(series)
    else:
        raise invalid(
            "the order of the waves is not known.",
            column=asked.wave,
            allowed="numbers, or an ordered category",
            next_step="Name the waves in order with waves=.",
        )
    waves = [w for w in every if not (taken.any() and w == asked.baseline)]
    if len(waves) < 2:
        raise CannotEstimate(
            f"There are {len(waves)} waves to model; at least 2 are needed, so that what comes after "
            "somebody is last seen can rest on what came before. With one wave after the baseline, "
            "leave baseline= out: the baseline is then the first wave."
        )
    places = np.full(len(frame), -1, dtype=np.intp)
    for place, wave in enumerate(waves):
        places[indicator(series, wave).astype(bool)] = place
    return tuple(waves), places, taken


def _named(series: pd.Series[Any], asked: AskedWaves) -> list[Any]:
    found = levels(series)
    named = list(asked.waves or ())
    for wave in named:
        if wave not in found or named.count(wave) > 1:
            raise invalid(
                f"waves= holds {wave!r}"
                + (" twice." if wave in found else ", which is not there."),
                column=asked.wave,
                allowed=", ".join(map(label, found)),
            )
    return named
