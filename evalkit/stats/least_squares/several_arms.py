"""Differences between each two of several arms, with p-values and intervals for all at once."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Estimate, Records
from evalkit.stats.least_squares.linear import LinearFit, fit, resolve_se
from evalkit.stats.least_squares.simultaneous import Family, adjusted_family
from evalkit.stats.shared.arm_rows import Arms, control_place, dummy, read_arms
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_level,
    check_roles,
    choice,
    invalid,
    optional_name,
)
from evalkit.stats.shared.intervals import caveats, coefficient_interval, scaled_by
from evalkit.stats.sizes.effect_sizes import accurate_mean, difference_scaling

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

ADJUST = ("holm", "bonferroni", "dunnett", "tukey", "none")
_UNSHARED = {"CR0": "HC0", "CR1S": "HC1", "CR2": "HC2", "CR3": "HC3"}


def pairwise_differences(
    data: Any,
    *,
    outcome: str,
    arm: str,
    control: Any = None,
    covariates: str | Sequence[str] = (),
    cluster: str | None = None,
    adjust: str = "holm",
    se: str = "auto",
    df: str = "satterthwaite",
    level: float = 0.95,
) -> Records[Estimate]:
    """Return the differences between arms, two at a time, allowing for their number.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person (or another unit); never changed
    outcome : name of a numeric column
    arm : name of the column of arms, two or more values
    control : the arm every other is compared with; by default each two arms are
    covariates : names; text, categories and true/false become dummies, first sorted level dropped
    cluster : name of the column of clusters (the unit of assignment)
    adjust : "holm" or "bonferroni"; "dunnett" (all arms against `control`, by the multivariate t);
        "tukey" (each two arms, by the studentised range: Tukey-Kramer with se="classical", in
        the manner of Games and Howell with the default); "none"
    se, df : as in `mean_difference`. The default lets arms vary differently; se="classical" pools
        the arms' variances, as R's multcomp and emmeans do for `lm`.
    level : confidence level of the intervals together (of each alone for "none")

    Returns
    -------
    Records of Estimate
        One a pair, `term` "A - B" for A minus B: A the other arm and B the control, or by sorted
        value. `n_treatment` and `mean_treatment` are A's. `p_value` is of the pair alone,
        `p_adjusted` of the family. The intervals go with the family too: by Bonferroni for
        "holm", which has none of its own. `effect_size` as in `mean_difference` of the two arms'
        rows.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, a control that is not an arm, "dunnett"
        without control or "tukey" with one, or an unknown option.
    CannotEstimate
        When there is one arm, an arm has fewer than two people (or, clustered, two clusters), the
        outcome does not vary, or the arms follow from the covariates.

    References
    ----------
    Dunnett (1955), JASA 50:1096-1121; Games and Howell (1976), Journal of Educational Statistics
    1:113-125; Hothorn, Bretz and Westfall (2008), Biometrical Journal 50:346-363; Hasler and
    Hothorn (2008), Biometrical Journal 50:793-800.
    """
    check_level(level)
    choice(adjust, ADJUST, argument="adjust")
    names = as_names(covariates)
    check_roles(outcome=outcome, arm=arm, covariates=names)
    data = check_frame(data, [outcome, arm, *names, *optional_name(cluster)])
    kind = resolve_se(se, clustered=cluster is not None)
    _check_family(adjust, control)
    rows = read_arms(data, outcome, arm, names, cluster)
    base = None if control is None else control_place(control, data[arm], rows, arm)
    unclustered = kind in _UNSHARED and not rows.shared
    how = (_UNSHARED[kind] if unclustered else kind, df, None if unclustered else rows.cluster)
    pairs, models = _contrasts(rows, base, how)
    family = _family(pairs, models, len(rows.names))
    p_adjusted, alone = adjusted_family(family, adjust, level)
    words = f"Least squares of {outcome} on {arm}" + (
        f", adjusted for {', '.join(names)}" if names else ""
    )
    return Records(
        _estimate(
            rows, pair, models, (outcome, words, adjust), names, level, (p_adjusted[i], alone[i])
        )
        for i, pair in enumerate(pairs)
    )


def _check_family(adjust: str, control: Any) -> None:
    if adjust == "dunnett" and control is None:
        raise invalid(
            "adjust='dunnett' without control=.",
            allowed="'dunnett' with a control",
            next_step="Name the arm all others are compared with.",
        )
    if adjust == "tukey" and control is not None:
        raise invalid(
            "adjust='tukey' with control=.",
            allowed="'tukey' for each two arms",
            next_step="Use adjust='dunnett', or leave out control.",
        )


def _contrasts(
    rows: Arms, base: int | None, how: tuple[str, str, Any]
) -> tuple[list[tuple[int, int]], dict[int, LinearFit]]:
    """Return the pairs (A, B), and for each B the model in which it is the reference."""
    places = range(len(rows.names))
    pairs = (
        list(combinations(places, 2))
        if base is None
        else [(place, base) for place in places if place != base]
    )
    models = {low: _fit(rows, low, how) for low in sorted({low for _, low in pairs})}
    return pairs, models


def _fit(rows: Arms, base: int, how: tuple[str, str, Any]) -> LinearFit:
    others = [place for place in range(len(rows.names)) if place != base]
    columns = [np.ones(len(rows.outcome)), *(dummy(rows, place) for place in others)]
    names = ["(intercept)", *(_key(place) for place in others)]
    return fit(
        np.column_stack([*columns, *(values for _, values in rows.covariates)]),
        rows.outcome,
        [*names, *(name for name, _ in rows.covariates)],
        cluster=how[2],
        se=how[0],
        df=how[1],
        terms=tuple(names[1:]),
    )


def _key(place: int) -> str:
    return f"(arm {place})"


def _family(pairs: list[tuple[int, int]], models: dict[int, LinearFit], arms: int) -> Family:
    t, df = [], []
    for high, low in pairs:
        numbers = coefficient_interval(models[low], models[low].place(_key(high)), None, 0.95)
        t.append(numbers["statistic"])
        df.append(numbers["df"])
    one = models[pairs[0][1]]
    places = [one.place(_key(high)) for high, low in pairs if low == pairs[0][1]]
    block = one.vcov[np.ix_(places, places)]
    scale = np.sqrt(np.diag(block))
    return Family(np.array(t), np.array(df), arms, block / np.outer(scale, scale))


def _estimate(
    rows: Arms,
    pair: tuple[int, int],
    models: dict[int, LinearFit],
    words: tuple[str, str, str],
    covariates: tuple[str, ...],
    level: float,
    shared: tuple[float | None, float],
) -> Estimate:
    high, low = pair
    model = models[low]
    here = (rows.codes == high) | (rows.codes == low)
    first, second = (rows.outcome[rows.codes == code] for code in pair)
    groups = rows.cluster[here] if rows.shared else None
    scaling = difference_scaling(
        rows.outcome[here], np.asarray(rows.codes[here] == high, dtype=np.float64), groups
    )
    numbers = coefficient_interval(model, model.place(_key(high)), scaling.factor, shared[1])
    where = f" for {model.n_clusters} clusters" if rows.shared else ""
    return Estimate(
        outcome=words[0],
        term=f"{rows.names[high]} - {rows.names[low]}",
        level=level,
        p_adjusted=shared[0],
        n_treatment=len(first),
        n_comparison=len(second),
        n_clusters=model.n_clusters if rows.shared else None,
        n_dropped=sum(count for _, count in rows.dropped),
        method=f"{words[1]}; {model.se} standard error{where}, {_SAID[words[2]]}."
        + scaled_by(scaling),
        dropped_why=rows.dropped,
        mean_treatment=accurate_mean(first),
        mean_comparison=accurate_mean(second),
        sd_pooled=scaling.sd,
        notes=(*rows.notes, *caveats(numbers["df"], scaling)),
        adjusted_for=covariates,
        **numbers,
    )


_SAID = {
    "holm": "p-values by Holm, intervals by Bonferroni",
    "bonferroni": "p-values and intervals by Bonferroni",
    "dunnett": "p-values and intervals by Dunnett (multivariate t)",
    "tukey": "p-values and intervals by Tukey (studentised range)",
    "none": "p-values and intervals of each pair alone",
}
