"""Who changed by more than measurement error: improved, no reliable change, deteriorated, not seen again.

Counts of people, never an effect: people get better and worse without any programme.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Record

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.instruments.spec import Measure
    from evalkit.study import Study
    from evalkit.targets import Target

METHOD = "jacobson-truax"
CROSSED = ("recovered", "deteriorated-clinically")
IMPROVED, SAME, WORSE = "improved", "no reliable change", "deteriorated"
NO_SECOND, NO_FIRST = "no second score", "no first score"
STATUSES = (IMPROVED, SAME, WORSE, NO_SECOND, NO_FIRST)
WORDS = {"improved": IMPROVED, "recovered": IMPROVED, "unchanged": SAME, "deteriorated": WORSE,
         "deteriorated-clinically": WORSE}  # fmt: skip
RECOVERED, HARMED = "recovered", "deteriorated clinically"
"""Parts of the improved and of the deteriorated: those whose score crossed the cut-off as well."""
NOT_ALLOCATED = ("came-in", "eligible")
TRUSTED = ("V2", "V1", "derived")
ALPHA_COLUMNS = ["measure", "scale", "informant", "role", "alpha", "n"]
FEWEST = 20
"""Complete forms at the first wave below which a study's own alpha is not used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basis(Record):
    """What a reliable change rests on; a change counts beyond `threshold` points.

    `cutoff` (between the published means of people in need of help and of others, method c) is None
    where no such pair of norms is verified. `source` says where the reliability comes from. Where there is none, `reliability`, `sd` and
    `threshold` are None and `source` says why.
    """

    outcome: str
    measure: str
    scale: str
    informant: str
    wave: str
    method: str
    reliability: float | None
    sd: float | None
    threshold: float | None
    source: str
    cutoff: float | None = None
    cutoff_source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeCount(Record):
    """How many people of an arm have a status; `share` and its Wilson interval are of `n_of` people.

    `n_of` is those with both scores; for recovered those of them who began on the clinical side of
    the cut-off, for deteriorated clinically those who began on the other. For people not seen twice
    it and the share are None.
    """

    outcome: str
    measure: str
    scale: str
    informant: str
    wave: str
    arm: str
    status: str
    n: int
    n_of: int | None
    n_both: int
    n_all: int
    share: float | None
    conf_low: float | None
    conf_high: float | None


@dataclass(frozen=True, slots=True, eq=False)
class IndividualChange:
    """One result's people: `frame` has person, family, arm, status (None without a basis), crossed
    (whether the score went past the cut-off, reliably) and began (clinical, functional or None)."""

    target: Target
    basis: Basis
    frame: pd.DataFrame

    def counts(self) -> tuple[ChangeCount, ...]:
        """Count every status by arm, those not seen twice beside them."""
        from evalkit.stats.persons.status_rates import wilson

        t, rows = self.target, []
        for arm, people in self.frame.groupby("arm", sort=False):
            both = int(people["status"].isin([IMPROVED, SAME, WORSE]).sum())
            for status, n, of in self._numbers(people, both):
                low, high = wilson(n, of) if of else (None, None)
                rows.append(ChangeCount(
                    outcome=t.outcome.id, measure=t.measure, scale=self.basis.scale,
                    informant=t.informant, wave=t.wave, arm=str(arm), status=status, n=n, n_of=of,
                    n_both=both, n_all=len(people), share=n / of if of else None, conf_low=low,
                    conf_high=high,
                ))  # fmt: skip
        return tuple(rows)

    def _numbers(self, people: pd.DataFrame, both: int) -> Iterable[tuple[str, int, int | None]]:
        """Yield each status, how many have it, and of how many the share is."""
        for status in STATUSES:
            seen = status in (IMPROVED, SAME, WORSE)
            yield status, int((people["status"] == status).sum()), both if seen else None
        if self.basis.cutoff is None:
            return
        seen_twice = people[people["status"].isin([IMPROVED, SAME, WORSE])]
        for name, status, side in (
            (RECOVERED, IMPROVED, "clinical"),
            (HARMED, WORSE, "functional"),
        ):
            crossed = (seen_twice["status"] == status) & seen_twice["crossed"]
            yield name, int(crossed.sum()), int((seen_twice["began"] == side).sum())


