"""Traps of measures of systems, partnerships, experience of services, frameworks and dose."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidInput

Answer = float | None
SCORED = (
    "partnership-benchmark-12", "good-practice-indicators", "good-practice-indicators-ipc",
    "multi-agency-training", "nomad", "wai-sr", "csq-8", "chi-esq", "tiers-of-need",
    "programme-dose",
)  # fmt: skip
WAI = [4, 3, 4, 5, 4, 4, 3, 4, 5, 3, 4, 4]
CSQ = [4, 3, 3, 4, 3, 3, 4, 3]
NOMAD = [4, 5, 3, 4, 5, 4, 4, 4, 3, 2, 4, 3, None, 2, 3, 4, 4, 5, 4, 4]
DOSE = ["hours-attended", "hours-offered", "weeks", "minimum-hours", "minimum-weeks"]


def scores(measure_id: str, *people: Sequence[Answer]) -> pd.DataFrame:
    """Score people's answers, given in item order; columns are scale ids."""
    measure = ek.measure(measure_id)
    names = [f"{measure.column}_{item.column}" for item in measure.items]
    frame = pd.DataFrame([list(answers) for answers in people], columns=names, dtype="float64")
    scored = ek.score(frame, measure_id)
    return scored.rename(columns={measure.score_column(x.id): x.id for x in measure.scales})


def one(measure_id: str, answers: Sequence[Answer]) -> dict[str, Any]:
    """Score one person; a missing score is None."""
    row = scores(measure_id, answers).iloc[0].to_dict()
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def partnerships() -> pd.DataFrame:
    return ek.measure("partnership-benchmark-12").published[0].to_frame()


def ratings() -> list[list[float]]:
    return partnerships().iloc[:, 1:14].astype(float).to_numpy().tolist()


def ranked(totals: pd.Series, method: Any) -> list[str]:
    """Positions, highest first, with = for ties, as the publication writes them."""
    places = totals.rank(method=method, ascending=False).astype(int)
    tied = totals.duplicated(keep=False)
    return [f"{place}{'=' if tie else ''}" for place, tie in zip(places, tied, strict=True)]


# All of them


@pytest.mark.parametrize("measure_id", SCORED)
def test_worked_examples_reproduce(measure_id: str) -> None:
    measure = ek.measure(measure_id)
    for example in measure.examples:
        found = one(measure_id, example.answers)
        for scale, stated in example.scores:
            assert found[scale] == (stated if stated is None else pytest.approx(stated, abs=1e-9))


@pytest.mark.parametrize("measure_id", ["partnership-benchmark-12", "wai-sr", "csq-8"])
def test_a_partial_sum_is_never_given_as_the_total(measure_id: str) -> None:
    answers: list[Answer] = [2.0] * len(ek.measure(measure_id).items)
    assert one(measure_id, answers)["total"] == 2 * len(answers)
    answers[-1] = None
    assert one(measure_id, answers)["total"] is None


@pytest.mark.parametrize("measure_id", SCORED)
def test_no_unofficial_bands_flags_or_change_thresholds(measure_id: str) -> None:
    measure = ek.measure(measure_id)
    assert (measure.systems, measure.flags, measure.change_thresholds) == ((), (), ())


@pytest.mark.parametrize(
    "measure_id",
    ["wilder-collaboration", "psat", "artic", "kirkpatrick", "mirabal-six", "da-core-outcome-set",
     "dvos-assessment-areas"],
)  # fmt: skip
def test_frameworks_and_unconfirmed_instruments_give_no_score(measure_id: str) -> None:
    assert ek.measure(measure_id).scales == ()
    with pytest.raises(InvalidInput):
        ek.score(pd.DataFrame({"q1": [1.0]}), measure_id)


# Partnership benchmark


def test_partnerships_give_all_39_published_totals_and_averages() -> None:
    table, found = partnerships(), scores("partnership-benchmark-12", *ratings())
    assert len(table) == 39
    assert found["total"].tolist() == table["total"].tolist()
    assert found["average"].tolist() == table["average"].tolist()


def test_partnership_total_counts_the_overall_rating() -> None:
    found = one("partnership-benchmark-12", ratings()[0])
    twelve = sum(ratings()[0][1:])
    assert found["total"] == 44 != twelve == 40


def test_partnership_positions_are_dense_ranks_of_the_totals() -> None:
    table, found = partnerships(), scores("partnership-benchmark-12", *ratings())
    upper = found["total"] > 28.5
    printed = table["position"][upper].tolist()
    dense = pd.Series(ranked(found["total"], "dense"))[upper].tolist()
    competition = pd.Series(ranked(found["total"], "min"))[upper].tolist()
    assert len(printed) == 23 and printed == dense
    assert printed != competition


