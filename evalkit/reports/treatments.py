"""Each result under every treatment of the lost: side by side, drawn, and how far it holds."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.reports.figures import BandPoint, ForestRow, Mark, draw_band, draw_chains, draw_forest
from evalkit.reports.page import Picture, drawing
from evalkit.reports.released import lost_by_arm
from evalkit.reports.tables import NOT_SHOWN, Table, label, spelt, target_of
from evalkit.reports.words import NONE, p_value, sentence_case
from evalkit.sensitivity import words
from evalkit.sensitivity.results import as_estimate
from evalkit.targets import key_of
from evalkit.wording import number_free

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.reports.released import Released
    from evalkit.results import Estimate
    from evalkit.sensitivity.records import Sensitivity
    from evalkit.targets import Target


def treatments(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the table and pictures of what the lost could change, or nothing where nobody was lost."""
    if not analysis.sensitivity:
        return {"table": None, "pictures": []}
    return {"table": _table(released, analysis), "pictures": _pictures(released, analysis)}


def _table(released: Released, analysis: Analysis) -> Table:
    rows, notes = [], dict[str, None]()
    main = {key_of(e): e for e in analysis.estimates}
    for row in analysis.sensitivity:
        e = main[key_of(row)]
        target = target_of(released.study, e)
        named = (*label(released.study.evaluation, target), _named(row), words.ASKED[row.asked])
        if released.counts(e) is None or not _may_show(released, target, row):
            rows.append((*named, NOT_SHOWN, NONE, NONE))
            continue
        p = p_value(row.p_value) if row.p_value is not None and not row.curve else NONE
        rows.append((*named, _value(released, target, e, row), p, _says(released, row)))
        said = [note for note in row.notes if released.rules.open or number_free(note)]
        if row.asked != "primary":
            notes |= {
                f"{_named(row)}, {', '.join(label(released.study.evaluation, target)[:2])}: "
                f"{note.rstrip('.')}.": None for note in said
            }  # fmt: skip
    head = (
        "Outcome", "Wave", "Who answered", "How the lost are treated", "Asked by",
        "Estimate (interval)", "p", "What it says",
    )  # fmt: skip
    first = (
        "No treatment brings the lost back: each rests on an assumption that no data can prove. Where they "
        "agree the result may be relied on the more; where one changes the conclusion, say so with it."
    )
    return Table("How far each result survives the loss", head, tuple(rows), (first, *notes))


def _may_show(released: Released, target: Target, row: Sensitivity) -> bool:
    """Whether a row gives nobody away: how wide the worst case is, and how fast a shift tells, are
    the share that was lost."""
    return row.method not in ("worst-case", "delta") or _lost_is_shown(released, target)


def _lost_is_shown(released: Released, target: Target) -> bool:
    followed = next(frame for t, frame in released.study.trails if t.key == target.key)
    return released.lost_is_shown(target, lost_by_arm(followed))


def _named(row: Sensitivity) -> str:
    return sentence_case(words.name(row))


def _value(released: Released, target: Target, main: Estimate, row: Sensitivity) -> str:
    """Return the numbers of a row: an estimate, bounds with their interval, or a tipping point."""
    if row.method == "delta":
        return _tip(released, target, main, row)
    read = as_estimate(main, row)
    if row.lower is not None and row.upper is not None:
        bounds = [
            spelt(released, target, as_end(read, end), named=False)
            for end in (row.lower, row.upper)
        ]
        return f"{bounds[0]} to {bounds[1]}; with chance allowed for {_interval(released, target, read)}"
    return spelt(released, target, read) if read.estimate is not None else "not estimated"


def as_end(read: Estimate, value: float) -> Estimate:
    """Return an estimate that is one end of bounds, without an interval."""
    from dataclasses import replace

    return replace(read, estimate=value, conf_low=None, conf_high=None)


def _interval(released: Released, target: Target, read: Estimate) -> str:
    low, high = (
        spelt(released, target, as_end(read, float(end or 0.0)), named=named)
        for end, named in ((read.conf_low, False), (read.conf_high, True))
    )
    return f"{low} to {high}"


