"""Scoring by expression: for every kind of frame but pandas', lazily where the frame is lazy.

`api` is narwhals, or polars itself where the frame is one of polars (see `evalkit.scoring.cleaning`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import narwhals as nw

from evalkit.errors import InvalidData, InvalidInput
from evalkit.instruments.scale import Scale
from evalkit.scoring.cleaning import SPACES, Expr, as_float, cleaned, how_many, is_text, temporary
from evalkit.scoring.engines import Expressions, Given, added, some
from evalkit.scoring.methods import SEXES, after_skips, score_of
from evalkit.scoring.plan import SEX_WORDS, Plan
from evalkit.scoring.refusals import contradictions

MOST_FLAGS = 12
"""With more flags the table of all their combinations would be long."""


def scored_by_expression(
    table: nw.DataFrame[Any] | nw.LazyFrame[Any], plan: Plan, before: Sequence[str]
) -> nw.DataFrame[Any] | nw.LazyFrame[Any]:
    """Return the frame with the columns of the plan added."""
    eager = isinstance(table, nw.DataFrame)
    if not table.implementation.is_polars():
        scored: nw.DataFrame[Any] = _By(nw, plan, table.collect_schema()).scored(table, before)
        return scored
    by = _By(table.implementation.to_native_namespace(), plan, table.collect_schema())
    # Polars plans a lazy frame as a whole, several times faster than step by step.
    done = by.scored(table.to_native(), before)
    whole: nw.LazyFrame[Any] = nw.from_native(done.collect() if eager else done)
    return whole


@dataclass(frozen=True, slots=True)
class _By:
    """One call of score, in the words of `api`; `schema` holds narwhals types by column."""

    api: Any
    plan: Plan
    schema: Mapping[str, Any]

    def scored(self, frame: Any, before: Sequence[str]) -> Any:
        plan, measure, api = self.plan, self.plan.measure, self.api
        frame = cleaned(
            frame, self.schema, measure, plan.columns, on_invalid=plan.on_invalid, api=api
        )
        if api is not nw:
            frame = frame.lazy()
        given = self.given()
        after = after_skips(measure, given)
        for n, group in enumerate(_groups(plan)):
            made = {scale.id: score_of(scale, measure, after) for scale in group}
            names = {name: measure.score_column(name) for name in made}
            columns = [made[name].cast(api.Float64).alias(names[name]) for name in made]
            if n == 0:
                n_answered = given.answered([item.id for item in measure.asked])
                columns.append(n_answered.cast(api.Int64).alias(plan.column("n_answered")))
            frame = frame.with_columns(*columns)
            after.scores.update({name: api.col(names[name]) for name in made})
            frame = self.without_contradictions(frame, group, after)
        flagging = replace(given, scores=after.scores)
        frame = frame.with_columns(*self.bands(after), self.flags(flagging))
        return frame.select(*before, *plan.written)

    def given(self) -> Given:
        plan, api = self.plan, self.api
        null = api.lit(None, api.Float64)
        answers = {
            item.id: api.col(temporary(plan.measure, item.id)) if item.id in plan.columns else null
            for item in plan.measure.items
        }
        sex = None if plan.sex is None else self.sex(plan.sex)
        grade = None if plan.grade is None else self.years(plan.grade, "grade")
        age = None if plan.age is None else self.years(plan.age, "age")
        return Given(Expressions(api), answers, {}, sex, grade, plan.absent, age)

    def sex(self, column: str) -> Expr:
        """Return 0 for male, 1 for female, null for anything else."""
        api = self.api
        result = api.lit(None, api.Float64)
        if self.schema[column] == nw.Unknown:
            return result
        if not is_text(self.schema[column], api):
            raise InvalidInput(f"The sex column '{column}' holds {self.schema[column]}, not words.")
        words = api.col(column).cast(api.String).str.strip_chars(SPACES).str.to_lowercase()
        for word, sex in SEX_WORDS.items():
            result = api.when(words == word).then(api.lit(float(SEXES[sex]))).otherwise(result)
        return result

    def years(self, column: str, noun: str) -> Expr:
        if not self.schema[column].is_numeric():
            what = f"The {noun} column '{column}' holds {self.schema[column]}, not numbers."
            raise InvalidInput(what)
        return as_float(column, self.schema[column], self.api)

    def bands(self, given: Given) -> list[Expr]:
        plan, api = self.plan, self.api
        columns = []
        for scale in (scale for scale in plan.scales if scale.id in plan.bands):
            result = api.lit(None, api.String)
            for label, reached in plan.bands_of(scale, given):
                result = api.when(reached).then(api.lit(label)).otherwise(result)
            columns.append(result.alias(plan.band_column(scale.id)))
        return columns

    def flags(self, given: Given) -> Expr:
        """The flags of each response joined by semicolons; null where it has none.

        Polars takes the text of every combination from a table, seven times faster than joining.
        """
        api, found, name = self.api, self.plan.flags(given), self.plan.column("flags")
        if not found:
            return api.lit(None, api.String).alias(name)
        if api is not nw and len(found) <= MOST_FLAGS:
            texts = [";".join(text for n, (text, _) in enumerate(found) if code >> n & 1) or None
                     for code in range(1 << len(found))]  # fmt: skip
            codes = [mask.cast(api.UInt32) * (1 << n) for n, (_, mask) in enumerate(found)]
            return api.lit(api.Series(texts, dtype=api.String)).gather(added(codes)).alias(name)
        words = [api.when(mask).then(api.lit(text)) for text, mask in found]
        joined = api.concat_str(*words, separator=";", ignore_nulls=True)
        return api.when(some([mask for _, mask in found])).then(joined).alias(name)

    def without_contradictions(self, frame: Any, group: Sequence[Scale], given: Given) -> Any:
        """Refuse scores made of counts that contradict each other, or blank and count them."""
        plan, api = self.plan, self.api
        found = {scale.id: (scale, plan.impossible(scale, given)) for scale in group}
        odd = {name: (scale, mask) for name, (scale, mask) in found.items() if mask is not None}
        if not odd:
            return frame
        if plan.counts_invalid:
            column = plan.column("n_invalid")
            kept = [api.when(~mask).then(given.scores[x]).alias(plan.measure.score_column(x))
                    for x, (_, mask) in odd.items()]  # fmt: skip
            extra = sum([mask.cast(api.Int64) for _, mask in odd.values()], api.col(column))
            return frame.with_columns(*kept, extra.alias(column))
        counts = [how_many(mask, api).alias(name) for name, (_, mask) in odd.items()]
        counted = frame.select(*counts)
        totals = counted.collect() if hasattr(counted, "collect") else counted
        problems = []
        for name, (scale, _) in odd.items():
            count = int(totals[name][0] or 0)
            problems += contradictions(plan.measure, plan.columns, scale, [], count)
        if problems:
            raise InvalidData(problems)
        return frame


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
