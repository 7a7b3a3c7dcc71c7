"""Areas with the programme beside areas without: differences in differences, and roll-outs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from evalkit.areas.calendar import many, name_of
from evalkit.areas.records import AreaEffect, AreaPoint, AreaSummary, EffectAt
from evalkit.areas.rows import AreaRows, common_periods, complete, smallest
from evalkit.areas.trends import trend_before
from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.tables import listed

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.panels.group_time_results import GroupTimeEffects
    from evalkit.stats.panels.panel_results import PanelEffect

KINDS = ("simple", "group", "dynamic", "calendar")
MAIN = "group"
"""The summary a finding rests on: each group's mean effect, then the groups by their sizes."""
SINGLE = "With one period before"
PANEL: dict[str, Any] = {
    "outcome": "y", "unit": "unit", "period": "place", "first_treated": "first",
}  # fmt: skip


def difference_in_differences(rows: AreaRows, empty: AreaEffect, comparison: str) -> AreaEffect:
    """How much more the treated units changed than the others, from before the start to after it.

    Each unit's mean before is set against its mean after, so that periods of one unit, which are
    alike, are not taken for separate evidence (Bertrand, Duflo and Mullainathan 2004).
    """
    from evalkit.stats.panels.two_by_two import difference_in_differences as two_by_two

    rows = complete(rows)
    frame = rows.frame.assign(late=rows.frame["place"] >= rows.start)
    if frame["treated"].nunique() < 2 or frame["late"].nunique() < 2:
        raise CannotEstimate(_nobody(frame))
    units = frame.groupby("treated")["unit"].nunique()
    if units.min() < 2:
        raise CannotEstimate(
            "There is a single unit with the programme, or without it: its own ups and downs cannot be "
            "told from an effect. Use synthetic-control for one unit with the programme, or "
            "comparative-interrupted-time-series"
        )
    means = frame.groupby(["unit", "late"], as_index=False).agg(
        y=("y", "mean"), t=("treated", "max")
    )
    means = means.assign(t=means["t"].astype(float), late=means["late"].astype(float))
    found = two_by_two(means, outcome="y", treatment="t", period="late", unit="unit")
    study = _event_study(rows, comparison)
    before = int(frame.loc[~frame["late"], "place"].nunique())
    said = [note for note in found.notes if before < 2 or not note.startswith(SINGLE)]
    places = frame.groupby("late")["place"].mean()
    told = (
        trend_before(study, rows, float(places[True] - places[False]))
        if study
        else {"pretrend": f"{SINGLE} the start, {ARGUED}"}
    )
    return replace(
        empty, estimate=found.estimate, std_error=found.std_error, df=found.df,
        p_value=found.p_value, conf_low=found.conf_low, conf_high=found.conf_high,
        n_treated=found.n_treatment or 0, n_comparison=found.n_comparison,
        n_used=len(frame), dropped_why=rows.dropped, points=tuple(_points(rows)),
        effects=tuple(_since_start(study, rows)) if study else (), notes=tuple(said),
        n_before=before, n_after=int(frame["place"].nunique()) - before, **smallest(rows),
        how=f"Each unit's mean before the start against its mean after: {found.method}", **told,
    )  # fmt: skip


ARGUED = "whether trends differed before cannot be examined and rests on argument alone."


def _nobody(frame: pd.DataFrame) -> str:
    what = "units with the programme and units without"
    if frame["treated"].nunique() == 2:
        what = "periods before the start and after it"
    return f"There are no {what} that are seen in every period"


def _event_study(rows: AreaRows, comparison: str) -> GroupTimeEffects | None:
    """Return effects by period, None where there are too few periods or units."""
    from evalkit.stats.panels.group_time import group_time_effects

    frame = rows.frame.assign(first=rows.frame["start"])
    try:
        return group_time_effects(
            frame, **PANEL, comparison=comparison, base="universal",
            anticipation=rows.series.anticipation, seed=rows.seed,
        )  # fmt: skip
    except (CannotEstimate, InvalidInput):
        return None


def _points(rows: AreaRows) -> Iterable[AreaPoint]:
    """Return the mean of the treated by period, and what it would be had it moved as the others."""
    frame, start, kind = rows.frame, rows.start, rows.series.period
    by = frame.groupby(["treated", "place"])["y"].mean()
    early = frame[frame["place"] < start].groupby("treated")["y"].mean()
    least = frame.groupby(["treated", "place"])["value"].sum()
    for place in sorted(frame["place"].unique()):
        compared = float(by[False, place])
        yield AreaPoint(
            period=name_of(int(place), kind), after=bool(place >= start),
            observed=float(by[True, place]), compared=compared,
            expected=float(early[True]) + compared - float(early[False]),
            count=float(least[True, place]) if rows.counts else None,
            compared_count=float(least[False, place]) if rows.counts else None,
        )  # fmt: skip


