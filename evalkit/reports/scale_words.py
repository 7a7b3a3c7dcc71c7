"""How a scale is made, in plain sentences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from math import isinf

from evalkit.instruments.parts import Ends, Item
from evalkit.instruments.scale import Band, Criterion, Missing, Rounding, Scale
from evalkit.instruments.spec import Measure
from evalkit.rounding import MINUS

BETTER = {
    "better": "higher is better", "worse": "higher is worse",
    "neither": "higher is neither better nor worse",
}  # fmt: skip


def listed(words: Sequence[str]) -> str:
    """Return words with commas and a last "and"."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)


def span(ends: Ends) -> str:
    """Return a range as "0 to 27", one number as "4", and one without a top as "0 and over"."""
    low, high = ends
    if isinf(high):
        return f"{figure(low)} and over"
    return figure(low) if low == high else f"{figure(low)} to {figure(high)}"


def figure(value: float) -> str:
    """Return a number without needless decimals and with a true minus sign."""
    return f"{value:.10g}".replace("-", MINUS)


def bands_said(bands: Sequence[Band], scale: Scale) -> list[tuple[str, str]]:
    """Return each band's label and range; where scores are not in steps, an end says "below"."""
    if scale.step is not None:
        return [(band.label, span(band.range)) for band in bands]
    found = []
    for band in bands:
        low, high = band.range
        shared = any(other.range[0] == high for other in bands if other is not band)
        said = (
            f"{figure(low)} to below {figure(high)}" if shared and low != high else span(band.range)
        )
        found.append((band.label, said))
    return found


def items_said(measure: Measure, ids: Sequence[str], word: str = "item") -> str:
    """Return items by number, runs of them as "1 to 9"; those without a number by short name."""
    if len(ids) == len(measure.items) > 3:
        return f"the {len(ids)} {word}s"
    plural = word if len(ids) == 1 else f"{word}s"
    if all(name.isdigit() for name in ids):
        return f"{plural} {listed(runs([int(name) for name in ids]))}"
    labels = [_name(measure.item(name)) for name in ids]
    numbered = any(any(letter.isdigit() for letter in label) for label in labels)
    return f"{plural} {listed(labels)}" if numbered else listed([f"“{x}”" for x in labels])


def _name(item: Item) -> str:
    return item.id if any(letter.isdigit() for letter in item.id) else item.label


def runs(numbers: Sequence[int]) -> list[str]:
    """Return ascending numbers with three or more in a row as "1 to 9"."""
    starts = [0] + [n for n, (a, b) in enumerate(pairwise(numbers), start=1) if b != a + 1]
    found: list[str] = []
    for start, stop in zip(starts, [*starts[1:], len(numbers)], strict=True):
        run = [str(number) for number in numbers[start:stop]]
        found += [f"{run[0]} to {run[-1]}"] if len(run) > 2 else run
    return found


def range_said(scale: Scale) -> str:
    """Return the range, which direction is better, and whether scores are only ordered."""
    ordered = "; ordered only, never averaged" if scale.ordinal else ""
    return f"{span(scale.range)}, {BETTER[scale.higher_is]}{ordered}"


def made(scale: Scale, measure: Measure) -> str:
    """Return how the score is made, turned and recoded items included."""
    parts = [MADE[scale.method](scale, measure)]
    if scale.reverse:
        whole = set(scale.reverse) == set(scale.items)
        turned = "all of them" if whole else items_said(measure, scale.reverse)
        verb = "is" if len(scale.reverse) == 1 and not whole else "are"
        parts.append(
            f"{_capital(turned)} {verb} turned round first: the highest answer counts as the lowest."
        )
    if scale.recode:
        counts = listed([f"{answer:g} as {value:g}" for answer, value in scale.recode])
        parts.append(f"Answers are counted thus: {counts}.")
    return " ".join(parts)


def rounded(rule: Rounding) -> str:
    """Return how a score is rounded."""
    n = rule.decimals
    to = "to a whole number" if n == 0 else f"to {n} decimal{'s' if n > 1 else ''}"
    return f"Rounded {to}, halves up."


def missing_said(scale: Scale, measure: Measure) -> str:
    """Return what happens where answers are missing."""
    rule = scale.missing
    if rule is None:
        return UNSAID.get(scale.method, "Every item must be answered.")
    said = {
        "complete": "Every item must be answered.",
        "prorate": f"At least {rule.min_answered} of {len(scale.items)} items must be answered; "
        "the rest count as the mean of those.",
        "as-lowest": "A blank counts as the answer that adds least.",
        "as-highest": "A blank counts as the answer that adds most.",
    }[rule.rule]
    return " ".join([said, *_conditions(rule, measure)])


def _conditions(rule: Missing, measure: Measure) -> list[str]:
    found = []
    if rule.rule in ("as-lowest", "as-highest") and rule.min_answered:
        found.append(f"At least {rule.min_answered} must be answered.")
    whole = len(measure.asked)
    if rule.min_answered_overall is not None:
        found.append(
            f"Of the whole form, at least {rule.min_answered_overall} of {whole} must be answered."
        )
    if rule.to_prorate_overall is not None:
        found.append(
            f"Blanks are filled only where {rule.to_prorate_overall} of all {whole} are answered."
        )
    if rule.needs:
        found.append(f"No score without {items_said(measure, rule.needs)}.")
    if rule.origin == "local":
        found.append("This rule comes from users of the measure, not from its authors.")
    return found


