"""Who was lost, on a page: by site and unit, how they differed, what foretold it, whole families, when."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.disclosure import HIDDEN
from evalkit.flow import TO_FOLLOW
from evalkit.losses import answers, who
from evalkit.reports.figures import Series, draw_series
from evalkit.reports.page import Picture, drawing
from evalkit.reports.released import Released, lost_by_arm, part_of
from evalkit.reports.tables import NOT_SHOWN, Table, label
from evalkit.reports.words import NONE, number, sentence_case
from evalkit.wording import say

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.losses.who import LostGap
    from evalkit.results import Attrition
    from evalkit.stats.events.survival_curves import KaplanMeier
    from evalkit.targets import Target

MONTH = 30.4375
"""Days in a month, on average."""


def lost(released: Released) -> dict[str, Any]:
    """Return what a page says of who was lost, beside the table against the boundaries."""
    targets = list(released.study.trails)
    main = next((pair for pair in targets if pair[0].primary), targets[0])
    return {
        "units": _units(released),
        "sites": _sites(released),
        "gaps": _gaps(released, *main),
        "said": _said(released, main[0]),
        "leaving": _leaving(released),
        "answers": _answers(released),
    }


def _units(released: Released) -> Table | None:
    """Return the loss of whole families or sites, and of people in those that stayed."""
    found = released.study.unit_attrition()
    if not found:
        return None
    evaluation, rows = released.study.evaluation, []
    in_force = evaluation.declared.analysis.attrition_boundary
    by_key = {target.key: target for target, _ in released.study.trails}
    for loss in found:
        target = by_key[(loss.outcome, loss.wave, loss.informant, loss.contrast)]
        rates = _unit_rates(released, loss)
        digits = 1 if released.rules.open else 0
        cells = [NOT_SHOWN] * 3 if rates is None else [f"{number(v, digits)}%" for v in rates]
        verdict = getattr(loss, in_force)
        rows.append((*label(evaluation, target), sentence_case(loss.unit), *cells, verdict))
    head = (
        "Outcome", "Wave", "Who answered", "What is counted",
        *(f"Lost, {name}" for name in evaluation.arm_names), "Lost overall",
        f"{in_force.capitalize()} boundary",
    )  # fmt: skip
    notes = (
        "A family or site is lost when nobody of it is analysed; people are then counted within those "
        "that stayed (What Works Clearinghouse, cluster-level and individual-level attrition).",
    )
    return Table("Loss of whole families or sites", head, tuple(rows), notes)


def _unit_rates(released: Released, loss: Attrition) -> tuple[float, float, float] | None:
    """Return loss by arm and overall in percent from rounded counts; None where too few were lost."""
    due = (loss.randomised_treatment, loss.randomised_comparison)
    seen = (loss.observed_treatment, loss.observed_comparison)
    if loss.unit == "site" or released.rules.open:
        return 100 * loss.loss_treatment, 100 * loss.loss_comparison, 100 * loss.overall
    gone = [a - b for a, b in zip(due, seen, strict=True)]
    if any(released.rules.small(n, n) for n in (*due, *gone)) or not _many_families(released, loss):
        return None
    round_to = released.rules.rounded
    shares = [100 * (1 - round_to(b) / round_to(a)) for a, b in zip(due, seen, strict=True)]
    whole = 100 * (1 - sum(map(round_to, seen)) / sum(map(round_to, due)))
    return shares[0], shares[1], whole


def _many_families(released: Released, loss: Attrition) -> bool:
    """Whether each arm's lost come from families enough to be counted on a page."""
    key = (loss.outcome, loss.wave, loss.informant, loss.contrast)
    followed = next(frame for target, frame in released.study.trails if target.key == key)
    return all(not released.rules.small(n, families) for n, families in lost_by_arm(followed))


def _sites(released: Released) -> Table | None:
    """Return the loss of every result by site and arm, where there are several sites."""
    study, rows = released.study, []
    if study.intake.people["site"].nunique() < 2:
        return None
    for target, followed in study.everyone:
        due = followed[followed["step"].isin(TO_FOLLOW)]
        for (site, arm), group in due.groupby(["site", "arm"], sort=True):
            gone = group[group["step"] != "analysed"]
            asked = released.rules.of(part_of("due", group))
            missing = released.rules.of(part_of("lost", gone))
            share = NONE
            if asked.value and missing.value is not None:
                share = f"{number(100 * min(1.0, missing.value / asked.value), 0)}%"
            why = "; ".join(f"{text}: {n}" for text, n in released.rules.parts(_reasons(gone)))
            rows.append((
                *label(study.evaluation, target), str(site), str(arm), asked.text, missing.text,
                share, why or NONE,
            ))  # fmt: skip
    if all(row[5] == HIDDEN for row in rows):
        return None
    head = ("Outcome", "Wave", "Who answered", "Site", "Arm", "Due", "Lost", "Share", "Why")
    return Table("Loss by site", head, tuple(rows), ())


