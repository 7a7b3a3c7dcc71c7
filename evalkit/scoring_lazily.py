"""Scoring by narwhals expressions: for every kind of frame, lazily where the frame is lazy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import narwhals as nw

from evalkit.answers import Frame, cleaned, contradictions, temporary
from evalkit.errors import InvalidData, InvalidInput
from evalkit.measure_scale import Scale
from evalkit.scoring_engines import Expressions, Given, some
from evalkit.scoring_methods import SEXES, after_skips, score_of
from evalkit.scoring_plan import SEX_WORDS, Plan


def scored_by_expression(table: Frame, plan: Plan, before: Sequence[str]) -> Frame:
    """Return the frame with the columns of the plan added."""
    measure = plan.measure
    table = cleaned(table, measure, plan.columns, on_invalid=plan.on_invalid)
    if isinstance(table, nw.DataFrame) and table.implementation.is_polars():
        table = table.lazy()
    schema = table.collect_schema()
    given = _given(plan, schema)
    n_answered = given.answered([item.id for item in measure.asked])
    table = table.with_columns(n_answered.cast(nw.Int64).alias(plan.column("n_answered")))
    after = replace(given, answers=after_skips(measure, given), _counted={}, _known={})
    for group in _groups(plan):
        made = {scale.id: score_of(scale, measure, after) for scale in group}
        names = {name: measure.score_column(name) for name in made}
        table = table.with_columns(
            *[made[name].cast(nw.Float64).alias(names[name]) for name in made]
        )
        after.scores.update({name: nw.col(names[name]) for name in made})
        table = _without_contradictions(table, plan, group, after)
    flagging = replace(given, scores=after.scores)
    table = table.with_columns(*_bands(plan, after), _flags(plan, flagging))
    return table.select(*before, *plan.written)


def _without_contradictions(
    table: Frame, plan: Plan, group: Sequence[Scale], given: Given
) -> Frame:
    """Refuse scores made of counts that contradict each other, or blank and count them."""
    found = {scale.id: (scale, plan.impossible(scale, given)) for scale in group}
    odd = {name: (scale, mask) for name, (scale, mask) in found.items() if mask is not None}
    if not odd:
        return table
    if plan.counts_invalid:
        invalid = nw.col(plan.column("n_invalid"))
        columns = [nw.when(~mask).then(given.scores[name]).alias(plan.measure.score_column(name))
                   for name, (_, mask) in odd.items()]  # fmt: skip
        extra = [mask.cast(nw.Int64) for _, mask in odd.values()]
        return table.with_columns(*columns, sum(extra, invalid).alias(plan.column("n_invalid")))
    sums = [mask.cast(nw.Int64).sum().alias(name) for name, (_, mask) in odd.items()]
    counted = table.select(*sums)
    totals = counted.collect() if isinstance(counted, nw.LazyFrame) else counted
    problems = []
    for name, (scale, _) in odd.items():
        problems += contradictions(plan.measure, scale, [], int(totals[name][0] or 0))
    if problems:
        raise InvalidData(problems)
    return table


def _given(plan: Plan, schema: nw.Schema) -> Given:
    null = nw.lit(None, nw.Float64)
    answers = {
        item.id: nw.col(temporary(plan.measure, item.id)) if item.id in plan.columns else null
        for item in plan.measure.items
    }
    sex = None if plan.sex is None else _sex(plan.sex, schema)
    grade = None if plan.grade is None else _grade(plan.grade, schema)
    return Given(Expressions(), answers, {}, sex, grade, plan.absent)


def _sex(column: str, schema: nw.Schema) -> nw.Expr:
    """Return 0 for male, 1 for female, null for anything else."""
    if schema[column] not in (nw.String, nw.Object, nw.Categorical, nw.Enum):
        raise InvalidInput(f"The sex column '{column}' holds {schema[column]}, not words.")
    words = nw.col(column).cast(nw.String).str.strip_chars().str.to_lowercase()
    result: nw.Expr = nw.lit(None, nw.Float64)
    for word, sex in SEX_WORDS.items():
        result = nw.when(words == word).then(nw.lit(float(SEXES[sex]))).otherwise(result)
    return result


def _grade(column: str, schema: nw.Schema) -> nw.Expr:
    if not schema[column].is_numeric():
        raise InvalidInput(f"The grade column '{column}' holds {schema[column]}, not numbers.")
    value = nw.col(column).cast(nw.Float64)
    return nw.when(~value.is_nan()).then(value)


def _groups(plan: Plan) -> list[list[Scale]]:
    """Return the scales in groups, each of which needs only the groups before it."""
    groups: list[list[Scale]] = []
    level: dict[str, int] = {}
    for scale in plan.scales:
        parts = [*scale.of, *(name for x in scale.criteria for name in x.of)]
        parts += [name for case in scale.cases for name, _ in case.when]
        level[scale.id] = 1 + max((level[name] for name in parts), default=-1)
        while len(groups) <= level[scale.id]:
            groups.append([])
        groups[level[scale.id]].append(scale)
    return groups


def _bands(plan: Plan, given: Given) -> list[nw.Expr]:
    columns = []
    for scale in plan.scales:
        if scale.id not in plan.bands:
            continue
        result: nw.Expr = nw.lit(None, nw.String)
        for label, reached in plan.bands_of(scale, given):
            result = nw.when(reached).then(nw.lit(label)).otherwise(result)
        columns.append(result.alias(plan.band_column(scale.id)))
    return columns


def _flags(plan: Plan, given: Given) -> nw.Expr:
    """The flags of each response joined by semicolons; null where it has none."""
    found = plan.flags(given)
    name = plan.column("flags")
    if not found:
        return nw.lit(None, nw.String).alias(name)
    words = [nw.when(mask).then(nw.lit(text)) for text, mask in found]
    joined = nw.concat_str(*words, separator=";", ignore_nulls=True)
    return nw.when(some([mask for _, mask in found])).then(joined).alias(name)
