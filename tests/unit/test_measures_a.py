"""Traps in the scoring of wellbeing and mental health measures: the wrong answer does not occur."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidInput, UnknownMeasure

Answers = Sequence[float | None]
WHOQOL = [3, 4, 2, 2, 2, 4, 3, 3, 4, 2, 3, 2, 4, 3, 4, 3, 2, 3, 3, 4, 2, 3, 4, 3, 3, 4]
DOMAINS = ("physical", "psychological", "social", "environment")
PHQ_9 = [2, 3, 1, 2, 1, 2, 1, 0, 1]
CORE_10 = [3, 1, 1, 2, 1, 0, 3, 2, 3, 1]
K10 = [3, 2, 1, 4, 3, 2, 2, 3, 2, 3]
HADS = [2, 1, 2, 1, 3, 1, 2, 2, 1, 1, 2, 0, 1, 1]
WELLBEING = (
    "wemwbs", "swemwbs", "who-5", "phq-9", "phq-8", "phq-2", "gad-7", "gad-2", "phq-4", "k10",
    "k10-0-4", "k6", "core-10", "core-om", "dass-21", "hads", "ghq-12", "ons-4", "ucla-3", "mspss",
    "gse", "rses-order-a", "rses-order-b", "rses-order-a-1-4", "rses-order-b-1-4", "whoqol-bref",
    "eq-5d-5l",
)  # fmt: skip


def answered(measure: str, answers: Answers) -> pd.DataFrame:
    """Return one response as a frame, its columns named after the measure."""
    record = ek.measure(measure)
    names = [f"{record.column}_{item.column}" for item in record.asked]
    values = dict(zip(names, answers, strict=True))
    return pd.DataFrame([values], columns=names, dtype="float64")


def scored(measure: str, answers: Answers, **how: Any) -> dict[str, Any]:
    """Return what score adds to one response, by the end of the column's name."""
    start = f"{ek.measure(measure).column}__"
    row = ek.score(answered(measure, answers), measure, **how).iloc[0]
    return {str(n).removeprefix(start): row[n] for n in row.index if str(n).startswith(start)}


def without(answers: Answers, *items: int) -> list[float | None]:
    """Return the answers with these items (counted from 1) left blank."""
    return [None if n in items else answer for n, answer in enumerate(answers, 1)]


def changed(answers: Answers, **items: int) -> list[float | None]:
    """Return the answers with some replaced: item_30=4."""
    new = {int(name.removeprefix("item_")): answer for name, answer in items.items()}
    return [new.get(n, answer) for n, answer in enumerate(answers, 1)]


def straight(measure: str, highest: bool) -> list[float | None]:
    """Return every item answered with its lowest or highest code."""
    return [item.high if highest else item.low for item in ek.measure(measure).asked]


def flags(row: dict[str, Any]) -> list[str]:
    """Return the flags of a scored response."""
    return row["flags"].split(";") if isinstance(row["flags"], str) else []


# CORE-OM and CORE-10


def test_core_om_item_30_is_not_reversed() -> None:
    row = scored("core-om", changed([1] * 34, item_30=4))
    assert row["total"] == 53 and row["total"] != 49
    assert row["problems"] == pytest.approx(15 / 12) and row["problems"] != pytest.approx(11 / 12)


@pytest.mark.parametrize("item", [3, 4, 7, 12, 19, 21, 31, 32])
def test_core_om_reverses_its_eight_positive_items(item: int) -> None:
    assert scored("core-om", changed([1] * 34, **{f"item_{item}": 4}))["total"] == 50 - 3


def test_core_om_domains_hold_every_item_once() -> None:
    record = ek.measure("core-om")
    parts = ("wellbeing", "problems", "functioning", "risk")
    held = [int(item) for part in parts for item in record.scale(part).items]
    assert sorted(held) == list(range(1, 35))


