"""What the description of results below level 3 returns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from evalkit.results import Record

Agreement = Literal[
    "as-expected", "less-than-expected", "expected-way", "no-clear-change", "other-way",
    "own-report-only", "counted", "described", "not-measured", "not-an-outcome", "not-known",
]  # fmt: skip
Reading = Literal["more", "no-more", "less", "not-known"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Contribution(Record):
    """One link of the theory of change beside what was seen of its end; it credits nothing.

    `start` and `end` are ids of the logic model. A link to an outcome with several results has a row
    each, named by `outcome`, `wave`, `informant` and `contrast`; these are None where its end is no
    result. `expected` is the change that the plan states, `direction` which way it should go.
    `change` with its interval is that of the programme's people with both scores, `n` of them from
    `n_families` families, while `n_no_first` analysed have no first score; `comparison_change` the
    same of the comparison. `unit` is "points", "share" (0 to 1) or "rate" (for 100 a year, which is no
    change), `observed_as` whether the number is a "change", a "rate" or a "level". `received`,
    `sessions` and `reached` say how many of the `n_allocated` got the programme, their mean number of
    sessions, and how many had the least that counts (of `n_sessions` people, `n_sessions_families` families). `rivals` are (name, how considered, judged),
    `unconsidered` the threats of the design that no rival names. `sentence` holds no figure.
    """

    start: str
    end: str
    outcome: str | None = None
    wave: str | None = None
    informant: str | None = None
    contrast: str | None = None
    level: int | None = None
    because: str = ""
    evidence: str = ""
    assumes: tuple[str, ...] = ()
    direction: str | None = None
    expected: float | None = None
    expected_source: str = ""
    observed_as: Literal["change", "rate", "level"] | None = None
    unit: str | None = None
    change: float | None = None
    conf_low: float | None = None
    conf_high: float | None = None
    n: int | None = None
    n_families: int | None = None
    n_no_first: int | None = None
    comparison_change: float | None = None
    comparison_low: float | None = None
    comparison_high: float | None = None
    n_comparison: int | None = None
    n_comparison_families: int | None = None
    n_comparison_no_first: int | None = None
    n_allocated: int | None = None
    received: int | None = None
    sessions: float | None = None
    reached: int | None = None
    n_sessions: int | None = None
    n_sessions_families: int | None = None
    rivals: tuple[tuple[str, str, str], ...] = ()
    unconsidered: tuple[str, ...] = ()
    agreement: Agreement
    sentence: str = ""
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ByItself(Record):
    """The change seen in the programme's people beside the change that comes without any programme.

    `basis` says what the latter rests on: a verified "norm", a mean that the plan has "declared", or
    the "comparison" group's own change; None where there is neither, and `notes` say why. Changes
    are later minus first, in points, of `n` people with both scores from `n_families` families; `sd` is that of
    their first scores. `expected_by_cutoff` is what the cut-off alone foretells. `beyond` is what was
    seen less what was expected, with its interval. `reading` is "more" change for the better than
    comes by itself, "no-more", "less", or "not-known".
    """

    outcome: str
    wave: str
    informant: str
    contrast: str | None = None
    basis: Literal["norm", "declared", "comparison"] | None = None
    population: str = ""
    population_mean: float | None = None
    population_sd: float | None = None
    reliability: float | None = None
    reliability_source: str = ""
    n: int | None = None
    n_families: int | None = None
    n_no_first: int | None = None
    baseline_mean: float | None = None
    sd: float | None = None
    observed_change: float | None = None
    observed_low: float | None = None
    observed_high: float | None = None
    expected_change: float | None = None
    expected_low: float | None = None
    expected_high: float | None = None
    expected_by_cutoff: float | None = None
    beyond: float | None = None
    beyond_low: float | None = None
    beyond_high: float | None = None
    reading: Reading = "not-known"
    sentence: str = ""
    notes: tuple[str, ...] = ()