def _changed(scale: Scale) -> str:
    times = f", times {scale.times:g}" if scale.times != 1 else ""
    sign = "plus" if scale.plus > 0 else "less"
    return times + (f", {sign} {abs(scale.plus):g}" if scale.plus else "")


def _sum(scale: Scale, measure: Measure) -> str:
    if len(scale.items) == 1:
        return f"The answer to {items_said(measure, scale.items)}{_changed(scale)}."
    return f"The sum of {items_said(measure, scale.items)}{_changed(scale)}."


def _mean(scale: Scale, measure: Measure) -> str:
    if len(scale.items) == 1:
        return _sum(scale, measure)
    return f"The mean of {items_said(measure, scale.items)}{_changed(scale)}."


def _weighted(scale: Scale, measure: Measure) -> str:
    parts = [f"“{measure.item(item).label}” times {weight:g}" for item, weight in scale.weights]
    return f"The sum of {listed(parts)}{_changed(scale)}."


def _count(scale: Scale, measure: Measure) -> str:
    own = [f"{items_said(measure, [item])} from {limit:g} on" for item, limit in scale.at_least_for]
    but = f" ({listed(own)})" if own else ""
    items = items_said(measure, scale.items)
    return f"How many of {items} are answered {scale.at_least:g} or more{but}{_changed(scale)}."


def _highest(scale: Scale, measure: Measure) -> str:
    return f"The highest answer among {items_said(measure, scale.items)}{_changed(scale)}."


def _ratio(scale: Scale, measure: Measure) -> str:
    above, below = (items_said(measure, ids) for ids in (scale.items, scale.per))
    return f"{_capital(above)} divided by {below}{_changed(scale)}. None where that is 0."


def _of_scales(scale: Scale, measure: Measure) -> str:
    weights = dict(scale.weights)

    def named(part: str) -> str:
        times = abs(weights.get(part, 1))
        return f"“{measure.scale(part).title}”" + (f" times {times:g}" if times != 1 else "")

    added = [named(part) for part in scale.of if weights.get(part, 1) > 0]
    taken = [named(part) for part in scale.of if weights.get(part, 1) <= 0]
    less = f", less {listed(taken)}" if taken else ""
    start = "The sum of the scales " if len(added) > 1 else ""
    return f"{start}{listed(added)}{less}{_changed(scale)}."


def _table(scale: Scale, measure: Measure) -> str:
    (low, first), (high, last) = scale.table[0], scale.table[-1]
    return (
        f"The score of “{measure.scale(scale.of[0]).title}” looked up in a published table of "
        f"{len(scale.table)} values, from {low:g} giving {first:g} to {high:g} giving {last:g}."
    )


def _criteria(scale: Scale, measure: Measure) -> str:
    rules = "; ".join(_criterion(rule, measure) for rule in scale.criteria)
    all_ = "this holds" if len(scale.criteria) == 1 else "all of these hold"
    return f"1 (yes) where {all_}: {rules}. Otherwise 0 (no)."


def _criterion(rule: Criterion, measure: Measure) -> str:
    if rule.of:
        what, n = listed([f"“{measure.scale(part).title}”" for part in rule.of]), len(rule.of)
    else:
        what, n = items_said(measure, rule.items), len(rule.items)
    own = [f"{items_said(measure, [item])}: {limit:g} or more" for item, limit in rule.at_least_for]
    but = f"; {listed(own)}" if own else ""
    some = "" if n == 1 else "both of " if rule.count == n == 2 else f"at least {rule.count} of "
    return f"{rule.name} ({some}{what} at {_limits(rule)}{but})"


def _limits(rule: Criterion) -> str:
    if rule.at_least is not None and rule.at_most is not None:
        return span((rule.at_least, rule.at_most))
    if rule.at_most is not None:
        return f"{rule.at_most:g} or less"
    return "their limits" if rule.at_least is None else f"{rule.at_least:g} or more"


def _cases(scale: Scale, measure: Measure) -> str:
    def when(pairs: Sequence[tuple[str, float | None]]) -> str:
        return listed([
            f"“{measure.scale(part).title}” is {'missing' if value is None else f'{value:g}'}"
            for part, value in pairs
        ])  # fmt: skip

    return "; ".join(f"{case.value:g} where {when(case.when)}" for case in scale.cases) + "."


def _t_score(scale: Scale, measure: Measure) -> str:
    title = measure.scale(scale.of[0]).title
    return (
        f"A T-score: where “{title}” lies among the norms for the same sex and school grade; "
        "their mean is 50, and 10 points are one standard deviation."
    )


def _given(scale: Scale, measure: Measure) -> str:
    return "Scored elsewhere, by the publisher’s rules; the finished score is taken in."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


MADE: dict[str, Callable[[Scale, Measure], str]] = {
    "sum": _sum, "mean": _mean, "weighted": _weighted, "count": _count, "max": _highest,
    "ratio": _ratio, "sum-of-scales": _of_scales, "table": _table, "criteria": _criteria,
    "cases": _cases, "t-score": _t_score, "given": _given,
}  # fmt: skip
UNSAID = {
    "sum-of-scales": "Missing where one of them is.",
    "table": "Missing where that score is.",
    "t-score": "Missing where that score, sex or grade is.",
    "criteria": "Missing where a blank could change the answer.",
    "cases": "Missing where none of these is certain.",
    "given": "",
}