def test_core_om_one_blank_divides_by_what_is_answered() -> None:
    row = scored("core-om", without([1] * 34, 2))
    assert row["problems"] == 1 and row["mean"] == pytest.approx(49 / 33)
    assert row["clinical"] == pytest.approx(490 / 33)
    assert math.isnan(row["total"]), "a partial sum under the name of the total"


def test_core_om_scores_no_domain_with_two_blanks_and_no_form_with_four() -> None:
    assert math.isnan(scored("core-om", without([1] * 34, 2, 5))["problems"])
    assert not math.isnan(scored("core-om", without([1] * 34, 2, 5))["mean"])
    assert math.isnan(scored("core-om", without([1] * 34, 2, 1, 4, 6))["mean"])
    assert math.isnan(scored("core-om", without([1] * 34, 2, 1, 4, 6))["problems"])
    assert scored("core-om", without([1] * 34, 1, 3, 7, 10))["problems"] == 1


def test_core_10_reverses_items_2_and_3_and_not_3_and_4() -> None:
    assert scored("core-10", CORE_10)["total"] == 21
    assert scored("core-10", changed([0] * 10, item_2=4))["total"] == 8 - 4
    assert scored("core-10", changed([0] * 10, item_3=4))["total"] == 8 - 4
    assert scored("core-10", changed([0] * 10, item_4=4))["total"] == 8 + 4


def test_core_10_prorates_from_nine_answers_and_no_fewer() -> None:
    one = scored("core-10", without(CORE_10, 8))
    assert one["total"] == pytest.approx(190 / 9) and "prorated:total" in flags(one)
    assert math.isnan(scored("core-10", without(CORE_10, 7, 8))["total"])
    assert math.isnan(scored("core-10", without(CORE_10, *range(2, 11)))["total"])


def test_core_10_empty_form_has_no_score_and_not_0() -> None:
    row = scored("core-10", [None] * 10)
    assert math.isnan(row["total"]) and row["n_answered"] == 0


# WHOQOL-BREF


def test_whoqol_bref_reverses_items_3_4_and_26() -> None:
    row = scored("whoqol-bref", WHOQOL)
    found = [round(row[domain], 2) for domain in DOMAINS]
    assert found == [53.57, 45.83, 50.00, 56.25]
    assert row["physical_4_20"] == pytest.approx(22 / 7 * 4)


def test_whoqol_bref_two_official_rules_for_blanks_stay_apart() -> None:
    row = scored("whoqol-bref", without(WHOQOL, 15, 16))
    assert math.isnan(row["physical"]) and math.isnan(row["physical_4_20"])
    assert row["physical_lenient"] == pytest.approx(50)
    assert row["physical_4_20_lenient"] == pytest.approx(12)


@pytest.mark.parametrize(
    ("blank", "domain", "strict", "lenient"),
    [
        ((3,), "physical", True, True), ((3, 4), "physical", False, True),
        ((3, 4, 10), "physical", False, False), ((5,), "psychological", True, True),
        ((5, 6), "psychological", False, True), ((5, 6, 7), "psychological", False, False),
        ((20,), "social", True, True), ((20, 21), "social", False, False),
        ((8, 9), "environment", True, True), ((8, 9, 12), "environment", False, False),
    ],
)  # fmt: skip
def test_whoqol_bref_blanks_that_each_rule_allows(
    blank: tuple[int, ...], domain: str, strict: bool, lenient: bool
) -> None:
    row = scored("whoqol-bref", without(WHOQOL, *blank))
    assert (not math.isnan(row[domain]), not math.isnan(row[f"{domain}_lenient"])) == (
        strict,
        lenient,
    )


def test_whoqol_bref_whole_form_needs_21_answers() -> None:
    row = scored("whoqol-bref", without(WHOQOL, 3, 5, 20, 8, 9))
    assert row["n_answered"] == 21
    assert not any(math.isnan(row[domain]) for domain in DOMAINS)
    fewer = scored("whoqol-bref", without(WHOQOL, 1, 3, 5, 20, 8, 9))
    assert all(math.isnan(fewer[domain]) for domain in DOMAINS)
    assert all(math.isnan(fewer[f"{domain}_lenient"]) for domain in DOMAINS)


