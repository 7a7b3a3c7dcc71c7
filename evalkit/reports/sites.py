"""Did it work alike everywhere: each result site by site, and put together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.reports.figures import ForestRow, FunnelPoint, draw_forest, draw_funnel
from evalkit.reports.page import Picture, drawing
from evalkit.reports.tables import NOT_SHOWN, Table, label, target_of
from evalkit.reports.words import NONE, p_value, sentence_case
from evalkit.sites.words import noun, numbers
from evalkit.wording import number_free

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.reports.released import Released
    from evalkit.sites.records import SiteResult, SiteResults

FUNNEL_FROM = 5
"""Fewer sites make no funnel; ten or more are needed before its shape says anything."""


@dataclass(frozen=True, slots=True)
class SitePart:
    """What the page shows of one result: its name, lines, pictures and tables."""

    name: str
    lines: tuple[str, ...]
    pictures: tuple[Picture, ...]
    tables: tuple[Table, ...]


def sites(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the section of effects by site, the primary result first; empty with one site."""
    shown = [row for row in analysis.sites if _whole_is_shown(released, row)]
    targets = {id(row): target_of(released.study, row) for row in shown}
    shown.sort(key=lambda row: not targets[id(row)].primary)
    parts = [_part(released, row, n) for n, row in enumerate(shown)]
    return (
        {"table": _table(released, shown), "parts": parts}
        if shown
        else {"table": None, "parts": []}
    )


def _whole_is_shown(released: Released, row: SiteResults) -> bool:
    main = next(
        t
        for t, _ in released.study.trails
        if t.key == (row.outcome, row.wave, row.informant, row.contrast)
    )
    return released.flow(main).shown


def visible(released: Released, row: SiteResults) -> set[str]:
    """Return the sites whose own result may be shown.

    A site is hidden where either group is small. Where that hides a single site, or a single one of
    those averaged, the smallest of the others is hidden too, or the one could be worked out from the
    rest and the average. Shares of a site would count its people, and are hidden.
    """
    rules = released.rules
    if row.unit == "share" and not rules.open:
        return set()
    seen = {
        site.site: min(site.n_treatment, site.n_comparison) for site in row.sites
        if not rules.small(site.n_treatment, site.families_treatment)
        and not rules.small(site.n_comparison, site.families_comparison)
    }  # fmt: skip
    averaged = [site.site for site in row.sites if not site.why_not]
    for names in (averaged, [site.site for site in row.sites]):
        left = [name for name in names if name in seen]
        if len(names) - len(left) == 1 and left:
            del seen[min(left, key=lambda name: (seen[name], name))]
    return set(seen)


def _named(released: Released, row: SiteResults) -> str:
    evaluation = released.study.evaluation
    outcome, wave, who = label(evaluation, target_of(released.study, row))
    return f"{outcome}, {wave} ({who})"


def _table(released: Released, shown: list[SiteResults]) -> Table:
    rows = []
    for row in shown:
        value, low, high = numbers(row, row.estimate, row.conf_low, row.conf_high)
        a, b = numbers(row, row.prediction_low, row.prediction_high)
        one, least, most = numbers(row, row.one_stage, row.one_stage_low, row.one_stage_high)
        none = row.estimate is None
        rows.append((
            _named(released, row), f"{row.k} of {row.n_sites}",
            "not put together" if none else f"{value} {noun(row)} ({low} to {high})",
            NONE if none else p_value(row.p_value),
            NONE if row.prediction_low is None else f"{a} to {b}",
            _spread(row),
            NONE if row.one_stage is None else f"{one} ({least} to {most})",
        ))  # fmt: skip
    head = (
        "Result", "Sites averaged", "Average over sites (95% interval)", "p",
        "Expected in a new site", "Spread of effects (SD)", "One model of all people, as a check",
    )  # fmt: skip
    notes = (
        "Every site counts by how precisely its effect is known, and by how much effects differ; the "
        "finding above rests on all people together. The spread is the standard deviation of true effects "
        "between sites, with its 95% limits; a spread of 0 does not show that sites are alike.",
    )
    return Table("Each result over the sites", head, tuple(rows), notes)


def _spread(row: SiteResults) -> str:
    if row.tau2 is None:
        return NONE
    roots = [None if v is None else v**0.5 for v in (row.tau2, row.tau2_low, row.tau2_high)]
    value, low, high = numbers(row, *roots)
    return value if row.tau2_high is None else f"{value} ({low} to {high})"


def _part(released: Released, row: SiteResults, place: int) -> SitePart:
    seen = visible(released, row)
    exact = released.rules.open
    lines = [row.sentence] if row.estimate is not None else []
    lines += [
        f"{sentence_case(note)}." for note in (text.rstrip(".") for text in row.notes)
        if exact or number_free(note)
    ]  # fmt: skip
    hidden = len(row.sites) - len(seen)
    if hidden:
        lines.append(
            "Sites with few people in a group are not shown by themselves; they are in the average where they can be."
        )
    pictures = [_forest(released, row, seen)] if seen else []
    points = [s for s in row.sites if s.site in seen and not s.why_not]
    if len(points) >= FUNNEL_FROM and place == 0:
        pictures.append(_funnel(released, row, points))
    tables = [_sites(released, row, seen)] + ([_moderators(row)] if row.moderators else [])
    return SitePart(_named(released, row), tuple(lines), tuple(pictures), tuple(tables))


