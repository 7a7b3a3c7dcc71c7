"""Every file of measures/ keeps its own promises: one set of tests over the whole registry."""

import math

import numpy as np
import pandas as pd
import pytest

from evalkit.content import read_texts, shipped_registry
from evalkit.instruments.checks import cited_facts
from evalkit.instruments.examples import example_faults
from evalkit.instruments.scale_checks import partition_fault, reach
from evalkit.scoring import VERIFIED, reverse, score
from tests.measures import column, extreme, random_answers, values_of

SHIPPED = shipped_registry()
FILES = {name.rsplit("/", 1)[-1].removesuffix(".yaml"): name for name in read_texts("measures")}
ALL = [SHIPPED.measure(name) for name in SHIPPED.measures()]
SCORED = [measure for measure in ALL if measure.items]
every = pytest.mark.parametrize("measure", ALL, ids=lambda measure: measure.id)
scored = pytest.mark.parametrize("measure", SCORED, ids=lambda measure: measure.id)
FROM_MEMORY = ("cas-30", "cbs-r", "k6")
"""Instruments whose structure is confirmed and part of whose scoring is not; their cards say so."""
BY_ITEMS = ("sum", "mean", "weighted", "count", "max", "sum-of-scales", "table")


def test_the_registry_is_as_large_as_promised():
    instruments = [x for x in SCORED if x.kind == "instrument" and x.examples]
    assert len(instruments) >= 45 and len(ALL) >= 60


@every
def test_it_has_citation_licence_and_verification(measure):
    assert FILES[measure.id].count("/") == 1
    assert measure.reference and measure.licence.holder
    assert all(fact.verification for _, fact in cited_facts(measure))
    assert all(
        fact.sources for _, fact in cited_facts(measure) if fact.verification in ("V1", "V2")
    )
    assert measure.title in measure.card() and measure.reference in measure.card()


@every
def test_no_item_wording_without_a_licence_and_labels_are_short(measure):
    for item in measure.items:
        assert measure.licence.text_included or not item.text
        assert len(item.label.split()) <= 8, item.label


@every
def test_no_score_rests_on_memory_and_no_default_band_does(measure):
    unsure = {x.id for x in measure.scales if x.verification == "mem" and x.method != "given"}
    assert not unsure or (measure.id in FROM_MEMORY and "memory" in " ".join(measure.notes))
    found = [s for x in measure.scales for s in x.band_systems if s.system == measure.default_bands]
    assert not measure.default_bands or any(system.verification in VERIFIED for system in found)


@scored
def test_bands_from_memory_or_one_source_are_off_unless_named(measure):
    frame = random_answers(measure, n=5)
    written = score(frame, measure, sex="sex").columns
    for scale in measure.scales:
        kept = [
            system.verification
            for system in scale.band_systems
            if system.system == measure.default_bands and system.verification in VERIFIED
        ]
        assert (f"{measure.score_column(scale.id)}_band" in written) == bool(kept)


@every
def test_bands_cover_the_range_without_gap_or_overlap(measure):
    for scale in measure.scales:
        assert [partition_fault(scale, system) for system in scale.band_systems] == [""] * len(
            scale.band_systems
        )


@scored
def test_items_partition(measure):
    """Every item is in a scale or listed as unscored, never both; none is twice in one scale."""
    used = {
        x
        for s in measure.scales
        for x in (*s.items, *s.per, *(i for c in s.criteria for i in c.items))
    }
    used |= {item for skip in measure.skips for item in skip.when}
    assert used | set(measure.unscored) == {item.id for item in measure.items}
    assert not used & set(measure.unscored)
    assert all(len(set(scale.items)) == len(scale.items) for scale in measure.scales)


@scored
def test_reversing_twice_is_identity(measure):
    for item in [measure.item(x) for scale in measure.scales for x in scale.reverse]:
        values = values_of(item)
        assert [
            reverse(reverse(x, item.low, item.high), item.low, item.high) for x in values
        ] == values
        assert sorted(reverse(x, item.low, item.high) for x in values) == sorted(values)


@scored
def test_extreme_answers_give_the_declared_range(measure):
    for scale in measure.scales:
        if scale.method not in BY_ITEMS:
            continue
        rows = [extreme(measure, scale, highest=False), extreme(measure, scale, highest=True)]
        found = score(pd.DataFrame(rows), measure)[measure.score_column(scale.id)].tolist()
        low, high = scale.range
        assert found[0] == pytest.approx(low, abs=1e-9), scale.id
        assert math.isinf(high) or found[1] == pytest.approx(high, abs=1e-9), scale.id
        assert reach(scale, measure) == pytest.approx(scale.range)