def test_whoqol_bref_domains_and_two_single_items_hold_every_item_once() -> None:
    record = ek.measure("whoqol-bref")
    parts = (*DOMAINS, "overall-quality", "overall-health")
    held = [int(item) for part in parts for item in record.scale(part).items]
    assert sorted(held) == list(range(1, 27))


# Rosenberg


def test_rses_two_item_orders_give_different_totals() -> None:
    answers = [3, 1, 2, 3, 2, 1, 3, 2, 1, 2]
    assert scored("rses-order-a", answers)["total"] == 21
    assert scored("rses-order-b", answers)["total"] == 17
    other = [3, 3, 2, 3, 2, 3, 2, 3, 3, 2]
    assert scored("rses-order-b-1-4", other)["total"] == 27
    assert scored("rses-order-a-1-4", other)["total"] == 23


@pytest.mark.parametrize(
    ("order", "reversed_items"), [("a", (2, 5, 6, 8, 9)), ("b", (3, 5, 8, 9, 10))]
)
def test_rses_every_reversed_item_counts_downwards(
    order: str, reversed_items: tuple[int, ...]
) -> None:
    for item in range(1, 11):
        total = scored(f"rses-order-{order}", changed([0] * 10, **{f"item_{item}": 3}))["total"]
        assert total == (12 if item in reversed_items else 18), item


def test_rses_item_order_must_be_named() -> None:
    with pytest.raises(UnknownMeasure):
        ek.measure("rses")
    columns = pd.DataFrame([[1.0] * 10], columns=[f"rses_{n}" for n in range(1, 11)])
    with pytest.raises(InvalidInput):
        ek.score(columns, "rses-order-a")


def test_rses_0_to_3_and_1_to_4_are_two_measures() -> None:
    answers = [3, 3, 3, 2, 3, 3, 3, 3, 2, 2]
    assert scored("rses-order-a-1-4", answers)["total"] == 24
    assert scored("rses-order-a", [x - 1 for x in answers])["total"] == 14
    with pytest.raises(InvalidData):
        scored("rses-order-a", [4] * 10)
    with pytest.raises(InvalidData):
        scored("rses-order-a-1-4", [0] * 10)


def test_rses_one_blank_leaves_no_score() -> None:
    assert math.isnan(scored("rses-order-a", without([3, 1, 2, 3, 2, 1, 3, 2, 1, 2], 4))["total"])


def test_rses_low_cut_off_is_not_given() -> None:
    assert "total_band" not in scored("rses-order-a", [0] * 10)


# Kessler


def test_k10_coded_1_to_5_and_0_to_4_are_two_measures() -> None:
    assert scored("k10", K10)["total"] == 25
    assert scored("k10-0-4", [x - 1 for x in K10])["total"] == 15
    with pytest.raises(InvalidData):
        scored("k10", [0] * 10)
    with pytest.raises(InvalidData):
        scored("k10-0-4", [5] * 10)


def test_k10_band_systems_disagree_and_neither_is_used_unnamed() -> None:
    assert "total_band" not in scored("k10", K10)
    assert scored("k10", K10, bands="abs")["total_band"] == "high"
    assert scored("k10", K10, bands="crufad")["total_band"] == "moderate"


