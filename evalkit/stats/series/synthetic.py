"""One treated area against a weighted mixture of others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Records
from evalkit.stats.series.donor_weights import weigh
from evalkit.stats.series.synthetic_panel import Panel, predictor_columns, read_panel
from evalkit.stats.series.synthetic_results import (
    DonorWeight,
    Placebo,
    PlaceboGap,
    SyntheticControl,
    SyntheticPoint,
    WithoutDonor,
)
from evalkit.stats.shared.columns import check_frame, check_roles

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXACT = 1e-9  # a fit this close, as a share of the outcomes' spread, is exact
POOR_R2 = 0.8
FEW_DONORS = 19  # below this no p-value can reach 0.05
FEW_BEFORE = 8


def synthetic_control(
    data: Any,
    *,
    outcome: str,
    unit: str,
    period: str,
    treated: Any,
    start: Any,
    predictors: Any = None,
    donors: Sequence[Any] | None = None,
) -> SyntheticControl:
    """Return the gap between a treated unit and the mixture of donors that followed it before.

    Weights are none negative and add up to one. Without predictors they make the mixture's
    outcomes before the start nearest the treated unit's. With predictors they are nearest on those
    (each in standard deviations over units), and each predictor's importance is chosen so that
    the outcomes before the start are nearest. Each donor is then treated in turn, the treated unit
    left out, to rank it.

    Parameters
    ----------
    data : any frame narwhals knows, one row a unit and period; never changed
    outcome : name of a numeric column
    unit : name of the column of units (areas)
    period : name of the column of periods: numbers in equal steps, dates, or dates as text
    treated : the value of `unit` that names the treated one
    start : the first period with the programme, as the periods are written
    predictors : names of numeric columns, each averaged over the periods before the start; or a
        dict of names, each a column or (column, first period, last period)
    donors : the values of `unit` to mix; all others by default. Leave out any that had the
        programme or were touched by it

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a cell without a value or with two, a
        start outside the series, or units that are not there.
    CannotEstimate
        With one period before the start, or fewer than two donors.

    References
    ----------
    Abadie and Gardeazabal (2003), American Economic Review 93:113-132; Abadie, Diamond and
    Hainmueller (2010), Journal of the American Statistical Association 105:493-505.
    """
    columns = predictor_columns(predictors)
    check_roles(outcome=outcome, unit=unit, period=period)
    sources = [source for source, _, _ in columns.values()]
    data = check_frame(data, [outcome, unit, period, *dict.fromkeys(sources)])
    panel = read_panel(
        data, outcome=outcome, unit=unit, period=period, treated=treated, start=start,
        predictors=columns, donors=donors,
    )  # fmt: skip
    everyone = list(range(len(panel.units)))
    own = _mixture(panel, 0, everyone[1:])
    others = {i: _mixture(panel, i, [j for j in everyone[1:] if j != i]) for i in everyone[1:]}
    placebos = _placebos(panel, {0: own} | others)
    return _result(panel, own, others, placebos, outcome)


@dataclass(frozen=True, slots=True, eq=False)
class _Mixture:
    """The donors of one unit, their weights, and its gaps by period."""

    donors: list[int]
    weights: Floats
    importance: Floats | None
    gaps: Floats


def _mixture(panel: Panel, target: int, donors: list[int]) -> _Mixture:
    before = ~panel.after
    if len(donors) == 1:
        weights, importance = np.ones(1), None
    else:
        traits = panel.traits
        weights, importance = weigh(
            panel.outcomes[before, target],
            panel.outcomes[before][:, donors],
            None if traits is None else traits[:, target],
            None if traits is None else traits[:, donors],
        )
    gaps = panel.outcomes[:, target] - panel.outcomes[:, donors] @ weights
    return _Mixture(donors, weights, importance, gaps)


def _roots(panel: Panel, gaps: Floats) -> tuple[float, float]:
    """Return the root mean squared gaps before and after; rounding before counts as none."""
    before, after = (sqrt(float(np.mean(gaps[side] ** 2))) for side in (~panel.after, panel.after))
    return (0.0 if before <= EXACT * float(np.std(panel.outcomes)) else before), after


def _placebos(panel: Panel, mixtures: dict[int, _Mixture]) -> Records[Placebo]:
    roots = {i: _roots(panel, m.gaps) for i, m in mixtures.items()}
    ratios = {
        i: after / before if before else (inf if after else 0.0)
        for i, (before, after) in roots.items()
    }
    found = [
        Placebo(
            unit=panel.units[i],
            treated=i == 0,
            rmspe_before=roots[i][0],
            rmspe_after=roots[i][1],
            ratio=ratios[i] if np.isfinite(ratios[i]) else None,
            rank=sum(other >= ratios[i] * (1 - 1e-12) for other in ratios.values()),
            mean_gap=float(mixture.gaps[panel.after].mean()),
        )
        for i, mixture in mixtures.items()
    ]
    return Records(sorted(found, key=lambda p: (p.rank, not p.treated)))


def _without(panel: Panel, own: _Mixture) -> Records[WithoutDonor]:
    found = []
    for place, donor in enumerate(own.donors):
        if own.weights[place] > 0:
            rest = _mixture(panel, 0, [j for j in own.donors if j != donor])
            found.append(
                WithoutDonor(
                    donor=panel.units[donor],
                    weight=float(own.weights[place]),
                    estimate=float(rest.gaps[panel.after].mean()),
                    rmspe_before=_roots(panel, rest.gaps)[0],
                )
            )
    return Records(found)


def _result(
    panel: Panel,
    own: _Mixture,
    others: dict[int, _Mixture],
    placebos: Records[Placebo],
    outcome: str,
) -> SyntheticControl:
    mine = next(p for p in placebos if p.treated)
    without = _without(panel, own)
    spread = [w.estimate for w in without] or [mine.mean_gap]
    before = panel.outcomes[~panel.after]
    outside = (before[:, 0] < before[:, 1:].min(axis=1)) | (
        before[:, 0] > before[:, 1:].max(axis=1)
    )
    total = float(np.sum((before[:, 0] - before[:, 0].mean()) ** 2))
    r2 = 1 - mine.rmspe_before**2 * len(before) / total if total > 0 else None
    j = len(panel.units) - 1
    p_value = mine.rank / (j + 1)
    return SyntheticControl(
        outcome=outcome,
        term=panel.units[0],
        estimand="mean gap over the periods after the start",
        estimate=mine.mean_gap,
        p_value=p_value,
        rank=mine.rank,
        estimate_low=min(spread),
        estimate_high=max(spread),
        mspe_before=mine.rmspe_before**2,
        rmspe_before=mine.rmspe_before,
        rmspe_after=mine.rmspe_after,
        ratio=mine.ratio,
        fit_r2=r2,
        outside_range=int(outside.sum()),
        n_donors=j,
        n_before=len(before),
        n_after=int(panel.after.sum()),
        n_dropped=sum(count for _, count in panel.dropped),
        dropped_why=panel.dropped,
        weights=Records(
            DonorWeight(donor=panel.units[d], weight=float(w))
            for d, w in sorted(zip(own.donors, own.weights, strict=True), key=lambda x: -x[1])
        ),
        predictor_weights=_importance(panel, own),
        gaps=_points(panel, own),
        placebos=placebos,
        placebo_gaps=_placebo_gaps(panel, {0: own} | others),
        without_donor=without,
        method=_method(panel),
        sentence=_sentence(mine, j, int(panel.after.sum())),
        notes=tuple(_notes(panel, own, mine, r2, int(outside.sum()))),
    )


def _importance(panel: Panel, own: _Mixture) -> tuple[tuple[str, float], ...]:
    if own.importance is None:
        return ()
    return tuple((n, float(v)) for n, v in zip(panel.predictors, own.importance, strict=True))


def _points(panel: Panel, own: _Mixture) -> Records[SyntheticPoint]:
    observed = panel.outcomes[:, 0]
    return Records(
        SyntheticPoint(
            period=label,
            after=bool(panel.after[i]),
            observed=float(observed[i]),
            synthetic=float(observed[i] - own.gaps[i]),
            gap=float(own.gaps[i]),
        )
        for i, label in enumerate(panel.periods)
    )


def _placebo_gaps(panel: Panel, mixtures: dict[int, _Mixture]) -> Records[PlaceboGap]:
    return Records(
        PlaceboGap(
            unit=panel.units[i],
            treated=i == 0,
            period=label,
            after=bool(panel.after[t]),
            gap=float(mixture.gaps[t]),
        )
        for i, mixture in mixtures.items()
        for t, label in enumerate(panel.periods)
    )


def _method(panel: Panel) -> str:
    how = "the outcomes before the start"
    if panel.predictors:
        how = f"{len(panel.predictors)} predictors, their importance chosen by the outcomes before"
    return (
        f"Synthetic control of {len(panel.units) - 1} donors, convex weights by {how}; p-value by "
        "placebo ranks of the ratio of root mean squared gaps after to before."
    )


def _sentence(mine: Placebo, donors: int, after: int) -> str:
    side = "above" if mine.mean_gap >= 0 else "below"
    return (
        f"Over the {after} period(s) from the start the treated unit was on average "
        f"{abs(mine.mean_gap):.3g} {side} its mixture of donors; set against its fit before, that "
        f"ranks {mine.rank} of {donors + 1} units (p = {mine.rank / (donors + 1):.3f})."
    )


def _notes(panel: Panel, own: _Mixture, mine: Placebo, r2: float | None, outside: int) -> list[str]:
    found = []
    before, donors = int((~panel.after).sum()), len(panel.units) - 1
    if outside:
        found.append(
            f"In {outside} of {before} periods before the start the treated unit lies outside the "
            "donors' range: no mixture can follow it there, and the gaps after are not its effect "
            "alone"
        )
    if mine.rmspe_before > 0 and (r2 is None or r2 < POOR_R2):
        share = "" if r2 is None else f" (R squared {r2:.2f})"
        found.append(f"The mixture follows the treated unit poorly before the start{share}")
    if before < FEW_BEFORE:
        found.append(
            f"{before} periods before the start are few (below {FEW_BEFORE}): a close fit may be "
            "chance"
        )
    if donors < FEW_DONORS:
        found.append(
            f"With {donors} donors the p-value cannot be below {1 / (donors + 1):.3f}: it says "
            "little either way"
        )
    if panel.traits is None and mine.rmspe_before == 0 and donors > before:
        found.append("The fit is exact and other weights may fit as well: gaps after may differ")
    heavy = own.weights.max()
    if heavy > 0.5:
        name = panel.units[own.donors[int(np.argmax(own.weights))]]
        found.append(f"'{name}' has {100 * heavy:.0f}% of the weight: what befell it is in the gap")
    return found
