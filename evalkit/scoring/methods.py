"""How answers become a score: one short function each, and the table METHODS.

Halves round up, never to even; a product is taken before a quotient, so that a half is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from evalkit.instruments.checks import COMPARE
from evalkit.instruments.parts import Flag, Item, Norm, Skip
from evalkit.instruments.scale import Criterion, Scale
from evalkit.instruments.spec import Measure
from evalkit.scoring.engines import Given, Mask, Value, every, some

# Far below the smallest distance of a score from the next half, far above float error.
GUARD = 1e-9
SEXES = {"male": 0, "female": 1}


def reverse(values: Value, low: float, high: float) -> Value:
    """Return low + high - x: the lowest answer becomes the highest. Twice is no change."""
    return low + high - values


def after_skips(measure: Measure, given: Given) -> Given:
    """Return the same with the answers to skipped questions filled in."""
    skips = [skip for skip in measure.skips if not given.absent.issuperset(skip.items)]
    if not skips:
        return given
    answers = dict(given.answers)
    for skip in skips:
        skipped = _skipped(skip, given)
        for item in skip.items:
            where = skipped
            if not skip.also_answered:
                where = skipped & ~given.engine.known(answers[item])
            if skip.value is None:
                answers[item] = given.engine.keep(~where, answers[item])
            else:
                answers[item] = given.engine.pick(where, skip.value, answers[item])
    return replace(given, answers=answers, _counted={}, _known={})


def _skipped(skip: Skip, given: Given) -> Mask:
    values = [given.answers[item] for item in skip.when]
    if skip.below is not None:
        return every([given.engine.sure(value < skip.below) for value in values])
    return every([given.engine.sure(value <= skip.at_most) for value in values])


def score_of(scale: Scale, measure: Measure, given: Given) -> Value:
    """Return the score of one scale, rounded where it says so."""
    if scale.items and given.absent.issuperset(scale.items):
        return given.answers[scale.items[0]]
    result = METHODS[scale.method](scale, measure, given)
    if scale.rounding is not None:
        unit = 10.0**scale.rounding.decimals
        result = given.engine.floor(_times(result, unit) + (0.5 + GUARD))
        result = result if unit == 1 else given.engine.divided(result, unit)
    return result


def total(scale: Scale, measure: Measure, given: Given) -> Value:
    """Sum of the items; prorated, the mean of the answered times the number of items."""
    result = _added(scale, measure, given)
    if scale.prorated:
        result = _times(result, len(scale.items)) / given.answered(scale.items)
    return given.engine.keep(_enough(scale, measure, given), _plus(result, scale.plus))


def mean(scale: Scale, measure: Measure, given: Given) -> Value:
    """Mean of the items, or of the answered ones where prorated."""
    result = _added(scale, measure, given)
    if scale.prorated:
        result = result / given.answered(scale.items)
    else:
        result = given.engine.divided(result, float(len(scale.items)))
    return given.engine.keep(_enough(scale, measure, given), _plus(result, scale.plus))


def _added(scale: Scale, measure: Measure, given: Given) -> Value:
    """Return the sum of what is answered, blanks filled where the rule says so, times `times`."""
    values = _directed(scale, measure, given)
    if scale.missing is not None and scale.missing.rule in ("as-lowest", "as-highest"):
        values = _filled(scale, measure, given, values)
    return _times(given.engine.total(values), scale.times)


def _times(value: Value, factor: float) -> Value:
    return value if factor == 1 else value * factor


def _plus(value: Value, term: float) -> Value:
    return value if term == 0 else value + term


def _enough(scale: Scale, measure: Measure, given: Given) -> Mask:
    """Whether enough items are answered for the scale to have a score."""
    rule, n = scale.missing, len(scale.items)
    least = n if rule is None or rule.rule == "complete" else rule.min_answered or 0
    masks = [given.answered(scale.items) >= least]
    overall = [item.id for item in measure.asked]
    if rule is not None and rule.min_answered_overall is not None:
        masks.append(given.answered(overall) >= rule.min_answered_overall)
    if rule is not None and rule.to_prorate_overall is not None:
        full = given.answered(scale.items) == n
        masks.append(full | (given.answered(overall) >= rule.to_prorate_overall))
    if rule is not None and rule.needs:
        masks.append(given.answered(rule.needs) == len(rule.needs))
    return every(masks)


def _filled(scale: Scale, measure: Measure, given: Given, values: Sequence[Value]) -> list[Value]:
    """Return the values with blanks as what adds least, or most."""
    assert scale.missing is not None
    end = min if scale.missing.rule == "as-lowest" else max
    fills = [end(_reach(scale, measure.item(item))) for item in scale.items]
    engine = given.engine
    return [engine.pick(engine.known(v), v, fill) for v, fill in zip(values, fills, strict=True)]


def _reach(scale: Scale, item: Item) -> list[float]:
    """Return what the answers of an item may add to a scale."""
    codes = [code for code, _ in item.codes] or [item.low, item.high]
    recoded = dict(scale.recode)
    if item.id in scale.reverse:
        return [item.low + item.high - code for code in codes]
    return [recoded.get(code, code) for code in codes]


def _directed(scale: Scale, measure: Measure, given: Given) -> list[Value]:
    """Return the answers as they count towards the scale: recoded or turned."""
    values = []
    for item in scale.items:
        answer = given.answers[item]
        if item in scale.reverse:
            found = measure.item(item)
            answer = reverse(answer, found.low, found.high)
        elif scale.recode:
            answer = _looked_up(answer, scale.recode, given)
        values.append(answer)
    return values


def _looked_up(value: Value, table: Sequence[tuple[float, float]], given: Given) -> Value:
    """Return what a table gives for a value; null where the table has no such value."""
    (first, result), *rest = table
    found = given.engine.keep(given.engine.sure(value == first), result)
    for key, result in rest:
        found = given.engine.pick(given.engine.sure(value == key), result, found)
    return found


def weighted(scale: Scale, measure: Measure, given: Given) -> Value:
    """Sum of answer times weight; missing where any item is missing."""
    weights = dict(scale.weights)
    values = _directed(scale, measure, given)
    parts = [_times(v, weights[item]) for v, item in zip(values, scale.items, strict=True)]
    result = _plus(given.engine.total(parts), scale.plus)
    return given.engine.keep(_enough(scale, measure, given), result)


def count(scale: Scale, measure: Measure, given: Given) -> Value:
    """Number of items that reach the limit."""
    engine = given.engine
    values = _directed(scale, measure, given)
    if scale.missing is not None and scale.missing.rule in ("as-lowest", "as-highest"):
        values = _filled(scale, measure, given, values)
    limits = dict(scale.at_least_for)
    least = [limits.get(item, scale.at_least) for item in scale.items]
    reached = engine.count(
        [engine.sure(v >= limit) for v, limit in zip(values, least, strict=True)]
    )
    return engine.keep(_enough(scale, measure, given), _times(reached, scale.times))


def highest(scale: Scale, measure: Measure, given: Given) -> Value:
    """The highest of the items; missing where any is missing."""
    values = _directed(scale, measure, given)
    return given.engine.keep(_enough(scale, measure, given), given.engine.highest(values))


def ratio(scale: Scale, measure: Measure, given: Given) -> Value:
    """Sum of the items over the sum of the items `per`; none where that is 0."""
    engine = given.engine
    above = engine.total([given.answers[item] for item in scale.items])
    below = engine.total([given.answers[item] for item in scale.per])
    items = (*scale.items, *scale.per)
    asked = every([given.answered(items) == len(items), below > 0])
    return engine.keep(asked, _times(above, scale.times) / engine.pick(below > 0, below, 1.0))


def sum_of_scales(scale: Scale, measure: Measure, given: Given) -> Value:
    """Sum of finished (already rounded) scales; missing where any is missing."""
    weights = dict(scale.weights)
    parts = [_times(given.scores[part], weights.get(part, 1)) for part in scale.of]
    return _plus(given.engine.complete(parts), scale.plus)


def from_table(scale: Scale, measure: Measure, given: Given) -> Value:
    """The value that the measure's table gives for the score of one finished scale."""
    return _looked_up(given.scores[scale.of[0]], scale.table, given)