def roll_out(rows: AreaRows, empty: AreaEffect, comparison: str) -> AreaEffect:
    """The effect of starting, by group and period, against units that never or not yet start.

    The four summaries of Callaway and Sant'Anna (2021) stand side by side; a finding rests on the
    one by group. Two-way fixed effects are shown for what they are made of (Goodman-Bacon 2021).
    """
    from evalkit.stats.panels.group_time import group_time_effects

    whole, rows = common_periods(rows), complete(rows)
    frame = rows.frame.assign(first=rows.frame["start"])
    common: dict[str, Any] = {
        **PANEL, "comparison": comparison, "anticipation": rows.series.anticipation,
        "base": "universal", "seed": rows.seed,
    }  # fmt: skip
    _check_groups(rows)
    found = group_time_effects(frame, **common)
    main = found.overall(MAIN)
    after = {effect.period for effect in found.effects if (effect.relative or 0) >= 0}
    return replace(
        empty, estimate=main.estimate, std_error=main.std_error, df=main.df, p_value=main.p_value,
        conf_low=main.conf_low, conf_high=main.conf_high, n_treated=found.n_treatment,
        n_comparison=found.n_comparison, n_used=found.n_rows, n_after=len(after),
        dropped_why=(*rows.dropped, *found.dropped_why), summaries=tuple(_summaries(found)),
        effects=(*_since_start(found, rows), *_by_group(found, rows)),
        n_before=_periods_before(rows), notes=(*_readable(found.notes), *_with_holes(whole, rows, common)),
        how=main.method, **trend_before(found, rows), **_two_way(frame), **smallest(rows),
    )  # fmt: skip


def _check_groups(rows: AreaRows) -> None:
    """Refuse a roll-out in which a unit starts alone."""
    frame = rows.frame
    starts = frame.groupby("unit")["start"].first().dropna()
    starts = starts[(starts > frame["place"].min()) & (starts <= frame["place"].max())]
    sizes = starts.astype(int).value_counts().sort_index()
    alone = [name_of(int(str(at)), rows.series.period) for at in sizes.index[sizes == 1]]
    if alone:
        raise CannotEstimate(
            f"A single unit starts in {listed(alone)}: the effect on it cannot be told from what befell "
            "it alone. Add the series up to longer periods, such as quarters, so that several share a "
            "start, or leave it out"
        )


def _readable(notes: Iterable[str]) -> Iterable[str]:
    """Return notes without the names of options, which are no reader's concern."""
    return [
        note.split("; holes=")[0].replace(" (holes='balanced')", "") for note in notes
        if not note.startswith("There is a single period")
    ]  # fmt: skip


def _summaries(found: GroupTimeEffects) -> Iterable[AreaSummary]:
    for kind in KINDS:
        one = found.overall(kind)
        assert one.estimate is not None
        yield AreaSummary(
            kind=kind, estimate=one.estimate, std_error=one.std_error, conf_low=one.conf_low,
            conf_high=one.conf_high, p_value=one.p_value,
        )  # fmt: skip


def _since_start(found: GroupTimeEffects, rows: AreaRows) -> Iterable[EffectAt]:
    kind = rows.series.period
    for effect in found.event_study().effects:
        at = float(effect.relative or 0)
        side = "before the start" if at < 0 else "after the start"
        name = "the period of the start" if at == 0 else f"{many(abs(int(at)), kind)} {side}"
        yield _at("since-start", at, name, effect)


def _by_group(found: GroupTimeEffects, rows: AreaRows) -> Iterable[EffectAt]:
    kind = rows.series.period
    for part in found.overall("group").parts:
        group = int(part.group or 0)
        yield _at("group", group, f"started in {name_of(group, kind)}", part)
    for part in found.overall("calendar").parts:
        yield _at("period", float(part.period or 0), name_of(int(part.period or 0), kind), part)
    for effect in found.effects:
        name = f"started in {name_of(int(effect.group or 0), kind)}, in {name_of(int(effect.period or 0), kind)}"
        yield _at("group-and-period", float(effect.period or 0), name, effect)


def _at(by: str, at: float, name: str, effect: PanelEffect) -> EffectAt:
    assert effect.estimate is not None
    return EffectAt(
        by=by, at=at, name=name, estimate=effect.estimate, conf_low=effect.conf_low,
        conf_high=effect.conf_high, band_low=effect.band_low, band_high=effect.band_high,
    )  # fmt: skip


def _periods_before(rows: AreaRows) -> int:
    """Return how many periods lie before the first start inside the series."""
    starts, places = rows.frame["start"], rows.frame["place"].drop_duplicates()
    return int((places < starts[starts > places.min()].min()).sum())


def _with_holes(whole: AreaRows, rows: AreaRows, common: dict[str, Any]) -> Iterable[str]:
    """Say what the result would be with the rows that were left out for gaps, where there are any."""
    from evalkit.stats.panels.group_time import group_time_effects

    if len(whole.frame) == len(rows.frame):
        return
    frame = whole.frame.assign(first=whole.frame["start"])
    periods, seen = frame["place"].nunique(), frame.groupby("unit")["place"].nunique()
    left = "these units" if rows.frame["unit"].nunique() < len(seen) else "the periods they lack"
    yield (
        f"{int((seen < periods).sum())} of {len(seen)} units are not seen in every one of the {periods} "
        f"periods: {left} were left out"
    )
    try:
        other = group_time_effects(frame, **{**common, "holes": "pairs"}).overall(MAIN)
    except (CannotEstimate, InvalidInput) as refusal:
        yield f"What was left out for gaps cannot be used: {refusal}"
        return
    yield (
        "With units not seen throughout used wherever they are seen, the effect would be "
        f"{other.estimate:.3g} ({other.conf_low:.3g} to {other.conf_high:.3g})"
    )


def _two_way(frame: pd.DataFrame) -> dict[str, Any]:
    """Return the two-way fixed-effects estimate and what it is made of, where there is one."""
    from evalkit.stats.panels.forbidden_comparisons import bacon_weights

    try:
        found = bacon_weights(frame, **PANEL, holes="balanced")
    except (CannotEstimate, InvalidInput):
        return {}
    return {
        "two_way": found.estimate, "two_way_forbidden": found.share_forbidden,
        "two_way_says": found.sentence,
    }  # fmt: skip