def test_partnership_positions_that_do_not_follow_are_the_16_listed() -> None:
    published = ek.measure("partnership-benchmark-12").published[0]
    table, found = partnerships(), scores("partnership-benchmark-12", *ratings())
    names = table["partnership"]
    follows = dict(zip(names, ranked(found["total"], "dense"), strict=True))
    printed = dict(zip(names, table["position"].fillna(""), strict=True))
    wrong = [name for name in names if printed[name] != follows[name]]
    assert [text.split(":")[0] for text in published.differences] == wrong
    assert len(wrong) == 16
    for name, text in zip(wrong, published.differences, strict=True):
        assert f"gives {follows[name]}" in text
        assert ("no position is printed" if name == "AM" else f"printed {printed[name]}") in text


def test_partnership_positions_go_wrong_at_m_by_one_place() -> None:
    table, found = partnerships(), scores("partnership-benchmark-12", *ratings())
    places = found["total"].rank(method="dense", ascending=False)
    printed = pd.to_numeric(table["position"].str.rstrip("="))
    below = (found["total"] < 28.5) & printed.notna()
    assert (places - printed)[below].tolist() == [1.0] * 14
    assert (places - printed)[found["total"] >= 28.5].tolist() == [0.0] * 24


def test_partnership_component_means_are_of_39_rows_not_40() -> None:
    printed = list(ek.measure("partnership-benchmark-12").published[1].rows[0])
    sums = [sum(column) for column in zip(*ratings(), strict=True)]
    assert [math.floor(10 * total / 39 + 0.5) / 10 for total in sums] == printed
    assert [math.floor(10 * total / 40 + 0.5) / 10 for total in sums] != printed