def criteria(scale: Scale, measure: Measure, given: Given) -> Value:
    """1 where every criterion is met, 0 where one cannot be, missing where it is undetermined."""
    engine = given.engine
    judged = [_judged(criterion, given) for criterion in scale.criteria]
    met = every([is_met for is_met, _ in judged])
    possible = every([may_be for _, may_be in judged])
    result = engine.pick(met, 1.0, engine.keep(~possible, 0.0))
    return engine.keep(_enough(scale, measure, given), result) if scale.missing else result


def _judged(criterion: Criterion, given: Given) -> tuple[Mask, Mask]:
    """Return whether a criterion is met, and whether it still may be."""
    engine = given.engine
    limits = dict(criterion.at_least_for)
    values = [(item, given.answers[item]) for item in criterion.items]
    values += [(scale, given.scores[scale]) for scale in criterion.of]
    met = []
    for name, value in values:
        masks = []
        if criterion.at_least is not None or name in limits:
            masks.append(engine.sure(value >= limits.get(name, criterion.at_least)))
        if criterion.at_most is not None:
            masks.append(engine.sure(value <= criterion.at_most))
        met.append(every(masks))
    reached = engine.count(met)
    unknown = engine.count([~engine.known(value) for _, value in values])
    return reached >= criterion.count, reached + unknown >= criterion.count


