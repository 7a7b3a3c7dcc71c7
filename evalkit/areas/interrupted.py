"""One series with a programme: against its own course, a comparison series, or a mixture of others."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.areas.calendar import name_of, place_of
from evalkit.areas.records import AreaEffect, AreaPlacebo, AreaPoint, EffectAt, ModelTerm
from evalkit.areas.rows import HOLES, PARTLY, AreaRows, named, smallest
from evalkit.areas.trends import p_words
from evalkit.errors import CannotEstimate

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.series.series_results import InterruptedSeries
    from evalkit.stats.series.synthetic_results import SyntheticControl

POOR = "The mixture follows the treated unit poorly"
"""Heads a note that the check of the fit says already."""
FEWEST_DONORS = 2
FEW_DONORS = (
    "Units to mix that are seen wherever the treated one is: {}, where two or more are needed, and many "
    "more for ranks. With one use difference-in-differences or comparative-interrupted-time-series"
)
UNCOMPARED = "a period in which the two series do not both have a value"


def interrupted_series(rows: AreaRows, empty: AreaEffect, comparison: str) -> AreaEffect:
    """How a series moved from the start on, against its own course before.

    Where several units had the programme, their counts and denominators are added up.
    """
    return _interrupted(rows, empty, compared=False)


def compared_series(rows: AreaRows, empty: AreaEffect, comparison: str) -> AreaEffect:
    """The same of the difference from a comparison series, so that what befell both drops out."""
    return _interrupted(rows, empty, compared=True)


def _interrupted(rows: AreaRows, empty: AreaEffect, *, compared: bool) -> AreaEffect:
    from evalkit.stats.series.interrupted import interrupted_time_series

    if compared and not len(rows.of(treated=False)):
        raise CannotEstimate("No unit is left to compare with")
    rows, series = _added_up(rows)
    _both_sides(rows)
    found = interrupted_time_series(
        series, outcome="y", time="place", start=rows.start, season=rows.indicator.season,
        harmonics=rows.indicator.harmonics, breaks=_breaks(rows, compared=compared),
        gaps="count",
        comparison="other" if compared else None,
    )  # fmt: skip
    before = _trend_p(found)
    by_group = rows.frame.groupby("treated")["unit"].nunique()
    return replace(
        empty, estimate=found.estimate, std_error=found.std_error, df=found.df,
        p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
        n_treated=int(by_group.get(True, 0)),
        n_comparison=int(by_group.get(False, 0)) if compared else None,
        n_before=found.n_before, n_after=found.n_after, n_used=len(rows.frame),
        dropped_why=rows.dropped, terms=tuple(_terms(found, rows)),
        effects=tuple(_each_period(found, rows)), points=tuple(_points(found, rows, series)),
        pretrend_p=before if compared else None, pretrend=_parted(before) if compared else "",
        **_checked(found), **smallest(rows),
        notes=tuple(_notes(found, rows)), how=found.method,
    )  # fmt: skip


def _both_sides(rows: AreaRows) -> None:
    """Refuse series of which no period is left before the start, or from it on."""
    places = rows.frame["place"]
    for side, left in (
        ("before the start", places < rows.start),
        ("from the start on", places >= rows.start),
    ):
        if not left.any():
            raise CannotEstimate(f"There is no period {side} in which every unit has a value")


def _checked(found: InterruptedSeries) -> dict[str, Any]:
    """Return the interval of the mean effect by the autoregression, which short series need."""
    from scipy.stats import t

    if found.ar1_effect is None or found.ar1_effect_error is None:
        return {}
    half = float(t.ppf(0.5 + found.level / 2, found.df)) * found.ar1_effect_error
    return {"check_low": found.ar1_effect - half, "check_high": found.ar1_effect + half}


def _trend_p(found: InterruptedSeries) -> float:
    """Return the p value of the slope before the start, by the autoregression where there is one.

    Newey-West intervals of short series are too narrow and would find slopes that are not there.
    """
    from scipy.stats import t

    trend = found.of("time")
    if trend.ar1_estimate is None or not trend.ar1_std_error:
        return trend.p_value
    return float(2 * t.sf(abs(trend.ar1_estimate / trend.ar1_std_error), trend.df))


def _added_up(rows: AreaRows) -> tuple[AreaRows, pd.DataFrame]:
    """Return one row a period and series, of periods in which the same units have a value.

    A unit with gaps would make the sum of all jump: units that are not seen throughout are left out,
    or the periods that not all are seen in, whichever loses fewer rows.
    """
    by_period, by_unit = _full_periods(rows), _full_units(rows)
    kept = by_unit.frame["treated"].nunique() == rows.frame["treated"].nunique()
    rows = by_unit if kept and len(by_unit.frame) > len(by_period.frame) else by_period
    if rows.frame.empty:
        raise CannotEstimate("There is no period in which every unit has a value")
    series = rows.frame.groupby(["treated", "place"], as_index=False).agg(
        value=("value", "sum"), denominator=("denominator", "sum"), mean=("y", "mean")
    )
    per = rows.indicator.per
    rate = series["mean"] if per is None else per.count * series["value"] / series["denominator"]
    return rows, series.assign(y=rate, other=1.0 - series["treated"].astype(float))


def _full_periods(rows: AreaRows) -> AreaRows:
    frame = rows.frame
    units = frame.groupby("treated")["unit"].transform("nunique")
    there = frame.groupby(["treated", "place"])["unit"].transform("nunique")
    rows = rows.without((there < units).to_numpy(), PARTLY)
    sides = rows.frame.groupby("place")["treated"].transform("nunique")
    return rows.without((sides < frame["treated"].nunique()).to_numpy(), UNCOMPARED)


def _full_units(rows: AreaRows) -> AreaRows:
    """Return the rows of units seen wherever any of their group is."""
    frame = rows.frame
    places = frame.groupby("treated")["place"].transform("nunique")
    seen = frame.groupby("unit")["place"].transform("nunique")
    return _full_periods(rows.without((seen < places).to_numpy(), HOLES))


def _breaks(rows: AreaRows, *, compared: bool) -> list[int]:
    """Return the periods from which recording changed, of those inside the series.

    One that falls on the start, or in the periods left out before it, is one step with the
    programme's: a series on its own is refused, and a comparison is taken to have changed alike.
    """
    places = rows.frame["place"]
    last = int(places[places < rows.start].max())
    asked = (place_of(item.on, rows.series.period) for item in rows.indicator.breaks)
    found = {x for x in asked if x is not None and places.min() < x <= places.max()}
    hidden = sorted(x for x in found if last < x <= rows.start)
    if hidden and not compared:
        raise CannotEstimate(
            f"Recording changed in {name_of(hidden[0], rows.series.period)}, as the programme "
            "started: the two cannot be told apart. Areas without the programme whose recording "
            "changed alike could tell them (comparative-interrupted-time-series)"
        )
    return sorted(found - set(hidden))


def _terms(found: InterruptedSeries, rows: AreaRows) -> Iterable[ModelTerm]:
    for term in found.terms:
        yield ModelTerm(
            term=named(term.term, rows), estimate=term.estimate, std_error=term.std_error,
            conf_low=term.conf_low, conf_high=term.conf_high, p_value=term.p_value,
            ar1_estimate=term.ar1_estimate, ar1_std_error=term.ar1_std_error,
        )  # fmt: skip


def _each_period(found: InterruptedSeries, rows: AreaRows) -> Iterable[EffectAt]:
    for effect in found.effects:
        yield EffectAt(
            by="period", at=float(effect.period), name=name_of(int(effect.period), rows.series.period),
            estimate=effect.estimate, conf_low=effect.conf_low, conf_high=effect.conf_high,
        )  # fmt: skip


def _points(found: InterruptedSeries, rows: AreaRows, series: pd.DataFrame) -> Iterable[AreaPoint]:
    counts = series.set_index(["treated", "place"])["value"] if rows.counts else None
    for point in found.points:
        place = int(point.period)
        if point.observed is None:
            continue
        both = counts is not None and point.comparison is not None
        yield AreaPoint(
            period=name_of(place, rows.series.period), after=point.after, observed=point.observed,
            expected=point.counterfactual, low=point.low, high=point.high,
            compared=point.comparison,
            count=None if counts is None else float(counts[True, place]),
            compared_count=float(counts[False, place]) if both and counts is not None else None,
        )  # fmt: skip


def _parted(p: float) -> str:
    if p < 0.05:
        return (
            "Before the start the two series drew apart or together: their difference is carried "
            "on after it, which rests on argument."
        )
    return (
        "Before the start the two series were not seen to draw apart; that does not show that they "
        "would have moved alike afterwards."
    )


def _notes(found: InterruptedSeries, rows: AreaRows) -> Iterable[str]:
    yield from (note for note in found.notes if "period(s) inside the series" not in note)
    if found.n_gaps:
        one = found.n_gaps == 1
        yield (
            f"{found.n_gaps} {rows.series.period if rows.series.period != 'number' else 'period'}"
            f"{'' if one else 's'} inside the series {'has' if one else 'have'} no value and "
            f"{'was' if one else 'were'} left out; nothing is filled in"
        )
    said = "is correlated" if found.ljung_box_p < 0.05 else "is not clearly correlated"
    yield (
        f"What the model leaves over {said} from period to period (Ljung-Box "
        f"{p_words(found.ljung_box_p)}, Durbin-Watson {found.durbin_watson:.2f})"
    )


def synthetic_control(rows: AreaRows, empty: AreaEffect, comparison: str) -> AreaEffect:
    """The gap between the treated unit and the mixture of others that followed it before."""
    from evalkit.stats.series.synthetic import synthetic_control as mixture

    rows = _donors(rows)
    treated = rows.series.treated[0]
    donors = rows.of(treated=False)["unit"].nunique()
    if donors < FEWEST_DONORS:
        raise CannotEstimate(FEW_DONORS.format(donors))
    found = mixture(
        rows.frame, outcome="y", unit="unit", period="place", treated=treated, start=rows.start
    )
    return replace(
        empty, estimate=found.estimate, p_value=found.p_value, n_treated=1,
        n_comparison=found.n_donors, n_before=found.n_before, n_after=found.n_after,
        n_used=len(rows.frame) - found.n_dropped, dropped_why=(*rows.dropped, *found.dropped_why),
        points=tuple(_mixed_points(found, rows)), placebos=tuple(_placebos(found)),
        weights=tuple((str(item.donor), item.weight) for item in found.weights),
        fit=found.fit_r2, outside_range=found.outside_range, rank=found.rank,
        notes=(*(x for x in found.notes if not x.startswith(POOR)), *_without_one(found)),
        how=found.method, **smallest(rows),
    )  # fmt: skip


def _donors(rows: AreaRows) -> AreaRows:
    """Leave out donors that are not seen wherever the treated unit is, and periods it is not in."""
    frame = rows.frame
    mine = set(rows.of(treated=True)["place"])
    rows = rows.without(
        (~frame["place"].isin(mine)).to_numpy(), "a period without the treated unit"
    )
    seen = rows.frame.groupby("unit")["place"].transform("nunique")
    return rows.without((seen < len(mine)).to_numpy(), HOLES)


def _mixed_points(found: SyntheticControl, rows: AreaRows) -> Iterable[AreaPoint]:
    mine = rows.of(treated=True).set_index("place")["value"]
    for point in found.gaps:
        place = int(point.period)
        yield AreaPoint(
            period=name_of(place, rows.series.period), after=point.after, observed=point.observed,
            expected=point.synthetic, count=float(mine[place]) if rows.counts else None,
        )  # fmt: skip


def _placebos(found: SyntheticControl) -> Iterable[AreaPlacebo]:
    gaps: dict[Any, list[float]] = {}
    for item in found.placebo_gaps:
        gaps.setdefault(item.unit, []).append(item.gap)
    for unit in found.placebos:
        yield AreaPlacebo(
            unit=str(unit.unit), treated=unit.treated, ratio=unit.ratio, rank=unit.rank,
            mean_gap=unit.mean_gap, gaps=tuple(gaps.get(unit.unit, ())),
        )  # fmt: skip


def _without_one(found: SyntheticControl) -> Iterable[str]:
    if found.without_donor:
        yield (
            f"Without any one of the others in the mixture the gap would be between "
            f"{found.estimate_low:.3g} and {found.estimate_high:.3g}"
        )