def _reasons(rows: pd.DataFrame) -> list[Any]:
    return [part_of(str(why), group) for why, group in rows.groupby("reason", sort=True)]


def _gaps(released: Released, target: Target, followed: pd.DataFrame) -> Table | None:
    """Return how those lost to the main result differed at the start, by arm.

    Means of few people would give them away, so a shareable page holds standardised differences alone.
    """
    mine = [gap for gap in who.gaps(released.study) if _of(gap, target)]
    if not mine or _too_few(released, followed):
        return None
    names = released.study.evaluation.arm_names
    pair = target.contrast
    arms = (pair.treated, pair.comparison) if pair else names
    by_covariate: dict[str, dict[tuple[str, str], LostGap]] = {}
    for gap in mine:
        by_covariate.setdefault(gap.covariate, {})[gap.groups, gap.among] = gap
    rows = []
    for covariate, found in by_covariate.items():
        left = [found["stayers - leavers", arm] for arm in ("treatment", "comparison")]
        between = found["treatment - comparison", "stayers"]
        name = "first score" if covariate == "baseline" else say(covariate.replace("_", " "))
        rows.append((sentence_case(name), *(_gap(released, gap) for gap in (*left, between))))
    head = (
        "Known at the start", f"Stayed less left, {arms[0]}", f"Stayed less left, {arms[1]}",
        "Between the arms, of those who stayed",
    )  # fmt: skip
    notes = (
        f"In standard deviations ({mine[0].denominator}). Beyond 0.25 those lost were of another kind; "
        "differences of the same size in both arms bend the result less than uneven ones.",
    )
    return Table(f"How those lost differed at the start: {target.outcome.name}, {say(target.wave)}", head,
                 tuple(rows), notes)  # fmt: skip


def _of(gap: LostGap, target: Target) -> bool:
    return (gap.outcome, gap.wave, gap.informant, gap.contrast) == target.key


def _too_few(released: Released, followed: pd.DataFrame) -> bool:
    due = followed[followed["step"].isin(TO_FOLLOW)]
    groups = [
        due[(due["treated"] == arm) & ((due["step"] != "due") == stayed)]
        for arm in (1.0, 0.0) for stayed in (True, False)
    ]  # fmt: skip
    return any(released.rules.small(len(g), int(g["family"].nunique())) for g in groups)


def _gap(released: Released, gap: LostGap) -> str:
    if gap.smd is None:
        return NONE
    size = number(gap.smd, 2)
    if not released.rules.open or gap.mean_first is None or gap.mean_second is None:
        return size
    return f"{size} ({number(gap.mean_first, 1)} and {number(gap.mean_second, 1)})"


def _said(released: Released, main: Target) -> list[str]:
    """Say what foretold the loss, what became of whole families, and whether people came back."""
    lines = []
    for row in released.study.once(who.foretold):
        if (row.outcome, row.wave, row.informant, row.contrast) == main.key:
            where = f"{main.outcome.name}, {say(main.wave)}"
            lines.append(f"{where}: {row.sentence[:1].lower()}{row.sentence[1:]}")
    for families in who.families_lost(released.study):
        gone = released.rules.count(families.all_lost, families.all_lost)
        of = released.rules.count(families.families, families.families)
        if gone.value and of.value:
            lines.append(
                f"At {say(families.wave)} nobody at all answered in {gone} of {of} families "
                f"({families.arm})."
            )
    lines += _patterns(released, main)
    return lines


def _patterns(released: Released, main: Target) -> list[str]:
    rows = [
        row for row in answers.wave_gaps(released.study)
        if (row.outcome, row.informant, row.contrast, row.arm)
        == (main.outcome.id, main.informant, main.key[3], "all")
    ]  # fmt: skip
    counts = {row.kind: released.rules.count(row.n, row.families) for row in rows}
    words = {
        "complete": "answered at every wave", "monotone": "stopped for good",
        "intermittent": "missed a wave and came back", "never": "never answered",
    }  # fmt: skip
    said = [
        f"{counts[kind]} {text}"
        for kind, text in words.items()
        if kind in counts and counts[kind].value
    ]
    return [f"{main.outcome.name}, over all waves: {', '.join(said)}."] if said else []


