"""The change that comes without any programme, beside the change seen in the programme's people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.change import TRUSTED, reliability_of
from evalkit.claims import own_word
from evalkit.contribution import words
from evalkit.contribution.records import ByItself, Reading
from evalkit.contribution.seen import both_scores, seen
from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Records
from evalkit.sampling import cluster_column

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Key, Target

NO_MEAN = (
    "no verified norm of the measure says how the people score from whom these came; declare "
    "`recruited` with their mean and its source"
)


def by_itself(study: Study) -> Records[ByItself]:
    """Return for each result of one group, or of people who came in by a score, what comes by itself.

    A result has a row for every population from which its people may have come, and one for the
    comparison group where there is one.
    """
    evaluation = study.evaluation
    found = []
    for target, followed in study.trails:
        rows = list(_rows(study, target, followed))
        own = own_word(evaluation, target.outcome.role, target.informant)
        found += [_unread(row) for row in rows] if own else rows
    return Records(found)


def _rows(study: Study, target: Target, followed: pd.DataFrame) -> Iterable[ByItself]:
    evaluation = study.evaluation
    one_group = evaluation.design.question == "change"
    declared = target.outcome.recruited
    if not one_group and (declared is None or evaluation.design.question != "difference"):
        return
    empty = _seen(study, target, followed)
    if target.kind != "mean":
        why = "worked out for scores alone, not for what is yes or no or only ordered"
        yield _worded(replace(empty, notes=(why,)))
        return
    if not one_group and evaluation.declared.design.cutoff is None:
        yield _worded(_beside_comparison(study, target, followed, empty))
    populations = list(_populations(study, target))
    if one_group and not populations:
        yield _worded(replace(empty, notes=(NO_MEAN,)))
    for basis, population, mean, sd in populations:
        named = replace(
            empty, basis=basis, population=population, population_mean=mean, population_sd=sd
        )
        yield _worded(_regressed(study, target, followed, named))


def _seen(study: Study, target: Target, followed: pd.DataFrame) -> ByItself:
    """Return the row of a result with what was seen, before anything is expected."""
    found = seen(study, target, followed, treated=True)
    rows = both_scores(target, followed, treated=True)
    known = len(rows) > 1
    return ByItself(
        outcome=target.outcome.id, wave=target.wave, informant=target.informant,
        contrast=target.key[3], n=found.n, n_families=found.families, n_no_first=found.no_first,
        baseline_mean=float(rows["first"].mean()) if known else None,
        sd=float(rows["first"].std(ddof=1)) if known else None, observed_change=found.change,
        observed_low=found.low, observed_high=found.high,
    )  # fmt: skip


def _populations(study: Study, target: Target) -> Iterable[tuple[Any, str, float, float | None]]:
    """Yield from whom the people may have come: as declared, else every verified norm for all."""
    declared = target.outcome.recruited
    if declared is not None and declared.mean is not None:
        yield "declared", declared.source, declared.mean, declared.sd
        return
    if study.evaluation.design.question != "change":
        return
    scale = study.evaluation.scale(target).id
    for norm in study.evaluation.measure(target.measure).norms:
        for_all = norm.sex is None and norm.grades is None
        if norm.scale == scale and norm.verification in TRUSTED and for_all:
            yield "norm", norm.population, norm.mean, norm.sd


def stability_of(study: Study, target: Target) -> tuple[float | None, str]:
    """Return how alike two scores of a person are without change, and where that is from.

    As declared; else a published test-retest reliability; else as for reliable change.
    """
    declared = target.outcome.recruited
    if declared is not None and declared.reliability is not None:
        return declared.reliability, f"as declared: {declared.source}"
    measure = study.evaluation.measure(target.measure)
    scale = study.evaluation.scale(target).id
    for row in measure.reliability:
        if row.scale == scale and row.kind == "retest" and row.verification in TRUSTED:
            cited = {source.id: source.citation for source in measure.sources}
            named = "; ".join(cited[name] for name in row.sources)
            return row.value, f"published test-retest reliability: {named}"
    return reliability_of(study, target)


def _regressed(study: Study, target: Target, followed: pd.DataFrame, row: ByItself) -> ByItself:
    from evalkit.stats.measuring.regression_to_mean import regression_to_mean

    reliability, source = stability_of(study, target)
    if reliability is None:
        return replace(row, notes=(source,))
    rows = both_scores(target, followed, treated=True)
    column, edge = cluster_column(study, rows), target.outcome.recruited
    line = edge if edge is not None and row.population_sd is not None else None
    try:
        found = regression_to_mean(
            rows["first"], rows["last"], population_mean=float(row.population_mean or 0.0),
            population_sd=row.population_sd, reliability=reliability,
            cluster=None if column is None else rows[column].to_numpy(), at_least=line.at_least if line else None, at_most=line.at_most if line else None,
        )  # fmt: skip
    except (CannotEstimate, InvalidInput) as refusal:
        return replace(row, notes=(str(refusal),))
    higher = study.evaluation.higher_is_better(target)
    return replace(
        row, reliability=reliability, reliability_source=source,
        expected_change=found.expected_change, expected_low=found.expected_low,
        expected_high=found.expected_high, expected_by_cutoff=found.expected_by_cutoff,
        beyond=found.beyond, beyond_low=found.conf_low, beyond_high=found.conf_high,
        reading=_reading(found.conf_low, found.conf_high, higher),
    )  # fmt: skip


def _beside_comparison(
    study: Study, target: Target, followed: pd.DataFrame, row: ByItself
) -> ByItself:
    """Return the comparison group's own change as what comes by itself, and the difference."""
    import pandas as pd

    from evalkit import stats

    named = replace(row, basis="comparison", population="the comparison group's own change")
    other = seen(study, target, followed, treated=False)
    named = replace(named, expected_change=other.change, expected_low=other.low, expected_high=other.high)  # fmt: skip
    if other.low is None or row.observed_low is None:
        return replace(named, notes=(other.note or "no interval can be had of the change seen",))
    arms = [both_scores(target, followed, treated=side) for side in (True, False)]
    frame = pd.concat(arms)
    frame = frame.assign(moved=frame["last"] - frame["first"])
    try:
        found = stats.mean_difference(
            frame, outcome="moved", treatment="treated", cluster=cluster_column(study, frame)
        )
    except (CannotEstimate, InvalidInput) as refusal:
        return replace(named, notes=(str(refusal),))
    higher = study.evaluation.higher_is_better(target)
    return replace(
        named, beyond=found.estimate, beyond_low=found.conf_low, beyond_high=found.conf_high,
        reading=_reading(found.conf_low, found.conf_high, higher),
    )  # fmt: skip


def _reading(low: float | None, high: float | None, higher_is_better: bool) -> Reading:
    if low is None or high is None:
        return "not-known"
    if low <= 0 <= high:
        return "no-more"
    return "more" if (low > 0) == higher_is_better else "less"


def _worded(row: ByItself) -> ByItself:
    return replace(row, sentence=words.by_itself(row))


def _unread(row: ByItself) -> ByItself:
    """Return the numbers of a report by those who harm on themselves, with nothing read from them."""
    return replace(row, reading="not-known", sentence=words.AGREES["own-report-only"])


ORDER = ("less", "no-more", "more")


def said(rows: Iterable[ByItself]) -> dict[Key, str]:
    """Return one sentence a result, of the population that leaves the least to say for the programme."""
    from evalkit.targets import key_of

    by_key: dict[Key, list[ByItself]] = {}
    for row in rows:
        by_key.setdefault(key_of(row), []).append(row)
    chosen = {}
    for key, mine in by_key.items():
        known = [row for row in mine if row.reading != "not-known"]
        worst = min(known or mine, key=lambda row: (*ORDER, "not-known").index(row.reading))
        chosen[key] = worst.sentence
    return chosen
