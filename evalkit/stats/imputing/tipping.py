"""How far imputed outcomes would have to be from what was imputed for a finding to go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.imputing.pooling import Pooled
from evalkit.stats.imputing.tipping_curve import ShiftedFits, TippingDelta, tipping_of
from evalkit.stats.imputing.tipping_results import TippingPoint
from evalkit.stats.imputing.tipping_sentences import tipping_sentence
from evalkit.stats.imputing.tipping_study import ARMS, AskedTipping, TippingStudy, read_study
from evalkit.stats.shared.columns import as_names, check_level, choice, invalid, vector

if TYPE_CHECKING:
    import pandas as pd

POINTS = 41
UNHELD = "Shifted values are not held within the range of the scale"


def tipping_point(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    covariates: str | Sequence[str] = (),
    auxiliary: str | Sequence[str] = (),
    deltas: Sequence[float] | None = None,
    arm: str = "treatment",
    m: int = 20,
    seed: int | None = None,
    cluster: str | None = None,
    sd: float | None = None,
    reliable_change: float | None = None,
    minimal_change: float | None = None,
    method: str = "norm",
    iterations: int = 10,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    imputations: Sequence[Any] | None = None,
    level: float = 0.95,
) -> TippingPoint:
    """Return how far imputed outcomes must be shifted before the interval, or estimate, reaches 0.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    outcome : name of a numeric column, with values missing
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    covariates : names: adjusted for, and used in imputing (theirs are imputed too)
    auxiliary : names used in imputing only, such as predictors of being lost
    deltas : shifts of `curve` in outcome units; by default from a little beyond 0 the other way to
        half as far again as the interval's tipping point
    arm : whose imputed outcomes are shifted: "treatment", "comparison", or "both": the treatment
        arm's by delta and the comparison arm's by minus delta
    m, seed, method, iterations, bounds : as in `impute`, which imputes each arm on its own. "pmm"
        needs something to match people by
    cluster : name of the column of clusters
    sd : the SD in which shifts are told; by default the pooled SD of the outcomes observed
    reliable_change, minimal_change : how many points a person must change for the change to be
        more than error of measurement, and to matter, without a sign
    imputations : completed frames with the rows of `data` in their order, such as `impute` returns
        for more columns; then nothing is imputed here, and `m` is their number
    level : confidence level

    Returns
    -------
    TippingPoint
        With `.curve` and `.sentence`.

    Raises
    ------
    InvalidInput
        For a column or option that cannot be used.
    CannotEstimate
        When the outcome is missing for nobody in the arm shifted, or for everybody of an arm; and
        as `impute`, `mean_difference` and `pool` say.

    Notes
    -----
    Each imputation is analysed by `mean_difference` (HC2, clustered CR2) and pooled by Rubin's
    rules; the smallest of their degrees of freedom is the complete data's. Least squares is linear
    in the outcome and its sandwich variance quadratic, so that curve and tipping points are exact:
    without covariates estimate(delta) = estimate + share imputed x delta. Carpenter and Kenward
    (2013), Multiple Imputation and its Application, chapter 10; Permutt (2016), Statistics in
    Medicine 35:2876-2879.
    """
    check_level(level)
    choice(arm, ARMS, argument="arm")
    scales = {"sd": sd, "reliable_change": reliable_change, "minimal_change": minimal_change}
    for name, value in scales.items():
        _check_scale(name, value)
    asked = AskedTipping(
        outcome=outcome, treatment=treatment, treated=treated, covariates=as_names(covariates),
        auxiliary=as_names(auxiliary), cluster=cluster, m=m, seed=seed, method=method,
        iterations=iterations, bounds=bounds, imputations=imputations,
    )  # fmt: skip
    study = read_study(data, asked, _shifted(arm))
    fits = study.fits([study.direction(arm)])
    tips = tipping_of(fits, level)
    return _point(study, fits, tips, arm, scales, deltas, level)


def tipping_surface(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    deltas_treatment: Sequence[float],
    deltas_comparison: Sequence[float],
    covariates: str | Sequence[str] = (),
    auxiliary: str | Sequence[str] = (),
    m: int = 20,
    seed: int | None = None,
    cluster: str | None = None,
    method: str = "norm",
    iterations: int = 10,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    imputations: Sequence[Any] | None = None,
    level: float = 0.95,
) -> pd.DataFrame:
    """Return the pooled difference for shifts of both arms' imputed outcomes, each on its own.

    Arguments are those of `tipping_point`, with a list of shifts an arm, both added. The frame has
    one row a pair: `delta_treatment, delta_comparison, estimate, std_error, df, conf_low,
    conf_high, p_value, includes_zero`. Raises as `tipping_point`, for either arm.
    """
    check_level(level)
    asked = AskedTipping(
        outcome=outcome, treatment=treatment, treated=treated, covariates=as_names(covariates),
        auxiliary=as_names(auxiliary), cluster=cluster, m=m, seed=seed, method=method,
        iterations=iterations, bounds=bounds, imputations=imputations,
    )  # fmt: skip
    first = _grid(deltas_treatment, "deltas_treatment")
    second = _grid(deltas_comparison, "deltas_comparison")
    study = read_study(data, asked, ("treatment", "comparison"))
    fits = study.fits([study.lost(1.0), study.lost(0.0)])
    rows = [
        {"delta_treatment": a, "delta_comparison": b, **_row(fits.pooled(a, b, level=level))}
        for a in first
        for b in second
    ]
    import pandas as pd

    found = pd.DataFrame(rows)
    found["includes_zero"] = (found["conf_low"] <= 0) & (found["conf_high"] >= 0)
    return found


def _shifted(arm: str) -> tuple[str, ...]:
    return ("treatment", "comparison") if arm == "both" else (arm,)


def _check_scale(name: str, value: Any) -> None:
    number = isinstance(value, int | float | np.number) and not isinstance(value, bool)
    if value is not None and not (number and 0 < value < np.inf):
        raise invalid(f"{name}={value!r}.", allowed="a number above 0, in outcome units")


def _grid(deltas: Any, name: str) -> list[float]:
    found = vector(deltas, name)
    if not len(found) or np.isnan(found).any():
        raise invalid(f"{name}={deltas!r}.", allowed="finite numbers, one or more")
    return [float(x) for x in found]


def _row(pooled: Pooled) -> dict[str, Any]:
    names = ("estimate", "std_error", "df", "conf_low", "conf_high", "p_value")
    return {name: getattr(pooled, name) for name in names}


def _curve(
    fits: ShiftedFits, tips: TippingDelta, deltas: Any, sd: float, level: float
) -> pd.DataFrame:
    import pandas as pd

    if deltas is None:
        end = 1.5 * (tips.delta_zero if tips.delta_interval is None else tips.delta_interval)
        end = end if abs(end) > 1e-9 * sd else sd
        grid = np.linspace(-end / 4, end, POINTS).tolist()
        grid[POINTS // 5] = 0.0
    else:
        grid = _grid(deltas, "deltas")
    return pd.DataFrame([{"delta": x, **_row(fits.pooled(x, level=level))} for x in sorted(grid)])


def _point(
    study: TippingStudy,
    fits: ShiftedFits,
    tips: TippingDelta,
    arm: str,
    scales: Mapping[str, float | None],
    deltas: Any,
    level: float,
) -> TippingPoint:
    start = fits.pooled(0.0, level=level)
    sd = study.sd() if scales["sd"] is None else float(scales["sd"])
    units = {**scales, "sd": sd}
    return TippingPoint(
        outcome=study.asked.outcome,
        term=study.asked.treatment,
        arm=arm,
        level=level,
        slope=fits.slope,
        sd=sd,
        reliable_change=units["reliable_change"],
        minimal_change=units["minimal_change"],
        curve=_curve(fits, tips, deltas, sd, level),
        sentence=tipping_sentence(start, tips, arm, study, units),
        **_row(start),
        **_tips(tips, units),
        **_described(study, start, arm),
    )


def _tips(tips: TippingDelta, units: Mapping[str, float | None]) -> dict[str, Any]:
    """Return the tipping shifts in outcome units and in each other unit."""
    found: dict[str, Any] = tips.to_dict()
    named = {"sd": "sd", "reliable_change": "reliable", "minimal_change": "minimal"}
    for name, value in tips.to_dict().items():
        for unit, short in named.items():
            size = units[unit]
            found[f"{name}_{short}"] = None if value is None or size is None else value / size
    return found


def _described(study: TippingStudy, start: Pooled, arm: str) -> dict[str, Any]:
    """Return the denominators, and how the outcome was imputed, analysed and shifted."""
    asked, first, m = study.asked, study.analysed(), len(study.frames)
    analysed = (first.method[0].lower() + first.method[1:]).split(" The effect size")[0]
    how = f"chained equations ({asked.method}) in each arm on its own, {m} times"
    if asked.imputations is not None:
        how = f"the {m} completed data sets given"
    whose = f"the {arm} arm's by delta"
    if arm == "both":
        whose = "the treatment arm's by delta and the comparison arm's by minus delta"
    return {
        "n_treatment": first.n_treatment,
        "n_comparison": first.n_comparison,
        "n_clusters": first.n_clusters,
        "share_treatment": study.share(1.0),
        "share_comparison": study.share(0.0),
        "imputed_treatment": int(study.lost(1.0).sum()),
        "imputed_comparison": int(study.lost(0.0).sum()),
        "n_dropped": sum(count for _, count in study.dropped),
        "dropped_why": study.dropped,
        "m": m,
        "method": f"Imputed under MAR by {how}; {analysed} "
        f"{start.method} Imputed outcomes shifted: {whose}.",
        "notes": tuple(dict.fromkeys((*start.notes, *study.notes, UNHELD))),
    }
