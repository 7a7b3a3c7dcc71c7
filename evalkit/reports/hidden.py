"""What a hidden difference between the groups could do to each result: in words, drawn, with figures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.reports.figures import ForestRow, FrontierPoint, draw_forest, draw_frontier
from evalkit.reports.page import Picture, drawing
from evalkit.reports.tables import NOT_SHOWN, Table, label, spelt, target_of
from evalkit.reports.treatments import as_end
from evalkit.reports.words import NONE, number, sentence_case
from evalkit.robustness import words
from evalkit.targets import key_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from evalkit.analysis import Analysis
    from evalkit.reports.released import Released
    from evalkit.results import Estimate
    from evalkit.robustness.records import BiasPart, HiddenBias
    from evalkit.targets import Key, Target

FIRST = (
    "No analysis can show that nothing hidden differs between the groups. Each says how strong a hidden "
    "factor would have to be, or where one would show.",
    "A factor is compared with covariates by the shares that it explains of what the others leave of who is "
    "in which group, and of the outcome (Cinelli and Hazlett 2020); the interval is the result's own.",
)


def hidden(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the tables and pictures of hidden differences; nothing where none was asked about."""
    if not analysis.hidden_bias:
        return {"table": None, "bounds": None, "pictures": []}
    shown = [row for row in analysis.hidden_bias if _counted(released, analysis, row)]
    return {
        "table": _table(released, analysis),
        "bounds": _bounds(released, analysis, shown) if released.rules.open else None,
        "pictures": _pictures(released, analysis, shown),
    }


def _main(analysis: Analysis) -> dict[Key, Estimate]:
    return {key_of(e): e for e in analysis.estimates}


def _counted(released: Released, analysis: Analysis, row: HiddenBias) -> bool:
    return released.counts(_main(analysis)[key_of(row)]) is not None


def _table(released: Released, analysis: Analysis) -> Table:
    """Return one row a result and analysis: its number, where it may be shown, and what it says."""
    rows, notes = [], dict.fromkeys(FIRST)
    for row in analysis.hidden_bias:
        target = target_of(released.study, row)
        named = (*label(released.study.evaluation, target), words.NAMES[row.analysis])
        if not _counted(released, analysis, row):
            rows.append((*named, NOT_SHOWN, NONE))
            continue
        rows.append((*named, _number(row), _said(released, row)))
        if released.rules.open:
            notes |= {f"{words.NAMES[row.analysis]}: {n.rstrip('.')}.": None for n in row.notes}
    head = ("Outcome", "Wave", "Who answered", "Asked", "How much it takes", "What it says")
    return Table("What a hidden factor could do to each result", head, _once(rows), tuple(notes))


def _once(rows: Iterable[tuple[str, ...]]) -> tuple[tuple[str, ...], ...]:
    """Return the rows with analyses of a result that say the same in one row."""
    asked: dict[tuple[str, ...], list[str]] = {}
    for *result, name, value, said in rows:
        asked.setdefault((*result, value, said), []).append(name)
    return tuple((*key[:-2], "; ".join(names), *key[-2:]) for key, names in asked.items())


def _number(row: HiddenBias) -> str:
    """Return an analysis's number for the interval, in few digits: they give no count away."""
    value = row.value_interval
    if row.sentence == words.NOTHING:
        return NONE
    if row.analysis in ("robustness-value", "joint-tipping") and value is not None:
        return f"{100 * value:.0f}% of both" if value >= 0.01 else "less than 1% of both"
    if row.analysis == "e-value" and value is not None:
        return f"risk ratios of {number(value, 1)}"
    if row.analysis == "rosenbaum-bounds" and value is not None:
        return f"odds {number(value, 1)} times"
    if row.analysis == "oster" and row.value is not None:
        return f"{number(row.value, 1)} times"
    return NONE