@scored
def test_no_score_leaves_its_range_and_none_is_off_its_step(measure):
    frame = score(random_answers(measure, n=400), measure)
    for scale in measure.scales:
        if scale.method in ("t-score", "given"):
            continue
        found = frame[measure.score_column(scale.id)].dropna()
        low, high = scale.range
        assert found.between(low - 1e-9, high + 1e-9).all(), scale.id
        if scale.step and not (scale.prorated and scale.rounding is None):
            steps = (found - low) / scale.step
            assert np.allclose(steps, steps.round()), scale.id


@scored
def test_worked_examples_reproduce(measure):
    assert measure.examples and example_faults(measure) == []


@scored
def test_nothing_answered_gives_nothing(measure):
    blank = pd.DataFrame(
        [[np.nan] * len(measure.items)], columns=[column(measure, x) for x in measure.items]
    )
    row = score(blank, measure).iloc[0]
    assert row[f"{measure.column}__n_answered"] == 0
    named = [name for name in row.index if "__" in name and not name.endswith("__n_answered")]
    for name in named:
        bound = measure_scale(measure, name)
        if bound is not None and bound.missing and bound.missing.min_answered == 0:
            continue
        if name.endswith("__flags") and not pd.isna(row[name]):
            assert all(part.endswith("?") for part in row[name].split(";"))
            continue
        assert pd.isna(row[name]), name


def measure_scale(measure, name):
    return next((x for x in measure.scales if measure.score_column(x.id) == name), None)


@scored
def test_the_missing_rule_is_kept(measure):
    """With one answer fewer than a scale needs it has no score; with as many as it needs it has."""
    full = extreme(measure, measure.scales[0], highest=False)
    for scale in measure.scales:
        if scale.method not in ("sum", "mean", "count", "weighted", "max") or measure.skips:
            continue
        rule = scale.missing
        least = len(scale.items) if rule is None or rule.rule == "complete" else rule.min_answered
        columns = [column(measure, measure.item(x)) for x in scale.items]
        for answered in {least, least - 1} - {-1}:
            row = full | dict.fromkeys(columns[answered:], np.nan)
            if rule is not None and rule.min_answered_overall:
                row = full if answered == least else row
            found = score(pd.DataFrame([row]), measure).iloc[0][measure.score_column(scale.id)]
            assert pd.isna(found) == (answered < least), (scale.id, answered)


@scored
def test_a_missing_score_has_no_band(measure):
    frame = random_answers(measure, n=300, blank=0.4)
    for system in measure.systems:
        written = score(frame, measure, bands=system, sex="sex")
        for scale in measure.scales:
            name = f"{measure.score_column(scale.id)}_band"
            if name in written:
                assert (
                    written.loc[written[measure.score_column(scale.id)].isna(), name].isna().all()
                )
                if all(found.sex is None for found in scale.band_systems):
                    kept = written[measure.score_column(scale.id)].notna()
                    assert written.loc[kept, name].notna().all(), name


@scored
def test_blanking_an_answer_never_makes_a_score(measure):
    """Monotone missingness; what skip rules or a gate fill in is another matter."""
    frame = random_answers(measure, n=60, blank=0.05)
    before = score(frame, measure)
    items = [column(measure, item) for item in measure.items]
    blanked = frame.copy()
    for row in range(len(frame)):
        blanked.loc[row, items[row % len(items)]] = np.nan
    after = score(blanked, measure)
    for scale in measure.scales:
        if scale.method in ("t-score", "given") or measure.skips:
            continue
        name = measure.score_column(scale.id)
        assert not (before[name].isna() & after[name].notna()).any(), scale.id


@scored
def test_what_is_not_allowed_raises_with_row_and_column(measure):
    from evalkit.errors import InvalidData

    frame = random_answers(measure, n=4, blank=0)
    item = measure.items[-1]
    wrong = item.low - 1
    frame.loc[2, column(measure, item)] = wrong
    with pytest.raises(InvalidData) as raised:
        score(frame, measure)
    (problem,) = raised.value.problems
    assert (problem.where.row, problem.where.column) == (3, column(measure, item))
    kept = score(frame, measure, on_invalid="missing")
    assert kept[f"{measure.column}__n_invalid"].tolist() == [0, 0, 1, 0]