def individual_changes(study: Study) -> tuple[IndividualChange, ...]:
    """Return for each result who of those due changed, and the basis of the judgement."""
    return tuple(_of(study, target, followed) for target, followed in study.everyone)


def _of(study: Study, target: Target, followed: pd.DataFrame) -> IndividualChange:
    due = followed[followed["step"].isin(["due", "returned", "analysed"])]
    frame = due[["person", "family", "arm"]].reset_index(drop=True)
    pre, post = (due[name].to_numpy(float) for name in ("baseline", "points"))
    reliability, source = reliability_of(study, target)
    better = study.evaluation.scale(target).higher_is_better
    measure = study.evaluation.measure(target.measure)
    norms, norms_source = published_norms(measure, study.evaluation.scale(target).id)
    if reliability is None or better is None:
        return _without(study, target, frame, source)
    from evalkit.stats import reliable_change

    allocated = followed[~followed["step"].isin(NOT_ALLOCATED)]
    sd = float(allocated["baseline"].std(ddof=1))
    try:
        found = reliable_change(
            pre, post, method=METHOD, higher_is_better=better, reliability=reliability,
            sd=sd if sd > 0 else None, **norms,
        )  # fmt: skip
    except (CannotEstimate, InvalidInput):
        return _without(
            study, target, frame, "too few people have both scores, or their scores do not vary"
        )
    judged = found.to_frame()["status"]
    status = judged.map(WORDS).astype(object)
    no_first = due["baseline"].isna().to_numpy()
    no_second = due["points"].isna().to_numpy()
    status = status.mask(no_first, NO_FIRST).mask(no_second, NO_SECOND)
    basis = _basis(
        study, target, source, reliability=reliability, sd=found.sd, threshold=found.threshold,
        cutoff=found.cutoff, cutoff_source=norms_source,
    )  # fmt: skip
    frame = frame.assign(
        status=status.to_numpy(), crossed=judged.isin(CROSSED).to_numpy(),
        began=_began(pre, found.cutoff, higher_is_better=better),
    )  # fmt: skip
    return IndividualChange(target, basis, frame)


def _without(study: Study, target: Target, frame: pd.DataFrame, why: str) -> IndividualChange:
    blank = frame.assign(status=None, crossed=False, began=None)
    return IndividualChange(target, _basis(study, target, why), blank)


def _began(
    pre: npt.NDArray[np.float64], cutoff: float | None, *, higher_is_better: bool
) -> npt.NDArray[np.object_]:
    """Say on which side of the cut-off each person began; a score on it is clinical."""
    import numpy as np

    if cutoff is None:
        return np.full(len(pre), None, dtype=object)
    beyond = pre > cutoff if higher_is_better else pre < cutoff
    side = np.where(beyond, "functional", "clinical").astype(object)
    side[np.isnan(pre)] = None
    return side


def published_norms(measure: Measure, scale: str) -> tuple[dict[str, Any], str | None]:
    """Return the verified means and SDs of people in need of help and of others, for a cut-off.

    Empty where the registry has no such pair for the scale.
    """
    pair: dict[str, Any] = {}
    sources = []
    for group in ("clinical", "functional"):
        norm = next((x for x in measure.norms if x.scale == scale and x.group == group
                     and x.sd is not None and x.verification in TRUSTED), None)  # fmt: skip
        if norm is None:
            return {}, None
        pair[group] = (norm.mean, norm.sd)
        sources.append(norm.population)
    return pair | {"cutoff": "c"}, " and ".join(sources)


