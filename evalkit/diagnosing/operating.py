"""From many analysed trials to what a plan can and cannot show, with Monte-Carlo errors."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.diagnosing.words import Told, sentence
from evalkit.results import Record
from evalkit.targets import Key

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from evalkit.evaluation import Evaluation
    from evalkit.simulating.assumptions import Assumptions
    from evalkit.simulating.truth import Truth

    Floats = npt.NDArray[np.float64]

GOOD_POWER = 0.8
MANY_DF = 1e6


@dataclass(frozen=True, slots=True)
class Run:
    """One result of one made trial; estimate and interval on the scale where 0 is no difference."""

    key: Key
    truth: Truth
    primary: bool
    estimate: float | None
    low: float | None
    high: float | None
    std_error: float | None
    df: float | None
    clear: bool
    claim: str | None
    level: int | None
    alpha: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Characteristic(Record):
    """How one result of a plan would do over many trials; each `_mcse` is a Monte-Carlo error.

    `truth`, `bias`, `empirical_se` and `model_se` (the root of the mean square of the standard errors)
    are in `unit`, of a ratio in its logarithm; `truth_size` is in SDs, positive is better.
    `estimated` is the share of runs with an estimate, `coverage` that of intervals that hold the
    truth, `power` that of clear findings, `type_one` the same without any effect, `wrong_sign` the
    share of clear findings that point the wrong way, `exaggeration` their mean size over the true
    one. `detectable` is the effect, in SDs, found in 80 of 100 trials of this size, `needed` the families
    for the effect assumed: both by scaling the empirical standard error. None: no runs to tell.
    """

    outcome: str
    wave: str | None
    informant: str | None
    contrast: str | None
    primary: bool
    unit: str
    runs: int
    null_runs: int
    estimated: float
    truth: float
    truth_size: float | None
    mean_estimate: float | None
    bias: float | None
    bias_mcse: float | None
    empirical_se: float | None
    empirical_se_mcse: float | None
    model_se: float | None
    model_se_mcse: float | None
    coverage: float | None
    coverage_mcse: float | None
    power: float
    power_mcse: float
    type_one: float | None
    type_one_mcse: float | None
    wrong_sign: float | None
    wrong_sign_mcse: float | None
    exaggeration: float | None
    exaggeration_mcse: float | None
    detectable: float | None
    needed: int | None
    sentence: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimRate(Record):
    """How often a claim would be made; `effect` says whether there was one."""

    outcome: str | None
    wave: str | None
    informant: str | None
    contrast: str | None
    effect: bool
    claim: str
    share: float
    share_mcse: float
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LevelRate(Record):
    """How often a level would be reached; `effect` says whether there was one."""

    outcome: str | None
    wave: str | None
    informant: str | None
    contrast: str | None
    effect: bool
    level: int
    share: float
    share_mcse: float
    runs: int


def characteristics(
    evaluation: Evaluation, given: Assumptions, assumed: Sequence[tuple[Run, ...]],
    null: Sequence[tuple[Run, ...]],
) -> Iterable[Characteristic]:  # fmt: skip
    """Return the characteristics of every result, in declared order."""
    without = _by_key(null)
    for key, runs in _by_key(assumed).items():
        yield _characteristic(evaluation, given, key, runs, without.get(key, []))


def _by_key(trials: Sequence[tuple[Run, ...]]) -> dict[Key, list[Run]]:
    found: dict[Key, list[Run]] = {}
    for trial in trials:
        for run in trial:
            found.setdefault(run.key, []).append(run)
    return found


def _characteristic(
    evaluation: Evaluation, given: Assumptions, key: Key, runs: list[Run], null: list[Run]
) -> Characteristic:
    import numpy as np

    first = runs[0].truth
    truth = float(np.mean([_centred(run.truth) for run in runs]))
    usable = [run for run in runs if run.estimate is not None and run.std_error is not None]
    usable = [run for run in usable if math.isfinite(run.std_error or 0.0)]
    estimates = _array(run.estimate for run in usable)
    clear = [run for run in usable if run.clear]
    power = sum(run.clear for run in runs) / len(runs)
    sizes = [run.truth.sd for run in runs if run.truth.sd]
    sd = float(np.mean(sizes)) if sizes else None
    sign = _sign(evaluation, key)
    size = None if sd is None else sign * truth / sd
    spread = _spread(estimates, usable)
    effective = abs(truth) > 0
    reach = None if spread["empirical_se"] is None else _multiplier(usable) * spread["empirical_se"]
    needed = _needed(given.n, spread["empirical_se"], truth, usable) if effective else None
    type_one = share([run.clear for run in null])
    wrong = (
        share([(run.estimate or 0.0) * truth < 0 for run in clear]) if effective else (None, None)
    )
    exaggerated = _exaggeration(clear, truth) if effective else (None, None)
    covered = [run.low <= truth <= run.high for run in usable
               if run.low is not None and run.high is not None]  # fmt: skip
    coverage = share(covered)
    told = Told(
        families=given.n, noun="families" if sum(c for _, c in given.family_size) > 1 else "people",
        sites=given.sites if evaluation.declared.design.assigned_by == "site" else None,
        size=size, unit=first.unit, truth=truth, power=power, needed=needed,
        detectable=None if reach is None or not sd else reach / sd, wrong=wrong[0],
        exaggeration=exaggerated[0], type_one=type_one[0], coverage=coverage,
        estimated=len(usable) / len(runs), clear=len(clear),
    )  # fmt: skip
    return Characteristic(
        outcome=str(key[0]), wave=key[1], informant=key[2], contrast=key[3],
        primary=runs[0].primary, unit=first.unit, runs=len(runs), null_runs=len(null),
        estimated=len(usable) / len(runs), truth=truth, truth_size=size,
        mean_estimate=float(estimates.mean()) if len(estimates) else None,
        bias=float(estimates.mean()) - truth if len(estimates) else None, **spread,
        coverage=coverage[0], coverage_mcse=coverage[1], power=power,
        power_mcse=math.sqrt(power * (1 - power) / len(runs)), type_one=type_one[0],
        type_one_mcse=type_one[1], wrong_sign=wrong[0], wrong_sign_mcse=wrong[1],
        exaggeration=exaggerated[0], exaggeration_mcse=exaggerated[1],
        detectable=told.detectable, needed=needed, sentence=sentence(told),
    )  # fmt: skip


def _centred(truth: Truth) -> float:
    return math.log(truth.effect) if truth.unit == "ratio" else truth.effect


def _sign(evaluation: Evaluation, key: Key) -> int:
    """Return 1 where more is better, as far as an outcome says so."""
    for target in evaluation.targets():
        if target.key == key:
            return 1 if evaluation.higher_is_better(target) else -1
    return 1


def _array(values: Iterable[float | None]) -> Floats:
    import numpy as np

    return np.array([value for value in values if value is not None], dtype=float)


def share(hits: Sequence[bool]) -> tuple[float | None, float | None]:
    """Return a share and its Monte-Carlo error; None without anything to count."""
    if not hits:
        return None, None
    found = sum(hits) / len(hits)
    return found, math.sqrt(found * (1 - found) / len(hits))


def _spread(estimates: Floats, usable: list[Run]) -> dict[str, Any]:
    """Return the errors over runs (Morris, White and Crowther 2019, table 6)."""
    import numpy as np

    n = len(estimates)
    names = ("bias_mcse", "empirical_se", "empirical_se_mcse", "model_se", "model_se_mcse")
    if n < 2:
        return dict.fromkeys(names)
    empirical = float(estimates.std(ddof=1))
    squares = _array(run.std_error for run in usable) ** 2
    model = float(np.sqrt(squares.mean()))
    error = float(squares.std(ddof=1) / (2 * model * math.sqrt(n))) if model else 0.0
    values = (empirical / math.sqrt(n), empirical, empirical / math.sqrt(2 * (n - 1)), model, error)
    return dict(zip(names, values, strict=True))


def _needed(n: int, empirical: float | None, truth: float, usable: list[Run]) -> int | None:
    """Return the families with which 80 in 100 trials find the truth.

    The standard error falls with the root of the size, and the degrees of freedom rise with it.
    """
    if empirical is None:
        return None
    times = 1.0
    for _ in range(20):
        times = (_multiplier(usable, times) * empirical / abs(truth)) ** 2
    return math.ceil(n * times)


def _multiplier(usable: list[Run], times: float = 1.0) -> float:
    """Return how many standard errors an effect must be for 80 in 100 to find it.

    `times` is how many times as large the trial is.
    """
    import numpy as np

    from evalkit.stats.planning.noncentral_power import multiplier

    known = [run.df for run in usable if run.df is not None and math.isfinite(run.df)]
    df = max(1.0, times * float(np.median(known))) if known else MANY_DF
    alpha = usable[0].alpha if usable else 0.05
    return multiplier(df, GOOD_POWER, alpha, 2)


def _exaggeration(clear: list[Run], truth: float) -> tuple[float | None, float | None]:
    import numpy as np

    sizes = np.abs(_array(run.estimate for run in clear)) / abs(truth)
    if len(sizes) == 0:
        return None, None
    error = float(sizes.std(ddof=1) / math.sqrt(len(sizes))) if len(sizes) > 1 else None
    return float(sizes.mean()), error


def rates(
    assumed: Sequence[tuple[Run, ...]], null: Sequence[tuple[Run, ...]]
) -> tuple[list[ClaimRate], list[LevelRate]]:
    """Return how often each claim was made and each level reached."""
    claims: list[ClaimRate] = []
    levels: list[LevelRate] = []
    for effect, trials in ((True, assumed), (False, null)):
        for key, runs in _by_key(trials).items():
            outcome, wave, informant, contrast = key
            common: dict[str, Any] = {
                "outcome": outcome, "wave": wave, "informant": informant, "contrast": contrast,
                "effect": effect, "runs": len(runs),
            }  # fmt: skip
            said = Counter(run.claim for run in runs if run.claim is not None)
            for claim, count in sorted(said.items()):
                claims.append(ClaimRate(claim=claim, **common, **_shared(count, len(runs))))
            reached = Counter(run.level for run in runs if run.level is not None)
            for level, count in sorted(reached.items()):
                levels.append(LevelRate(level=level, **common, **_shared(count, len(runs))))
    return claims, levels


def _shared(count: int, total: int) -> dict[str, Any]:
    found = count / total
    return {"share": found, "share_mcse": math.sqrt(found * (1 - found) / total)}