def _sites(released: Released, row: SiteResults, seen: set[str]) -> Table:
    rows: list[tuple[str, ...]] = []
    for site in row.sites:
        if site.site not in seen:
            rows.append((site.site, NOT_SHOWN, NOT_SHOWN, NOT_SHOWN, NONE, NONE))
            continue
        counts = [
            released.rules.count(n, families).text
            for n, families in ((site.n_treatment, site.families_treatment),
                                (site.n_comparison, site.families_comparison))
        ]  # fmt: skip
        value, low, high = numbers(row, site.estimate, site.conf_low, site.conf_high)
        near, a, b = numbers(row, site.shrunken, site.shrunken_low, site.shrunken_high)
        own = "not estimated" if site.estimate is None else f"{value} ({low} to {high})"
        why = (
            site.why_not
            if released.rules.open or number_free(site.why_not)
            else "not enough people"
        )
        drawn = NONE if site.shrunken is None else f"{near} ({a} to {b})"
        rows.append((site.site, *counts, own, drawn, why or f"{100 * site.weight:.0f}%"))
    names = row.contrast.split(" - ") if row.contrast else released.study.evaluation.arm_names
    head = (
        "Site", f"Analysed, {names[0]}", f"Analysed, {names[1]}", f"Own effect, {noun(row)}",
        "Drawn towards the average", "Weight, or why it has none",
    )  # fmt: skip
    notes = (
        "A site's own effect moves about by chance, the more so the fewer people it has; drawn towards the "
        "average it is the better guess of what that site would show again.",
    )
    return Table("Each site", head, tuple(rows), notes)


def _sign(released: Released, row: SiteResults) -> int:
    target = target_of(released.study, row)
    return 1 if released.study.evaluation.higher_is_better(target) else -1


def _forest(released: Released, row: SiteResults, seen: set[str]) -> Picture:
    sign = _sign(released, row)
    drawn = [_line(released, row, site, sign) for site in row.sites if site.site in seen]
    if row.estimate is not None and row.conf_low is not None and row.conf_high is not None:
        value, low, high = numbers(row, row.estimate, row.conf_low, row.conf_high)
        ends = sorted((sign * row.conf_low, sign * row.conf_high))
        text = f"{value} ({low} to {high})"
        drawn.append(
            ForestRow(
                "Average over sites",
                *_round(released, sign * row.estimate, *ends),
                text,
                emphasis=True,
            )
        )
        if row.prediction_low is not None and row.prediction_high is not None:
            a, b = numbers(row, row.prediction_low, row.prediction_high)
            ends = sorted((sign * row.prediction_low, sign * row.prediction_high))
            drawn.append(
                ForestRow(
                    "Expected in a new site",
                    *_round(released, sign * row.estimate, *ends),
                    f"{a} to {b}",
                )
            )
    svg = draw_forest(
        drawn, title="The effect at each site", description="The numbers stand in the table beside it.",
        x_label=f"Difference in {noun(row)}, turned so that right is better",
        favours=("Scores worse in the programme group", "Scores better in the programme group"),
    )  # fmt: skip
    return Picture(
        drawing(svg),
        "The effect at each site with its interval, their average, and what a new site may expect. Intervals "
        "that overlap do not show that sites are alike, and a site apart from the rest may be so by chance.",
    )


def _line(released: Released, row: SiteResults, site: SiteResult, sign: int) -> ForestRow:
    if site.estimate is None or site.conf_low is None or site.conf_high is None:
        return ForestRow(site.site, None, None, None, "", note="not estimated")
    value, low, high = numbers(row, site.estimate, site.conf_low, site.conf_high)
    ends = sorted((sign * site.conf_low, sign * site.conf_high))
    note = "not in the average" if site.why_not else ""
    drawn = _round(released, sign * site.estimate, *ends)
    return ForestRow(site.site, *drawn, f"{value} ({low} to {high})", note=note)


def _round(released: Released, *values: float) -> tuple[float, float, float]:
    one, low, high = (v if released.rules.open else round(v, 2) for v in values)
    return one, low, high


def _funnel(released: Released, row: SiteResults, points: list[SiteResult]) -> Picture:
    sign = _sign(released, row)
    shown = [
        FunnelPoint(round(sign * (s.estimate or 0.0), 2), round(s.std_error or 0.0, 2))
        for s in points
    ]
    svg = draw_funnel(
        shown, centre=round(sign * (row.estimate or 0.0), 2),
        title="Sites' effects by how precisely they are known",
        description="The shaded funnel would hold nearly all sites if their effects did not differ.",
        x_label=f"Difference in {noun(row)}, turned so that right is better",
        y_label="Standard error of the site's effect (most precise at the top)",
    )  # fmt: skip
    said = (
        ""
        if row.egger_p is None
        else f" A test of its lopsidedness gives p = {p_value(row.egger_p)}."
    )
    few = " With fewer than ten sites its shape says nothing." if row.k < 10 else ""
    return Picture(
        drawing(svg),
        "A site outside the funnel lies further off than chance would usually put it. Small sites that all lie to one side may "
        f"mean that only good results were sent in, or that small sites work otherwise.{few}{said}",
    )


def _moderators(row: SiteResults) -> Table:
    rows = []
    for term in row.moderators:
        value, low, high = numbers(row, term.estimate, term.conf_low, term.conf_high)
        rows.append(
            (
                sentence_case(term.term.replace("_", " ")),
                f"{value} ({low} to {high})",
                p_value(term.p_value),
            )
        )
    notes = (
        "By how much the effect differs with the trait of the site. Sites were not assigned to it: what goes "
        "with a larger effect need not cause it, and with few sites it is easily overread.",
    )
    head = ("Trait of the site", f"Difference in effect, {noun(row)} (95% interval)", "p")
    return Table("What goes with the differences", head, tuple(rows), notes)