def _tip(released: Released, target: Target, main: Estimate, row: Sensitivity) -> str:
    if row.tips_at is None:
        return "no tipping point" if row.curve else "not estimated"
    points = spelt(released, target, as_end(main, row.tips_at))
    in_sds = "" if row.tips_at_sd is None else f" ({abs(row.tips_at_sd):.2f} SD)"
    return f"turns at {points}{in_sds}"


def _says(released: Released, row: Sensitivity) -> str:
    return row.sentence if released.rules.open or number_free(row.sentence) else "See the picture."


def _pictures(released: Released, analysis: Analysis) -> list[Picture]:
    """Draw the primary result under every treatment, else the first; its tipping point and chains."""
    main = {key_of(e): e for e in analysis.estimates}
    shown = [row for row in analysis.sensitivity if released.counts(main[key_of(row)]) is not None]
    if not shown:
        return []
    targets = {key_of(row): target_of(released.study, row) for row in shown}
    key = next((key for key, target in targets.items() if target.primary), key_of(shown[0]))
    mine = [row for row in shown if key_of(row) == key]
    mine = [row for row in mine if _may_show(released, targets[key], row)]
    drawn = [_forest(released, targets[key], main[key], mine)]
    drawn += [_tipping(released, targets[key], row) for row in mine if row.curve]
    many = _lost_is_shown(released, targets[key])
    drawn += [_chains(targets[key], row) for row in mine if row.chains and many]
    return drawn


def _forest(released: Released, target: Target, main: Estimate, rows: list[Sensitivity]) -> Picture:
    sign = 1 if released.study.evaluation.higher_is_better(target) else -1
    points = []
    for row in rows:
        read = as_estimate(main, row)
        if read.estimate is None or read.conf_low is None or read.conf_high is None:
            continue
        if row.method == "delta":
            continue
        ends = sorted((sign * read.conf_low, sign * read.conf_high))
        text = _value(released, target, main, row)
        point = None if row.estimate is None else sign * read.estimate
        middle = sign * read.estimate if point is None else point
        points.append(ForestRow(
            _named(row), _drawn(released, middle), _drawn(released, ends[0]),
            _drawn(released, ends[1]), text, row.asked == "primary",
        ))  # fmt: skip
    name = f"{target.outcome.name}, {released.study.evaluation.wave_label(target.wave)}"
    svg = draw_forest(
        points, title="The same result under each treatment of the lost",
        description="The numbers stand in the table beside it.",
        x_label="Difference, turned so that right is better", favours=("Worse", "Better"),
    )  # fmt: skip
    caption = (
        f"{name}: the same difference under each treatment of the people who were lost. Of bounds the "
        "middle is marked, and the line is their whole interval. The plan's own is emphasised."
    )
    return Picture(drawing(svg), caption)


def _drawn(released: Released, value: float) -> float:
    """Return a number as it may be drawn: a drawing keeps every decimal it is given."""
    return value if released.rules.open else round(value, 2)


def _tipping(released: Released, target: Target, row: Sensitivity) -> Picture:
    points = [BandPoint(*(_drawn(released, value) for value in point)) for point in row.curve]
    marks = [Mark(0.0, "as those who answered")]
    if row.tips_at is not None:
        tip = _drawn(released, row.tips_at)
        marks.append(Mark(tip, "no longer clear", strong=True))
    svg = draw_band(
        points, title="How much worse the lost would have to have done",
        description="The tipping point stands in the table beside it.", marks=marks,
        x_label="Points added to the imputed scores of the programme’s lost",
        y_label="Difference between the arms, with its interval",
    )  # fmt: skip
    return Picture(drawing(svg), f"{target.outcome.name}: {row.sentence}" if released.rules.open else
                   f"{target.outcome.name}: the difference as the lost are taken to have done worse than "
                   "people like them who answered.")  # fmt: skip


def _chains(target: Target, row: Sensitivity) -> Picture:
    svg = draw_chains(
        row.chains, title="Whether the imputations have settled",
        description="One line a chain of imputations: the mean of the imputed scores at each iteration.",
        x_label="Iteration", y_label="Mean of the imputed scores",
    )  # fmt: skip
    return Picture(
        drawing(svg),
        f"{target.outcome.name}: settled chains of one arm cross one another and show no trend.",
    )