def test_partnership_average_never_meets_a_half_to_round() -> None:
    # In tenths the average is total * 10 / 13: a half would need total * 20 / 13 odd and whole.
    twice = range(26, 105)
    assert not any((half * 10) % 13 == 0 and (half * 10 // 13) % 2 for half in twice)
    found = scores("partnership-benchmark-12", [1.5] * 3 + [1.0] * 10, [4.0] * 10 + [3.5] * 3)
    assert found["average"].tolist() == [1.1, 3.9]


def test_partnership_half_points_are_taken_and_others_refused() -> None:
    assert one("partnership-benchmark-12", [2.5] * 13)["total"] == 32.5
    for rating in (0.5, 2.25, 4.5, 5):
        with pytest.raises(InvalidData):
            scores("partnership-benchmark-12", [rating] + [2] * 12)


# Good practice indicators


@pytest.mark.parametrize(
    ("measure_id", "n"), [("good-practice-indicators", 34), ("good-practice-indicators-ipc", 42)]
)
def test_good_practice_is_a_percentage_not_a_count(measure_id: str, n: int) -> None:
    found = scores(measure_id, [0] * n, [1] * n, [1] + [0] * (n - 1))
    assert found["total"].tolist() == pytest.approx([0, 100, 100 / n])
    assert len(ek.measure(measure_id).domains) == 8


@pytest.mark.parametrize("measure_id", ["good-practice-indicators", "good-practice-indicators-ipc"])
def test_good_practice_not_looked_at_is_not_absent(measure_id: str) -> None:
    n = len(ek.measure(measure_id).items)
    found = one(measure_id, [None] + [1] * (n - 1))
    assert found["definitions"] is None and found["total"] is None
    assert found["screening"] == 100


def test_good_practice_versions_are_not_each_other() -> None:
    old, new = ek.measure("good-practice-indicators"), ek.measure("good-practice-indicators-ipc")
    assert set(old.prefixes).isdisjoint(new.prefixes)
    assert len(old.scale("guidelines").items) == 8 and len(new.scale("guidelines").items) == 6
    assert [d.id for d in old.domains if not d.parts] == ["women-and-children"]
    assert "women-and-children" not in [scale.id for scale in old.scales]


# Training


def test_training_change_is_after_less_before() -> None:
    assert one("multi-agency-training", [2, 4, 1])["confidence-change"] == 2
    assert one("multi-agency-training", [4, 3, 1])["confidence-change"] == -1
    assert one("multi-agency-training", [4, None, 1])["confidence-change"] is None


def test_training_share_satisfied_is_of_those_who_answered() -> None:
    found = scores("multi-agency-training", [3, 4, 1], [3, 4, 1], [3, 4, 0], [3, 4, None])
    assert found["satisfied"].mean() == pytest.approx(100 * 2 / 3)
    assert found["satisfied"].mean() != 50


# NoMAD


def test_nomad_item_10_alone_is_turned() -> None:
    measure = ek.measure("nomad")
    assert {item for scale in measure.scales for item in scale.reverse} == {"10"}
    found = one("nomad", NOMAD)
    assert found["collective-action"] == pytest.approx(19 / 6)
    assert found["collective-action"] != pytest.approx(17 / 6)


def test_nomad_not_relevant_is_not_the_lowest_answer() -> None:
    found = one("nomad", NOMAD)
    assert found["collective-action"] != pytest.approx(19 / 7)
    assert (found["coherence"], found["cognitive-participation"]) == (4.0, 4.25)
    assert found["reflexive-monitoring"] == pytest.approx(4.2)


def test_nomad_says_that_a_construct_was_prorated() -> None:
    flags = one("nomad", NOMAD)["nomad__flags"]
    assert flags == "prorated:collective-action"


def test_nomad_construct_without_answers_has_no_score() -> None:
    found = one("nomad", [None] * 4 + NOMAD[4:])
    assert found["coherence"] is None
    assert found["cognitive-participation"] == 4.25


@pytest.mark.parametrize(
    ("answer", "action"), [(1, 11 / 7), (3, 3.0), (5, 31 / 7)], ids=["lowest", "middle", "highest"]
)
def test_nomad_straight_lines(answer: int, action: float) -> None:
    found = one("nomad", [answer] * 20)
    assert found["collective-action"] == pytest.approx(action)
    others = ("coherence", "cognitive-participation", "reflexive-monitoring")
    assert [found[name] for name in others] == [answer] * 3


def test_nomad_has_no_total_and_scores_no_general_item() -> None:
    measure = ek.measure("nomad")
    assert "total" not in [scale.id for scale in measure.scales]
    used = [item for scale in measure.scales for item in scale.items]
    assert used == [str(n) for n in range(1, 21)]


# Working alliance


def test_wai_sr_ordinary_response() -> None:
    found = one("wai-sr", WAI)
    assert [found[x] for x in ("task", "goal", "bond", "total")] == [14, 17, 16, 47]


def test_wai_sr_missing_item_takes_its_scale_and_the_total_only() -> None:
    found = one("wai-sr", [*WAI[:4], None, *WAI[5:]])
    assert [found[x] for x in ("task", "goal", "bond", "total")] == [14, 17, None, None]


@pytest.mark.parametrize("answer", [0, 6, 7])
def test_wai_sr_seven_point_forms_are_refused(answer: int) -> None:
    with pytest.raises(InvalidData):
        scores("wai-sr", [answer, *WAI[1:]])


@pytest.mark.parametrize(("answer", "total"), [(1, 12), (5, 60)])
def test_wai_sr_straight_lines_show_that_nothing_is_reversed(answer: int, total: int) -> None:
    assert one("wai-sr", [answer] * 12)["total"] == total
    parts = [item for x in ("goal", "task", "bond") for item in ek.measure("wai-sr").scale(x).items]
    assert sorted(parts, key=int) == [str(n) for n in range(1, 13)]


# Client satisfaction


def test_csq_8_printed_codes_are_not_reversed_again() -> None:
    again = sum(5 - code if n in (2, 4, 5, 8) else code for n, code in enumerate(CSQ, 1))
    assert one("csq-8", CSQ)["total"] == 27 != again == 21


def test_csq_8_places_on_the_form_are_turned_into_codes_once() -> None:
    places = [1, 3, 2, 4, 3, 2, 1, 3]
    codes = [5 - place if n in (1, 3, 6, 7) else place for n, place in enumerate(places, 1)]
    assert codes == CSQ
    assert one("csq-8", codes)["total"] == 27
    assert one("csq-8", places)["total"] != 27


@pytest.mark.parametrize(("answer", "total"), [(1, 8), (4, 32)])
def test_csq_8_straight_lines(answer: int, total: int) -> None:
    assert one("csq-8", [answer] * 8)["total"] == total


# Experience of service


def test_chi_esq_does_not_know_leaves_the_denominator() -> None:
    people = [[1.0] * 12] * 8 + [[0.0] * 12] + [[None] * 12]
    found = scores("chi-esq", *people)["item-1"]
    assert found.mean() == pytest.approx(100 * 8 / 9)
    assert found.mean() != pytest.approx(80)
    assert found.count() == 9


@pytest.mark.parametrize("code", [2, 3])
def test_chi_esq_codes_known_from_memory_are_refused(code: int) -> None:
    with pytest.raises(InvalidData):
        scores("chi-esq", [code] + [1] * 11)


def test_chi_esq_has_neither_total_nor_environment_score() -> None:
    assert [scale.id for scale in ek.measure("chi-esq").scales] == [
        f"item-{n}" for n in range(1, 13)
    ]


# Frameworks and tiers


def test_mirabal_has_six_measures_and_no_score() -> None:
    assert len(ek.measure("mirabal-six").domains) == 6


def test_core_outcome_set_holds_an_outcome_without_a_measure() -> None:
    domains = {domain.id: domain for domain in ek.measure("da-core-outcome-set").domains}
    assert len(domains) == 5
    assert "No suitable instrument" in domains["freedom"].note
    memory = {name for name, domain in domains.items() if domain.verification == "mem"}
    assert memory == {"child-wellbeing", "caregiver-wellbeing"}


def test_assessment_areas_are_nine_and_levels_of_training_four() -> None:
    assert len(ek.measure("dvos-assessment-areas").domains) == 9
    levels = [domain.id for domain in ek.measure("kirkpatrick").domains]
    assert levels == ["reaction", "learning", "behaviour", "results"]


def test_tier_of_need_is_ordered_only_and_has_no_good_direction() -> None:
    scale = ek.measure("tiers-of-need").scale()
    assert scale.ordinal and scale.higher_is_better is None
    assert ek.measure("tiers-of-need").purpose == "profile"


def test_tier_of_need_unknown_is_not_tier_1() -> None:
    assert scores("tiers-of-need", [1], [4], [None])["tier"].tolist()[:2] == [1, 4]
    assert one("tiers-of-need", [None])["tier"] is None
    for tier in (0, 5, 2.5):
        with pytest.raises(InvalidData):
            scores("tiers-of-need", [tier])


# Dose


def test_dose_of_the_brief_is_not_complete() -> None:
    found = one("programme-dose", [28 * 2.5, 75, 27, 75, 30])
    assert round(found["hours-share"], 3) == 0.933
    assert found["weeks-share"] == pytest.approx(0.9)
    assert found["complete"] == 0


def test_dose_counts_weeks_and_not_sessions() -> None:
    weeks = (pd.Timestamp("2024-07-08") - pd.Timestamp("2024-01-01")).days / 7
    found = one("programme-dose", [70, 75, weeks, 75, 30])
    assert weeks == 27
    assert found["weeks-share"] == pytest.approx(27 / 30)
    assert found["weeks-share"] != pytest.approx(28 / 30)


def test_dose_has_no_minimum_unless_one_is_chosen() -> None:
    found = one("programme-dose", [100, 100, 52, None, None])
    assert found["attended-share"] == 1
    assert [found[x] for x in ("hours-share", "weeks-share", "complete")] == [None] * 3
    columns = {f"dose_{name.replace('-', '_')}": [50.0] for name in DOSE[:3]}
    with pytest.raises(InvalidInput, match="minimum"):
        ek.score(pd.DataFrame(columns), "programme-dose")


def test_dose_standards_can_be_chosen_and_none_is_applied() -> None:
    table = ek.measure("programme-dose").published[0].to_frame()
    assert table[["hours", "weeks"]].iloc[0].tolist() == [75, 30]
    assert pd.isna(table["hours"].iloc[1]) and table["weeks"].iloc[1] == 22
    assert one("programme-dose", [40, 40, 22, 40, 22])["complete"] == 1


@pytest.mark.parametrize(
    ("hours", "weeks", "complete"), [(75, 30, 1), (74.5, 30, 0), (75, 29, 0), (80, 29, 0)]
)
def test_dose_needs_both_and_the_minimum_itself_suffices(
    hours: float, weeks: float, complete: int
) -> None:
    assert one("programme-dose", [hours, 100, weeks, 75, 30])["complete"] == complete


def test_dose_with_unknown_hours_is_complete_for_nobody() -> None:
    unknown = one("programme-dose", [None, 75, 30, 75, 30])
    assert (unknown["attended-share"], unknown["complete"]) == (None, None)
    assert one("programme-dose", [None, 75, 27, 75, 30])["complete"] == 0


def test_dose_with_nothing_offered_has_no_share() -> None:
    assert one("programme-dose", [0, 0, 0, 75, 30])["attended-share"] is None
