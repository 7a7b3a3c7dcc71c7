"""How a declared plan would do: its own analysis, run on many made trials whose truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from evalkit import units
from evalkit.claims import read
from evalkit.diagnosing.operating import (
    Characteristic,
    ClaimRate,
    LevelRate,
    Run,
    characteristics,
    rates,
)
from evalkit.errors import InvalidInput
from evalkit.event_effects import RATE
from evalkit.results import Records
from evalkit.simulating.assumptions import Assumptions, assume, known
from evalkit.simulating.simulation import in_words, make, simulable, whole_seed, without_effect
from evalkit.targets import Key, key_of

if TYPE_CHECKING:
    import numpy as np

    from evalkit.analysis import Analysis
    from evalkit.evaluation import Evaluation
    from evalkit.results import Estimate
    from evalkit.simulating.answers import Channel
    from evalkit.simulating.truth import Truth
    from evalkit.tables import RawTable

CHUNK = 10
MOST = 1_000_000
"""Trials that a worker is given at a time; what is drawn does not depend on it."""


@dataclass(frozen=True, slots=True, eq=False)
class Diagnosis:
    """How a plan would do; each figure with its Monte-Carlo error.

    `results` has a row for every outcome, wave, informant and pair of arms; `claims` and `levels`
    say how often each claim would be made and each level reached, with the effect assumed and
    without any. `assumes` says what was taken for granted.
    """

    results: Records[Characteristic]
    claims: Records[ClaimRate]
    levels: Records[LevelRate]
    runs: int
    null_runs: int
    given: Assumptions
    assumes: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Diagnosis({self.runs} runs, {len(self.results)} results)"

    @property
    def primary(self) -> Characteristic:
        """The primary result, the first where none is declared."""
        return next((row for row in self.results if row.primary), self.results[0])

    @property
    def sentences(self) -> tuple[str, ...]:
        """What a team should know, result by result."""
        return tuple(row.sentence for row in self.results)


def diagnose(
    evaluation: Evaluation, *, runs: int, seed: int, workers: int = 1, n: int = 100,
    effect: Any = 0.3, attrition: Any = 0.2, null_runs: int | None = None,
    progress: Callable[[int], None] | None = None, **options: Any,
) -> Diagnosis:  # fmt: skip
    """Run the declared analysis on many made trials and say how often it would be right.

    Parameters
    ----------
    evaluation : what was declared; none of its files is read
    runs : trials to make with the effect
    seed : whole number; the same seed gives the same result for any number of workers
    workers : processes at once; with 1 a `joblib.parallel_config` in force decides
    n, effect, attrition, options : as `simulate`
    null_runs : trials without any effect, for the type I error (half of `runs`; none where the
        effect is 0)
    progress : called with the number of trials done

    Returns
    -------
    Diagnosis
        `.results`, `.claims`, `.levels`, `.sentences`, `.primary`.

    Raises
    ------
    InvalidInput
        As `simulate`; also for no runs or no workers.

    Notes
    -----
    A finding is clear as findings are (`evalkit.claims`): the interval leaves out no difference,
    after allowing for several results. Bias and errors of ratios are of their logarithms. The truth
    is the mean over runs of that of each made trial. Figures but the shares of all runs are over the
    runs with an estimate. Monte-Carlo errors follow Morris, White and Crowther (2019), Statistics
    in Medicine 38:2074-2102; wrong sign and exaggeration are of clear findings (Gelman and Carlin
    2014, Perspectives on Psychological Science 9:641-651).
    """
    import numpy as np

    _check(runs=runs, workers=workers, null_runs=null_runs)
    given = assume(evaluation, n=n, effect=effect, attrition=attrition, **known(options))
    found = simulable(evaluation, given)
    nothing = given.rate_ratio == 1 and not any(value for _, _, value in given.effects)
    without = 0 if nothing else max(1, runs // 2) if null_runs is None else null_runs
    seeds = np.random.SeedSequence(whole_seed(seed)).spawn(runs + without)
    portable = replace(evaluation, read=_no_file)
    none = without_effect(given)
    tasks = [(given, part) for part in _chunks(seeds[:runs])]
    tasks += [(none, part) for part in _chunks(seeds[runs:])]
    done = _run(portable, found, tasks, workers, progress)
    assumed, null = done[:runs], done if nothing else done[runs:]
    rows = characteristics(evaluation, given, assumed, null)
    claims, levels = rates([] if nothing else assumed, null)
    return Diagnosis(
        Records(rows), Records(claims), Records(levels), runs, without, given,
        tuple(in_words(evaluation, given)),
    )  # fmt: skip


def _check(*, runs: Any, workers: Any, null_runs: Any) -> None:
    found = []
    for name, value, least in (
        ("runs", runs, 1),
        ("workers", workers, 1),
        ("null_runs", null_runs, 0),
    ):
        if name == "null_runs" and value is None:
            continue
        if isinstance(value, bool) or not isinstance(value, int) or value < least:
            found.append(f"{name}={value!r}. Allowed: a whole number, {least} or more.")
        elif value > MOST:
            found.append(f"{name}={value!r}. Allowed: at most {MOST:,}.")
    if found:
        raise InvalidInput("\n".join(found))


def _no_file(name: str, sheet: str | None) -> RawTable:
    """Stand in for reading files: a simulation gives every table."""
    raise InvalidInput(f"'{name}' is not simulated.")


def _chunks(seeds: Sequence[Any]) -> Iterable[Sequence[Any]]:
    return [seeds[k : k + CHUNK] for k in range(0, len(seeds), CHUNK)]


def _run(
    evaluation: Evaluation, found: tuple[Channel, ...],
    tasks: list[tuple[Assumptions, Sequence[Any]]], workers: int,
    progress: Callable[[int], None] | None,
) -> list[tuple[Run, ...]]:  # fmt: skip
    """Make and analyse every trial, in order; one worker leaves the choice to joblib's settings."""
    import joblib

    parallel = joblib.Parallel(n_jobs=None if workers == 1 else workers, return_as="generator")
    done: list[tuple[Run, ...]] = []
    for part in parallel(joblib.delayed(_several)(evaluation, g, found, s) for g, s in tasks):
        done += part
        if progress:
            progress(len(done))
    return done