def _basis(
    study: Study, target: Target, source: str, *, reliability: float | None = None,
    sd: float | None = None, threshold: float | None = None, cutoff: float | None = None,
    cutoff_source: str | None = None,
) -> Basis:  # fmt: skip
    return Basis(
        outcome=target.outcome.id, measure=target.measure,
        scale=study.evaluation.scale(target).id, informant=target.informant, wave=target.wave,
        method=METHOD, reliability=reliability, sd=sd, threshold=threshold, source=source,
        cutoff=cutoff, cutoff_source=cutoff_source,
    )  # fmt: skip


def reliability_of(study: Study, target: Target) -> tuple[float | None, str]:
    """Return the reliability to use and where it comes from: published, else the study's own."""
    measure = study.evaluation.measure(target.measure)
    scale = study.evaluation.scale(target).id
    published = _published(measure, scale)
    if published is not None:
        return published
    own = study.intake.alphas
    mine = own[
        (own["measure"] == target.measure) & (own["scale"] == scale)
        & (own["informant"] == target.informant) & (own["role"] == target.outcome.role)
    ]  # fmt: skip
    if mine.empty:
        return None, "no reliability is published that is verified, and no item answers are given"
    alpha, n = float(mine["alpha"].iloc[0]), int(mine["n"].iloc[0])
    if n < FEWEST:
        return None, f"no reliability is published, and fewer than {FEWEST} complete first forms"
    if not 0 < alpha < 1:
        return None, "no reliability is published, and the study's own alpha is of no use"
    converted = study.evaluation.scale(target).method == "table"
    of = ", of the answers before conversion" if converted else ""
    return alpha, f"this study's own alpha at the first wave{of}"


def _published(measure: Measure, scale: str) -> tuple[float, str] | None:
    rows = [x for x in measure.reliability if x.scale == scale and x.verification in TRUSTED]
    for kind, words in (("alpha", "alpha"), ("retest", "test-retest reliability")):
        found = next((row for row in rows if row.kind == kind), None)
        if found is not None:
            sources = {source.id: source.citation for source in measure.sources}
            named = "; ".join(sources[name] for name in found.sources)
            return found.value, f"published {words}: {named}"
    return None


def leaves(measure: Measure, scale: str) -> list[tuple[str, bool]] | None:
    """Return the items behind a scale, each with whether it is reversed; None where no sum is."""
    found = measure.scale(scale)
    if found.method in ("sum", "mean") and not found.recode:
        return [(item, item in found.reverse) for item in found.items]
    if found.method in ("sum-of-scales", "table") and not found.weights:
        parts = [leaves(measure, part) for part in found.of]
        return None if None in parts else [pair for part in parts for pair in part or ()]
    return None


def own_alphas(measure: Measure, answers: pd.DataFrame, keys: pd.DataFrame) -> pd.DataFrame:
    """Return Cronbach's alpha of every scale by informant and role from answers at one wave.

    `answers` has one column an item id, floats; `keys` informant and role of each row. Scales that are
    no sum of items, or whose alpha cannot be had, are left out.
    """
    import pandas as pd

    from evalkit.stats import reliability

    rows = []
    for (informant, role), where in keys.groupby(["informant", "role"]).groups.items():
        mine = answers.loc[where]
        for scale in measure.scales:
            items = leaves(measure, scale.id)
            if not items or len(items) < 2 or any(name not in mine for name, _ in items):
                continue
            try:
                found = reliability(_turned(measure, mine, items), omega=False)
            except (CannotEstimate, InvalidInput):
                continue
            rows.append((measure.id, scale.id, informant, role, found.alpha, found.n_complete))
    return pd.DataFrame(rows, columns=ALPHA_COLUMNS)


def _turned(measure: Measure, answers: pd.DataFrame, items: list[tuple[str, bool]]) -> pd.DataFrame:
    """Return the answers with reversed items turned round."""
    turned = answers[[name for name, _ in items]].astype(float)
    for name, reversed_ in items:
        if reversed_:
            item = measure.item(name)
            turned[name] = item.low + item.high - turned[name]
    return turned