def _bounds(released: Released, analysis: Analysis, shown: list[HiddenBias]) -> Table | None:
    """Return each result under each part of each analysis, for pages that show every figure."""
    rows = []
    for row in shown:
        target, main = target_of(released.study, row), _main(analysis)[key_of(row)]
        for part in row.parts:
            named = (*label(released.study.evaluation, target), words.NAMES[row.analysis])
            rows.append((*named, _part_name(part), _value(released, target, main, part),
                         {True: "yes", False: "no", None: NONE}[part.overturns]))  # fmt: skip
    head = ("Outcome", "Wave", "Who answered", "Asked", "Under or without", "Estimate (interval)",
            "Overturned, or shown where nothing should be")  # fmt: skip
    return Table("The figures behind it", head, tuple(rows)) if rows else None


def _part_name(part: BiasPart) -> str:
    if part.strength is None:
        return sentence_case(part.label)
    if part.label == words.ODDS:
        times = "alike" if part.strength == 1 else f"{part.strength:g} times"
        return f"{sentence_case(part.label)}, {times}"
    times = "" if part.strength == 1 else f"{part.strength:g} times "
    return sentence_case(f"{times}as strong as {part.label}")


def _value(released: Released, target: Target, main: Estimate, part: BiasPart) -> str:
    from dataclasses import replace

    if part.estimate is None and part.conf_low is None:
        return part.note or NONE
    middle = part.estimate
    if middle is None:
        ends = [spelt(released, target, as_end(main, float(end or 0.0)), named=False)
                for end in (part.conf_low, part.conf_high)]  # fmt: skip
        return f"{ends[0]} to {ends[1]}"
    made = replace(main, estimate=middle, conf_low=part.conf_low, conf_high=part.conf_high)
    return spelt(released, target, made, named=False)


def _pictures(released: Released, analysis: Analysis, shown: list[HiddenBias]) -> list[Picture]:
    """Draw, of the primary result, else the first: other choices of analysis, and both tipping points."""
    if not shown:
        return []
    targets = {key_of(row): target_of(released.study, row) for row in shown}
    key = next((key for key, target in targets.items() if target.primary), key_of(shown[0]))
    mine = {row.analysis: row for row in shown if key_of(row) == key}
    main, drawn = _main(analysis)[key], []
    if (curve := mine.get("specifications")) and curve.parts:
        drawn.append(_curve(released, targets[key], main, curve))
    joint = mine.get("joint-tipping")
    if joint and joint.frontier and joint.overturns is not None:
        drawn.append(_frontier(released, targets[key], joint))
    return drawn


def _said(released: Released, row: HiddenBias) -> str:
    return row.sentence if released.rules.open else row.shareable


def _drawn(released: Released, value: float) -> float:
    """Return a number as it may be drawn: a drawing keeps every decimal it is given."""
    return value if released.rules.open else round(value, 2)


def _curve(released: Released, target: Target, main: Estimate, row: HiddenBias) -> Picture:
    sign = 1 if released.study.evaluation.higher_is_better(target) else -1
    rows = []
    for part in row.parts:
        if part.estimate is None or part.conf_low is None or part.conf_high is None:
            continue
        low, high = sorted((sign * part.conf_low, sign * part.conf_high))
        rows.append(ForestRow(
            sentence_case(part.label), _drawn(released, sign * part.estimate),
            _drawn(released, low), _drawn(released, high), _value(released, target, main, part),
            part.planned,
        ))  # fmt: skip
    svg = draw_forest(
        rows, title="The same result by other choices of analysis",
        description="Sorted by the estimate; the choice of the plan is emphasised.",
        x_label="Difference, turned so that right is better", favours=("Worse", "Better"),
    )  # fmt: skip
    return Picture(drawing(svg), f"{target.outcome.name}: {_said(released, row)}")


def _frontier(released: Released, target: Target, row: HiddenBias) -> Picture:
    points = [
        FrontierPoint(_drawn(released, at), _drawn(released, 100 * share))
        for at, share in row.frontier
    ]
    svg = draw_frontier(
        points, title="How much loss and hidden difference together would overturn the result",
        description="The sentence below says where the line begins and how far it falls.",
        x_label="Points by which the imputed scores of the programme’s lost are moved towards no difference",
        y_label="Percentage of both programme and outcome that a hidden factor explains",
        stands="The result stands", gone="No clear difference",
    )  # fmt: skip
    return Picture(drawing(svg), f"{target.outcome.name}: {_said(released, row)}")
