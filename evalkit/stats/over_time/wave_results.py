"""Results of people seen at several waves: the records, and the sentence on how they were made."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.results import Estimate, Record, Records, to_frame
from evalkit.stats.over_time.wave_rows import Asked, WaveRows
from evalkit.stats.shared.model_rows import listed

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, kw_only=True)
class WaveTest(Estimate):
    """A test that the effect is the same at every wave.

    `statistic` is F with `df_numerator` (waves - 1) and `df` degrees of freedom; there is no
    estimate. All three and `p_value` are None where there are too few clusters for so many waves.
    """

    df_numerator: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class RepeatedMeasures:
    """The effect at each wave, on average over the waves, and whether it differs between them.

    `rows` holds one Estimate a wave; iterating, `len()` and `[]` go over them. `average` weighs
    the waves alike. `interaction` is None with one wave. `alpha` are the parameters of the working
    correlation within people (of "mixed" the intraclass correlation of a person, given the
    columns of the model): none for "independence", the upper triangle by rows for "unstructured".
    """

    rows: Records[Estimate]
    average: Estimate
    interaction: WaveTest | None
    correlation: str
    alpha: tuple[float, ...]

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self.rows)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, place: int) -> Estimate:
        return self.rows[place]

    def to_frame(self, *, average: bool = False) -> pd.DataFrame:
        """Return one row a wave and, with `average`, one more for the average over them."""
        more: list[Record] = [self.average] if average else []
        return to_frame([*self.rows, *more])


def clusters_of(rows: WaveRows) -> int | None:
    """Return the number of clusters, or None where nobody shares one."""
    return None if rows.cluster is None else int(rows.cluster.max()) + 1


def adjusted_for(asked: Asked) -> tuple[str, ...]:
    """Return the names of baseline and covariates."""
    return (*([] if asked.baseline is None else [str(asked.baseline)]), *asked.covariates)


def sentence(asked: Asked, rows: WaveRows, method: str, correlation: str, se: str) -> str:
    """Return how the effects were estimated."""
    several = len(rows.waves) > 1
    text = "" if method == "gee" else "Linear mixed model of "
    if method == "gee":
        text = f"{'Logistic' if asked.binary else 'Linear'} generalised estimating equations of "
    text += f"{asked.outcome} on {asked.treatment}" + (" by wave" if several else "")
    names = list(adjusted_for(asked))
    if asked.baseline is not None and asked.baseline_by_wave and several:
        names[0] += " (by wave)"
    text += f", adjusted for {listed(names)}" if names else ""
    if method == "gee":
        text += f", {correlation} working correlation within people"
    else:
        text += ", with a random intercept for each person, by restricted maximum likelihood"
    text += f"; {_errors(rows, method, se)}."
    return text + (
        " Marginal odds ratios, averaged over the people of the wave; delta method on the log "
        "scale."
        if asked.binary
        else ""
    )


_SANDWICH_WORDS = {
    "KC": "Kauermann-Carroll (CR2) standard errors",
    "MD": "Mancl-DeRouen standard errors",
    "robust": "robust standard errors, not corrected for few clusters",
}


def _errors(rows: WaveRows, method: str, se: str) -> str:
    if method == "mixed" and rows.cluster is None:
        return "Satterthwaite degrees of freedom"
    over = f"{clusters_of(rows)} clusters" if rows.cluster is not None else "people"
    return f"{_SANDWICH_WORDS[se]} over {over}, Satterthwaite degrees of freedom"
