"""Results below level 3: each step of the theory beside what was seen, and what comes by itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from evalkit.contribution.words import JUDGED
from evalkit.reports.by_itself import by_itself_picture, by_itself_table, may_show
from evalkit.reports.tables import NOT_SHOWN, Table, digits, label, rate_cells, target_of
from evalkit.reports.words import NONE, interval, number
from evalkit.targets import key_of
from evalkit.wording import number_free

if TYPE_CHECKING:
    from evalkit.analysis import Analysis
    from evalkit.contribution.records import Contribution
    from evalkit.reports.released import Released
    from evalkit.results import Estimate

HIDDEN = "Too few people for what was seen to be shown, so nothing is said of it."
WAYS = {"lower": "a fall", "higher": "a rise", "ambiguous": "no one way", None: "a change"}


def contribution_section(released: Released, analysis: Analysis) -> dict[str, Any]:
    """Return the table of links, and the table and picture of what comes by itself; None without."""
    links = _links(released, analysis) if analysis.contributions else None
    alone = by_itself_table(released, analysis) if analysis.by_itself else None
    picture = by_itself_picture(released, analysis) if analysis.by_itself else None
    return {"table": links, "alone": alone, "picture": picture}


def _links(released: Released, analysis: Analysis) -> Table:
    names = released.study.evaluation.logic_model.names()
    by_key = {key_of(e): e for e in analysis.estimates}
    two = released.study.evaluation.design.comparison_group
    rows = []
    for row in analysis.contributions:
        estimate = by_key.get(key_of(row))
        seen = _seen(released, analysis, row, estimate)
        compared = (_seen(released, analysis, row, estimate, other=True),) if two else ()
        rows.append((
            f"“{names[row.start]}” to “{names[row.end]}”", _result(released, row), _expected(row),
            seen, *compared, _delivered(released, row), "; ".join(row.assumes) or NONE,
            _rivals(row), HIDDEN if NOT_SHOWN in (seen, *compared) else row.sentence,
        ))  # fmt: skip
    head = (
        "Step", "Result", "Expected", "Seen in the programme group",
        *(("Seen in the comparison",) if two else ()), "Delivered", "Takes for granted",
        "Rival explanations", "What may be said",
    )  # fmt: skip
    notes = (
        "Changes are from the first wave, of the people with both scores, as observed. A step is set "
        "beside what was expected of it and what else could explain it; it is not credited to "
        "anything (contribution analysis, Mayne 2012).",
    )
    return Table("Each step of the theory, described", head, tuple(rows), notes)


def _result(released: Released, row: Contribution) -> str:
    if row.wave is None:
        return NONE
    _, wave, informant = label(released.study.evaluation, target_of(released.study, row))
    return f"{wave}, {informant}" + (f", {row.contrast}" if row.contrast else "")


def _expected(row: Contribution) -> str:
    if row.outcome is None:
        return NONE
    source = f" ({row.expected_source})" if row.expected_source else ""
    if row.expected is None:
        return f"{WAYS[row.direction]}, no size stated"
    noun = "percentage points" if row.unit == "share" else "points"
    return f"{WAYS[row.direction]} of {abs(row.expected):g} {noun}{source}"


def _seen(
    released: Released, analysis: Analysis, row: Contribution, estimate: Estimate | None,
    *, other: bool = False,
) -> str:  # fmt: skip
    """Return what was seen in an arm as it may be shown, with its interval and n."""
    if row.observed_as is None or row.outcome is None:
        return "nothing"
    if row.observed_as == "rate" and not row.notes:
        return _rate(released, analysis, row, other=other)
    value, low, high, n, families, no_first = _arm(row, other=other)
    if value is None:
        why = [note for note in row.notes if released.rules.open or number_free(note)]
        return "; ".join(why) or "not known"
    if estimate is None or released.counts(estimate) is None:
        return NOT_SHOWN
    if row.observed_as == "change" and not may_show(released, n or 0, families or 0, no_first or 0):
        return NOT_SHOWN
    target = target_of(released.study, row)
    places = digits(released.study, target, estimate)
    scale = 100 if row.unit == "share" else 1
    noun = "percentage points" if row.unit == "share" else "points"
    if row.unit == "share" and not released.rules.open:
        places = 0
    ends = f" ({interval(scale * low, scale * high, places)})" if low is not None and high is not None else ""  # fmt: skip
    people = _people(released, estimate, n or 0, families or 0, other=other)
    what = "a mean of " if row.observed_as == "level" else ""
    return f"{what}{number(scale * value, places)} {noun}{ends}{people}"


def _arm(row: Contribution, *, other: bool) -> tuple[Any, ...]:
    if other:
        return (
            row.comparison_change, row.comparison_low, row.comparison_high, row.n_comparison,
            row.n_comparison_families, row.n_comparison_no_first,
        )  # fmt: skip
    return row.change, row.conf_low, row.conf_high, row.n, row.n_families, row.n_no_first


def _people(released: Released, estimate: Estimate, n: int, families: int, *, other: bool) -> str:
    counts = released.counts(estimate)
    analysed = estimate.n_comparison if other else estimate.n_treatment
    if counts is not None and n == analysed:
        return f"; {counts[1] if other else counts[0]} people"
    count = released.rules.count(n, families)
    return "" if count.hidden else f"; {count.text} people"


def _rate(released: Released, analysis: Analysis, row: Contribution, *, other: bool) -> str:
    evaluation = released.study.evaluation
    indicator = evaluation.logic_model.outcome(str(row.outcome)).indicator
    arm = evaluation.arm_names[-1 if other else 0]
    found = next(
        (r for r in analysis.rates if (r.indicator, r.arm, r.period) == (indicator, arm, 0)), None
    )
    if found is None:
        return "not known"
    _, _, _, rate, ends = rate_cells(released, found)
    return rate if rate == NOT_SHOWN else f"{rate} for 100 a year ({ends})"


def _delivered(released: Released, row: Contribution) -> str:
    """Return what is known of the delivery; counts on open pages alone, as they stand elsewhere else."""
    said = []
    if released.rules.open and row.received is not None:
        said.append(f"{row.received} of {row.n_allocated} received it")
    n, families = row.n_sessions or 0, row.n_sessions_families or 0
    if row.sessions is not None and not released.rules.small(n, families):
        said.append(f"{number(row.sessions, 1)} sessions on average")
        if released.rules.open:
            said.append(f"{row.reached} of {n} with the least that counts")
    return "; ".join(said) or NONE


def _rivals(row: Contribution) -> str:
    words = {judged: text[:1].lower() + text[1:] for judged, text in JUDGED}
    said = [
        f"{name} ({words[judged]}{': ' + considered if considered else ''})"
        for name, considered, judged in row.rivals
    ]
    return "; ".join(said) or "none on record"