def cases(scale: Scale, measure: Measure, given: Given) -> Value:
    """The value of the case that holds; missing where none does."""
    engine = given.engine
    result = None
    for case in scale.cases:
        holds = every([engine.sure(given.scores[name] == value) for name, value in case.when])
        result = (
            engine.keep(holds, case.value)
            if result is None
            else engine.pick(holds, case.value, result)
        )
    return result


def t_score(scale: Scale, measure: Measure, given: Given) -> Value:
    """50 + 10 (score - mean) / sd by sex and school grade; missing where no norm fits."""
    raw = given.scores[scale.of[0]]
    norms = [norm for norm in measure.norms if norm.scale == scale.of[0] and norm.grades]
    result = given.engine.keep(_fits(norms[0], given), _standardised(raw, norms[0]))
    for norm in norms[1:]:
        result = given.engine.pick(_fits(norm, given), _standardised(raw, norm), result)
    return result


def _standardised(raw: Value, norm: Norm) -> Value:
    return (raw - norm.mean) * (10.0 / (norm.sd or 1.0)) + 50.0


def _fits(norm: Norm, given: Given) -> Mask:
    assert norm.sex is not None and norm.grades is not None
    low, high = norm.grades
    grade, sure = given.grade, given.engine.sure
    return every([sure(given.sex == SEXES[norm.sex]), sure(grade >= low), sure(grade <= high)])  # type: ignore[operator]


METHODS: dict[str, Callable[[Scale, Measure, Given], Value]] = {
    "sum": total,
    "mean": mean,
    "weighted": weighted,
    "count": count,
    "max": highest,
    "ratio": ratio,
    "sum-of-scales": sum_of_scales,
    "table": from_table,
    "criteria": criteria,
    "cases": cases,
    "t-score": t_score,
}


def raised(
    flag: Flag, limit: float, given: Given, asked: Sequence[str]
) -> tuple[Mask, Mask | None]:
    """Return whether a flag is raised, and whether it still may be (None: no such doubt).

    A flag looks at the answers as given, before any skipped question is filled in. An item for
    safeguarding that is left blank on a form with other answers is in doubt too.
    """
    compare = COMPARE[flag.limit[0]]
    values = [given.answers[item] for item in flag.items]
    values += [given.scores[flag.scale]] if flag.scale else []
    reached = some([given.engine.sure(compare(value, limit)) for value in values])
    if flag.sex is not None:
        if given.sex is None:
            return reached & ~reached, None
        reached = reached & given.engine.sure(given.sex == SEXES[flag.sex])
    if flag.possible is None:
        return reached, _passed_over(flag, reached, given, asked)
    most = given.engine.sure(compare(given.scores[flag.possible], limit))
    return reached, most & ~reached


def _passed_over(flag: Flag, reached: Mask, given: Given, asked: Sequence[str]) -> Mask | None:
    items = [item for item in flag.items if item in asked]
    if flag.kind != "safeguarding" or not items:
        return None
    return (given.answered(items) < len(items)) & (given.answered(asked) > 0) & ~reached