@pytest.mark.parametrize(
    ("total", "abs_band", "crufad_band"),
    [(15, "low", "likely well"), (16, "moderate", "likely well"), (19, "moderate", "likely well"),
     (20, "moderate", "mild"), (21, "moderate", "mild"), (22, "high", "mild"), (24, "high", "mild"),
     (29, "high", "moderate"), (30, "very high", "severe")],
)  # fmt: skip
def test_k10_edges_of_both_band_systems(total: int, abs_band: str, crufad_band: str) -> None:
    answers = [1 + (total - 10) // 10 + (n < (total - 10) % 10) for n in range(10)]
    assert scored("k10", answers, bands="abs")["total_band"] == abs_band
    assert scored("k10", answers, bands="crufad")["total_band"] == crufad_band


def test_k10_0_4_has_no_bands_of_the_other_coding() -> None:
    assert ek.measure("k10-0-4").systems == ()


def test_k6_counts_from_0() -> None:
    assert scored("k6", [2, 1, 3, 2, 3, 2])["total"] == 13
    with pytest.raises(InvalidData):
        scored("k6", [5] * 6)


# PHQ and GAD


def test_phq_9_needs_seven_answers_and_not_six() -> None:
    row = scored("phq-9", without(PHQ_9, 3, 7))
    assert row["total"] == pytest.approx(99 / 7) and row["total_band"] == "moderate"
    assert "prorated:total" in flags(row)
    assert math.isnan(scored("phq-9", without(PHQ_9, 3, 7, 8))["total"])


def test_phq_9_prorated_score_keeps_its_decimals_and_is_banded_as_the_nearest_number() -> None:
    row = scored("phq-9", [2, 2, 2, 2, 2, 2, 1, 0, None])
    assert row["total"] == 14.625 and row["total_band"] == "moderately severe"


def test_phq_9_item_9_raises_a_safeguarding_flag_whatever_the_total() -> None:
    assert flags(scored("phq-9", [0] * 8 + [1])) == ["safeguarding:self-harm"]
    assert flags(scored("phq-9", [3] * 8 + [0])) == []
    short = scored("phq-9", [None] * 8 + [1])
    assert math.isnan(short["total"]) and flags(short) == ["safeguarding:self-harm"]


def test_phq_9_item_9_counts_as_a_symptom_from_1_and_the_others_from_2() -> None:
    assert scored("phq-9", [1] * 9)["symptoms"] == 1
    row = scored("phq-9", [2, 2, 2, 2, 0, 0, 0, 0, 1])
    assert (row["symptoms"], row["major_syndrome"]) == (5, 1)
    neither = scored("phq-9", [1, 1, 2, 2, 2, 2, 2, 0, 0])
    assert (neither["symptoms"], neither["major_syndrome"]) == (5, 0)


def test_phq_9_rule_is_undetermined_where_a_blank_decides() -> None:
    assert math.isnan(scored("phq-9", [2, 2, 2, 2, 1, 1, 1, 1, None])["major_syndrome"])
    assert scored("phq-9", [2, 2, 2, 2, 2, 1, 1, 1, None])["major_syndrome"] == 1
    assert scored("phq-9", [0, 0, 2, 2, 2, 2, 2, 2, None])["major_syndrome"] == 0


def test_phq_9_difficulty_item_is_not_scored() -> None:
    frame = answered("phq-9", PHQ_9).assign(phq_9_difficulty=3.0)
    assert ek.score(frame, "phq-9")["phq_9__total"].tolist() == [13]


def test_phq_9_caseness_from_memory_is_used_only_by_name() -> None:
    assert scored("phq-9", PHQ_9)["total_band"] == "moderate"
    assert scored("phq-9", PHQ_9, bands="nhs-talking-therapies")["total_band"] == "caseness"


def test_phq_8_has_no_item_9_and_no_prorating() -> None:
    assert scored("phq-8", PHQ_9[:8])["total"] == 12
    assert math.isnan(scored("phq-8", without(PHQ_9[:8], 3))["total"])


@pytest.mark.parametrize("measure", ["phq-2", "gad-2"])
def test_phq_2_and_gad_2_are_positive_at_3_and_not_only_above(measure: str) -> None:
    assert flags(scored(measure, [1, 2])) == ["screening:positive-screen"]
    assert flags(scored(measure, [1, 1])) == []
    assert (
        math.isnan(scored(measure, [3, None])["total"]) and flags(scored(measure, [3, None])) == []
    )


def test_phq_4_asks_about_anxiety_first() -> None:
    row = scored("phq-4", [3, 2, 1, 0])
    assert (row["anxiety"], row["depression"]) == (5, 1)


def test_gad_7_conflicting_changes_are_named_variants() -> None:
    found = {(each.id, each.points) for each in ek.measure("gad-7").change_thresholds}
    assert found == {("nhs-talking-therapies", 4), ("delgadillo-2014", 5)}


@pytest.mark.parametrize(
    ("total", "band"),
    [(4, "minimal"), (5, "mild"), (9, "mild"), (10, "moderate"), (14, "moderate"), (15, "severe")],
)
def test_gad_7_edges_of_the_bands(total: int, band: str) -> None:
    answers = [total // 7 + (n < total % 7) for n in range(7)]
    assert scored("gad-7", answers)["total_band"] == band


@pytest.mark.parametrize(
    ("total", "band"),
    [(4, "minimal"), (5, "mild"), (9, "mild"), (10, "moderate"), (14, "moderate"),
     (15, "moderately severe"), (19, "moderately severe"), (20, "severe")],
)  # fmt: skip
def test_phq_9_edges_of_the_bands(total: int, band: str) -> None:
    answers = [total // 9 + (n < total % 9) for n in range(9)]
    assert scored("phq-9", answers)["total_band"] == band


# Wellbeing


def test_swemwbs_raw_sum_is_not_the_score() -> None:
    record = ek.measure("swemwbs")
    assert record.default_scale == "metric" and all(norm.scale == "metric" for norm in record.norms)
    row = scored("swemwbs", [3, 3, 2, 3, 4, 3, 4])
    assert (row["total"], row["metric"]) == (22, 19.98)


def test_swemwbs_has_no_metric_score_for_a_prorated_sum() -> None:
    row = scored("swemwbs", [3, 3, None, 3, 3, 3, 3])
    assert math.isnan(row["total"]) and math.isnan(row["metric"])


def test_swemwbs_table_rises_over_all_29_sums() -> None:
    table = ek.measure("swemwbs").scale("metric").table
    assert [key for key, _ in table] == list(range(7, 36))
    values = [value for _, value in table]
    assert values == sorted(set(values)) and max(abs(v - k) for k, v in table) > 2.5


def test_wemwbs_is_not_prorated_and_has_no_cut_points() -> None:
    row = scored("wemwbs", without([3, 4, 3, 4, 2, 3, 4, 3, 4, 3, 4, 4, 3, 3], 3, 10))
    assert math.isnan(row["total"]), "47.83 is a prorated score"
    assert ek.measure("wemwbs").systems == ()


def test_who_5_percentage_is_four_times_the_raw_score_and_50_is_never_reached() -> None:
    low, high = scored("who-5", [3, 3, 2, 2, 2]), scored("who-5", [3, 3, 3, 2, 2])
    assert (low["total"], low["percentage"]) == (12, 48)
    assert (high["total"], high["percentage"]) == (13, 52)
    assert flags(low) == ["screening:poor-wellbeing"] and flags(high) == []


def test_who_5_one_blank_leaves_no_score_and_no_flag() -> None:
    row = scored("who-5", [2, 1, None, 3, 2])
    assert math.isnan(row["percentage"]) and flags(row) == []


def test_ons_4_has_no_composite_and_anxiety_runs_the_other_way() -> None:
    record = ek.measure("ons-4")
    assert all(len(scale.items) == 1 for scale in record.scales)
    assert [scale.higher_is for scale in record.scales] == ["better", "better", "better", "worse"]
    row = scored("ons-4", [6, 6, 6, 6], bands="ons")
    assert row["happy_band"] == "medium" and row["anxious_band"] == "high"


# Depression, anxiety and distress


def test_dass_21_scores_are_doubled() -> None:
    answers = [1, 0, 2, 1, 3, 2, 0, 1, 0, 2, 1, 1, 2, 0, 1, 1, 2, 2, 0, 1, 1]
    row = scored("dass-21", answers)
    assert (row["depression"], row["anxiety"], row["stress"]) == (26, 6, 16)
    short = scored("dass-21", without(answers, 3, 5))
    assert math.isnan(short["depression"]) and short["anxiety"] == 6


def test_dass_21_severity_bands_from_memory_are_not_given() -> None:
    assert ek.measure("dass-21").systems == ()


def test_hads_takes_option_codes_and_reverses_nothing() -> None:
    row = scored("hads", HADS)
    assert (row["anxiety"], row["depression"]) == (13, 7)
    assert all(not scale.reverse for scale in ek.measure("hads").scales)
    for item in (7, 10):
        scale = "anxiety" if item % 2 else "depression"
        assert scored("hads", changed([0] * 14, **{f"item_{item}": 3}))[scale] == 3


def test_hads_allows_one_blank_a_scale_and_not_two() -> None:
    one = scored("hads", without(HADS, 5))
    assert one["anxiety"] == pytest.approx(70 / 6) and one["anxiety_band"] == "case"
    two = scored("hads", without(HADS, 5, 7))
    assert math.isnan(two["anxiety"]) and two["depression"] == 7


def test_ghq_12_likert_and_ghq_scorings_stay_apart_and_nothing_is_reversed() -> None:
    row = scored("ghq-12", [2, 1, 1, 3, 2, 0, 1, 2, 3, 1, 0, 2])
    assert (row["total"], row["ghq"]) == (18, 6)
    ones = scored("ghq-12", [1] * 12)
    assert (ones["total"], ones["ghq"]) == (12, 0)


# Support, efficacy, quality of life


def test_mspss_scores_are_means_without_bands() -> None:
    answers = [5, 6, 4, 3, 5, 6, 6, 3, 5, 6, 2, 4]
    row = scored("mspss", answers)
    assert (row["significant_other"], row["family"], row["friends"]) == (5.5, 3, 5.25)
    assert row["total"] == pytest.approx(55 / 12) and ek.measure("mspss").systems == ()
    short = scored("mspss", without(answers, 3))
    assert math.isnan(short["family"]) and math.isnan(short["total"]) and short["friends"] == 5.25


def test_gse_allows_three_blanks_and_not_four() -> None:
    answers = [3, 3, 2, 3, 3, 4, 2, 3, 2, 3]
    assert scored("gse", without(answers, 4, 7))["total"] == 28.75
    assert not math.isnan(scored("gse", without(answers, 4, 6, 7))["total"])
    assert math.isnan(scored("gse", without(answers, 4, 6, 7, 9))["total"])


def test_eq_5d_5l_profile_is_a_code_and_no_index_is_given() -> None:
    row = scored("eq-5d-5l", [2, 1, 3, 4, 5, 60])
    assert (row["profile"], row["vas"]) == (21345, 60)
    record = ek.measure("eq-5d-5l")
    assert record.default_scale == "vas" and record.scale("profile").ordinal
    assert {scale.id for scale in record.scales} == {"profile", "level-sum", "vas"}
    assert math.isnan(scored("eq-5d-5l", [2, 1, None, 4, 5, 60])["profile"])


# All of them

COMPLETE = [
    name for name in WELLBEING
    if name not in ("phq-9", "core-10", "core-om", "hads", "gse", "whoqol-bref")
]  # fmt: skip


@pytest.mark.parametrize("measure", COMPLETE)
def test_a_partial_sum_is_never_given_under_the_name_of_the_score(measure: str) -> None:
    record = ek.measure(measure)
    answers = straight(measure, True)
    for blank, item in enumerate(record.asked, 1):
        row = scored(measure, without(answers, blank))
        touched = [s for s in record.scales if item.id in s.items]
        assert touched
        for scale in touched:
            assert math.isnan(row[scale.id.replace("-", "_")]), (item.id, scale.id)


@pytest.mark.parametrize("measure", WELLBEING)
def test_an_empty_form_scores_nothing_and_not_0(measure: str) -> None:
    row = scored(measure, [None] * len(ek.measure(measure).asked))
    for scale in ek.measure(measure).scales:
        assert math.isnan(row[scale.id.replace("-", "_")]), scale.id
    assert flags(row) == []


STRAIGHT = {
    "wemwbs": (14, 70), "swemwbs": (7, 35), "who-5": (0, 25), "phq-9": (0, 27), "phq-8": (0, 24),
    "phq-2": (0, 6), "gad-7": (0, 21), "gad-2": (0, 6), "phq-4": (0, 12), "k10": (10, 50),
    "k10-0-4": (0, 40), "k6": (0, 24), "core-10": (8, 32), "core-om": (32, 104), "ghq-12": (0, 36),
    "ucla-3": (3, 9), "mspss": (1, 7), "gse": (10, 40), "rses-order-a": (15, 15),
    "rses-order-b": (15, 15), "rses-order-a-1-4": (25, 25), "rses-order-b-1-4": (25, 25),
}  # fmt: skip


@pytest.mark.parametrize("measure", STRAIGHT)
def test_straight_lines_show_the_reversed_items(measure: str) -> None:
    found = [scored(measure, straight(measure, high))["total"] for high in (False, True)]
    assert found == list(STRAIGHT[measure])


def test_straight_lines_of_measures_without_a_total() -> None:
    ones, fives = (scored("whoqol-bref", straight("whoqol-bref", high)) for high in (False, True))
    expected = {"physical": 200 / 7, "psychological": 100 / 6, "social": 0, "environment": 0}
    for domain, value in expected.items():
        assert ones[domain] == pytest.approx(value) and fives[domain] == pytest.approx(100 - value)
    for measure, scales, high in (
        ("dass-21", ("depression", "anxiety", "stress"), 42), ("hads", ("anxiety", "depression"), 21),
        ("ons-4", ("satisfied", "worthwhile", "happy", "anxious"), 10),
    ):  # fmt: skip
        low_row, high_row = (scored(measure, straight(measure, end)) for end in (False, True))
        assert [low_row[s] for s in scales] == [0] * len(scales)
        assert [high_row[s] for s in scales] == [high] * len(scales)


@pytest.mark.parametrize(
    ("measure", "items"), [("core-10", (6,)), ("core-om", (6, 9, 16, 22, 24, 34))]
)
def test_core_risk_items_raise_a_flag_whatever_the_total(
    measure: str, items: tuple[int, ...]
) -> None:
    quiet = [0] * len(ek.measure(measure).asked)
    assert flags(scored(measure, quiet)) == []
    for item in range(1, len(quiet) + 1):
        raised = flags(scored(measure, changed(quiet, **{f"item_{item}": 1})))
        assert raised == (["safeguarding:risk"] if item in items else []), item


BETTER = {"wemwbs", "swemwbs", "who-5", "mspss", "gse", "whoqol-bref"}


@pytest.mark.parametrize(
    "measure", [name for name in WELLBEING if name not in ("ons-4", "eq-5d-5l")]
)
def test_direction_is_stated_and_not_guessed(measure: str) -> None:
    better = measure in BETTER or measure.startswith("rses")
    expected = "better" if better else "worse"
    assert {scale.higher_is for scale in ek.measure(measure).scales} == {expected}


@pytest.mark.parametrize("measure", WELLBEING)
def test_no_item_wording_is_held(measure: str) -> None:
    record = ek.measure(measure)
    assert not record.licence.text_included
    assert all(not item.text and len(item.label.split()) <= 3 for item in record.items)