def _leaving(released: Released) -> Picture | None:
    """Draw the share still there by month since allocation, one line an arm."""
    curve, frame = who.time_to_leaving(released.study), who.leaving(released.study)
    if curve is None or frame is None:
        return None
    names = released.study.evaluation.arm_names
    arms = {"treatment": names[0], "comparison": names[-1]}
    last = int(max(point.time for point in curve.points) // MONTH) + 1
    series = [
        Series(name, *_by_month(released, curve, frame, arm, last)) for arm, name in arms.items()
    ]
    if not any(value is not None for one in series for value in one.values):
        return None
    svg = draw_series(
        series, title="Who stayed, month by month",
        description="The share of people who had not left, by month since they were allocated.",
        x_labels=[f"{month}" for month in range(last + 1)], y_label="Still there, of every 100 people",
    )  # fmt: skip
    return Picture(
        drawing(svg), "Share of people who had not left, by month since they were allocated."
    )


def _by_month(
    released: Released, curve: KaplanMeier, frame: pd.DataFrame, arm: str, last: int
) -> tuple[tuple[float | None, ...], ...]:
    """Return the share still there and its interval at the end of each month, in percent.

    Nothing is drawn where fewer people are followed than a count may show, or where too few have left.
    """
    points = [point for point in curve.points if point.arm == arm]
    mine = frame[frame["treated"] == (1.0 if arm == "treatment" else 0.0)]
    rows: list[tuple[float | None, ...]] = []
    for month in range(last + 1):
        before = [point for point in points if point.time <= month * MONTH]
        gone = mine[(mine["left"] == 1) & (mine["days"] <= month * MONTH)]
        followed = mine[mine["days"] >= month * MONTH]
        hidden = any(
            released.rules.small(len(group), int(group["family"].nunique()))
            for group in (gone, followed)
        )
        if month == 0 or not (before or hidden):
            rows.append((100.0, 100.0, 100.0))
        elif hidden:
            rows.append((None, None, None))
        else:
            ends = (before[-1].survival, before[-1].conf_low, before[-1].conf_high)
            rows.append(tuple(float(round(100 * (end or 0.0))) for end in ends))
    return tuple(zip(*rows, strict=True))


def _answers(released: Released) -> Table | None:
    """Return how many items came back blank and how many answer sets look careless, by wave."""
    study, rows = released.study, []
    careless = answers.careless_answers(study)
    by_set: dict[tuple[str, str, str], list[answers.ItemBlanks]] = {}
    for row in study.once(answers.item_blanks):
        by_set.setdefault((row.measure, row.wave, row.informant), []).append(row)
    for (measure, wave, informant), items in by_set.items():
        sets = released.rules.count(items[0].sets, items[0].families)
        worst = max(items, key=lambda item: item.blank)
        seen = not released.rules.small(worst.blank, worst.families_blank)
        flags = [
            c for c in careless if (c.measure, c.wave, c.informant) == (measure, wave, informant)
        ]
        shown = [
            f"{c.sign}: {released.rules.count(c.flagged, c.families_flagged)}"
            for c in flags if c.flagged and not released.rules.small(c.flagged, c.families_flagged)
        ]  # fmt: skip
        rows.append((
            study.evaluation.measure(measure).name, say(wave), say(informant), sets.text,
            NONE if sets.hidden else _share_blank(released, items),
            f"item {worst.item}" if seen and worst.blank else NONE, "; ".join(shown) or NONE,
        ))  # fmt: skip
    if not rows:
        return None
    head = (
        "Measure", "Wave", "Who answered", "Sets that came back", "Answers left blank",
        "Left blank most", "Answers to look at",
    )  # fmt: skip
    notes = ("Flags of careless answers are for a closer look: nobody is left out for one.",)
    return Table("Answers left blank, and answers to look at", head, tuple(rows), notes)


def _share_blank(released: Released, items: list[answers.ItemBlanks]) -> str:
    """Return the share of answers left blank; of a few, or none, a shareable page says no more."""
    blank, asked = sum(item.blank for item in items), sum(item.sets for item in items)
    families = max(item.families_blank for item in items)
    if released.rules.small(blank, families):
        return HIDDEN
    return f"{number(100 * blank / max(1, asked), 1 if released.rules.open else 0)}%"