def _several(
    evaluation: Evaluation, given: Assumptions, found: tuple[Channel, ...],
    seeds: Sequence[np.random.SeedSequence],
) -> list[tuple[Run, ...]]:  # fmt: skip
    """Make and analyse one trial from each seed."""
    import numpy as np

    kept = []
    for seed in seeds:
        simulation = make(evaluation, given, found, np.random.default_rng(seed))
        truth = {key_of(row): row for row in simulation.truth}
        kept.append(
            tuple(_outcomes(evaluation, simulation.study().analyse(sensitivity=False), truth))
        )
    return kept


def _outcomes(evaluation: Evaluation, analysis: Analysis, truth: dict[Key, Truth]) -> Iterable[Run]:
    """Return what one trial found of everything whose truth is known."""
    levels = {key_of(level): level.level for level in analysis.levels}
    claims = {key_of(finding): finding.claim for finding in analysis.findings}
    for target, _ in analysis.study.trails:
        if target.key in truth:
            estimate = analysis.estimate(*target.key)  # type: ignore[arg-type]
            expected = target.outcome.expected
            worthwhile = units.declared(estimate, expected.change) if expected else None
            clear = _clear(estimate, evaluation.higher_is_better(target), worthwhile)
            yield _row(
                estimate, truth[target.key], target.key, target.primary, clear,
                claims.get(target.key), levels.get(target.key),
            )  # fmt: skip
    for estimate in analysis.event_effects:
        key = (estimate.outcome, None, None, estimate.contrast)
        if estimate.term == RATE and key in truth:
            yield _row(estimate, truth[key], key, False, _clear(estimate, False, None), None, None)


def _clear(estimate: Estimate, higher: bool, worthwhile: float | None) -> bool:
    return read(estimate, higher_is_better=higher, worthwhile=worthwhile).verdict == "clear"


def _row(
    estimate: Estimate, truth: Truth, key: Key, primary: bool, clear: bool, claim: str | None,
    level: int | None,
) -> Run:  # fmt: skip
    value, low, high = (
        None if end is None else units.centred(estimate, end)
        for end in (estimate.estimate, estimate.conf_low, estimate.conf_high)
    )
    return Run(
        key, truth, primary, value, low, high, estimate.std_error, estimate.df, clear, claim, level,
        1 - estimate.level,
    )  # fmt: skip
