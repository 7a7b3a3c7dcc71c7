"""Traps of the parenting, family and records measures: each wrong answer is shown not to occur."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pytest

import evalkit as ek

Answers = Sequence[float | None]

PSS = [5, 4, 3, 2, 4, 5, 5, 4, 2, 3, 2, 2, 1, 3, 1, 2, 4, 5]
PSOC = [5, 3, 2, 3, 2, 4, 4, 4, 3, 5, 5, 2, 5, 2, 5, 3, 6]
APQ = [i % 5 + 1 for i in range(1, 43)]
POLES = [i % 7 + 1 for i in range(1, 31)]
SCORE = [2, 4, 2, 4, 3, 1, 3, 4, 3, 2, 4, 5, 4, 3, 2]
GF12 = [3, 2, 3, 1, 2, 2, 4, 1, 3, 2, 4, 2]
FAD = (1, 6, 11, 16, 21, 26, 31, 36, 41, 46, 51, 56)
CPRS = [5, 2, 4, 1, 5, 4, 5, 2, 4, 3, 2, 2, 1, 1, 5]
NOT_SCORED = ("bpses", "topse", "mors-sf", "reqol-10")
FINISHED_ONLY = ("psi-4-sf", "aapi-2", "fes", "home")


def frame_of(measure: str, *rows: Answers) -> pd.DataFrame:
    start = measure.replace("-", "_")
    names = [f"{start}_{item.column}" for item in ek.measure(measure).items]
    return pd.DataFrame(list(rows), columns=names, dtype="float64")


def scored(measure: str, answers: Answers, scale: str) -> float | None:
    value = ek.score(frame_of(measure, answers), measure)[column(measure, scale)].item()
    return None if pd.isna(value) else value


def column(measure: str, scale: str) -> str:
    return f"{measure}__{scale}".replace("-", "_")


def band(measure: str, answers: Answers, scale: str) -> str | None:
    value = ek.score(frame_of(measure, answers), measure)[f"{column(measure, scale)}_band"].item()
    return value if isinstance(value, str) else None


def flags(measure: str, answers: Answers) -> str:
    value = ek.score(frame_of(measure, answers), measure)[column(measure, "flags")].item()
    return value if isinstance(value, str) else ""


def without(answers: Answers, position: int) -> list[float | None]:
    """Return the answers with that of the item at this position (from 1) blank."""
    return [None if n == position else value for n, value in enumerate(answers, 1)]


# Straight lines (4b trap 20): a fault in a reverse key shows at once


@pytest.mark.parametrize(
    ("measure", "scale", "answer", "expected"),
    [
        ("parental-stress-scale", "total", 1, 50),
        ("parental-stress-scale", "total", 3, 54),
        ("parental-stress-scale", "total", 5, 58),
        ("psoc", "satisfaction", 6, 9),
        ("psoc", "efficacy", 6, 42),
        ("psoc", "total", 6, 57),
        ("psoc", "satisfaction", 1, 54),
        ("psoc", "efficacy", 1, 7),
        ("psoc", "total", 1, 62),
        ("parenting-scale-30", "laxness", 1, 35 / 11),
        ("parenting-scale-30", "over-reactivity", 1, 4.6),
        ("parenting-scale-30", "verbosity", 1, 25 / 7),
        ("parenting-scale-30", "total", 1, 3.8),
        ("parenting-scale-30", "total", 7, 4.2),
        ("parenting-scale-30", "total", 4, 4),
        ("score-15", "total", 1, 55),
        ("score-15", "total", 5, 35),
        ("score-15", "mean", 3, 3),
        ("fad-gf12", "general-functioning", 1, 2.5),
        ("fad-gf12", "general-functioning", 4, 2.5),
        ("apq-42-parent", "involvement", 1, 10),
        ("apq-42-parent", "corporal-punishment", 5, 15),
        ("apq-9-parent", "poor-supervision", 5, 15),
        ("cprs-sf", "conflict", 1, 8),
        ("cprs-sf", "closeness", 5, 35),
    ],
)
def test_straight_lines(measure: str, scale: str, answer: int, expected: float) -> None:
    answers = [answer] * len(ek.measure(measure).items)
    assert scored(measure, answers, scale) == pytest.approx(expected)


# One blank gives no score under the name of the full one (4a section 6, rules 2 and 3)


@pytest.mark.parametrize(
    ("measure", "answers", "scales"),
    [
        ("parental-stress-scale", PSS, ("total",)),
        ("psoc", PSOC, ("satisfaction", "efficacy", "total")),
        ("apq-42-parent", APQ, ("involvement", "positive-parenting", "poor-monitoring",
                                "inconsistent-discipline", "corporal-punishment")),
        ("apq-9-parent", [5, 3, 1, 2, 2, 4, 5, 1, 2],
         ("positive-parenting", "inconsistent-discipline", "poor-supervision")),
        ("parenting-scale-30", POLES, ("laxness", "over-reactivity", "verbosity", "total")),
        ("score-15", SCORE, ("total", "mean", "strengths", "difficulties", "communication")),
        ("fad-gf12", GF12, ("general-functioning",)),
        ("cprs-sf", CPRS, ("conflict", "closeness")),
    ],
)  # fmt: skip
def test_a_partial_sum_is_never_given(
    measure: str, answers: Answers, scales: Sequence[str]
) -> None:
    for position, item in enumerate(ek.measure(measure).items, 1):
        row = ek.score(frame_of(measure, without(answers, position)), measure).iloc[0]
        for scale in scales:
            touched = item.id in ek.measure(measure).scale(scale).items
            assert pd.isna(row[column(measure, scale)]) == touched, (item.id, scale)


# Parental Stress Scale (4b B1)


def test_parental_stress_is_not_the_sum_of_the_answers() -> None:
    assert sum(PSS) == 57 and scored("parental-stress-scale", PSS, "total") == 33
    turned = (1, 2, 5, 6, 7, 8, 17, 18)
    worst = [1 if item in turned else 5 for item in range(1, 19)]
    assert scored("parental-stress-scale", worst, "total") == 90
    assert scored("parental-stress-scale", without(PSS, 5), "total") is None


def test_the_parental_stress_scale_does_not_take_the_perceived_stress_scale() -> None:
    frame = pd.DataFrame([[3] * 18], columns=[f"pss_{n}" for n in range(1, 19)])
    with pytest.raises(ek.EvalkitError, match="no column"):
        ek.score(frame, "parental-stress-scale")
    named = frame.rename(columns=lambda name: name.replace("pss", "pss18"))
    assert ek.score(named, "parental-stress-scale")["parental_stress_scale__total"].item() == 54


def test_parental_stress_has_no_cut_off() -> None:
    measure = ek.measure("parental-stress-scale")
    assert measure.systems == () and measure.change_thresholds == () and measure.norms == ()


# PSOC (4b trap 14): both ways of coding circulate


def test_psoc_states_that_strongly_agree_is_6() -> None:
    labels = dict(ek.measure("psoc").items[0].codes)
    assert labels[6] == "strongly agree" and labels[1] == "strongly disagree"
    assert scored("psoc", PSOC, "satisfaction") == 39
    assert scored("psoc", PSOC, "efficacy") == 33
    assert scored("psoc", PSOC, "total") == 78


def test_psoc_answers_coded_the_other_way_must_be_turned_first() -> None:
    other = [2, 4, 5, 4, 5, 3, 3, 3, 4, 2, 2, 5, 2, 5, 2, 4, 1]
    turned = [7 - answer for answer in other]
    assert turned == PSOC
    assert scored("psoc", turned, "satisfaction") == 39 and scored("psoc", turned, "efficacy") == 33
    assert scored("psoc", other, "satisfaction") == 24 and scored("psoc", other, "efficacy") == 16


def test_psoc_answers_on_seven_points_are_refused() -> None:
    with pytest.raises(ek.EvalkitError, match="the answer is 7"):
        scored("psoc", [7, *PSOC[1:]], "efficacy")


def test_psoc_item_17_counts_in_the_total_only() -> None:
    changed = [*PSOC[:16], 1]
    assert scored("psoc", changed, "total") == 73
    assert (
        scored("psoc", changed, "satisfaction") == 39 and scored("psoc", changed, "efficacy") == 33
    )


# APQ (4b trap 15)


def test_corporal_punishment_is_33_35_38_and_not_39() -> None:
    special = {33: 5, 35: 4, 38: 3, 39: 1}
    answers = [special.get(item, 2) for item in range(1, 43)]
    assert special[33] + special[35] + special[39] == 10
    assert scored("apq-42-parent", answers, "corporal-punishment") == 12
    assert scored("apq-42-parent", without(APQ, 38), "corporal-punishment") is None
    assert scored("apq-42-parent", without(APQ, 39), "corporal-punishment") == 9


def test_apq_42_scales_share_no_item_and_have_no_total() -> None:
    measure = ek.measure("apq-42-parent")
    used = [item for scale in measure.scales for item in scale.items]
    assert len(used) == len(set(used)) == 35
    assert {*used, *measure.unscored} == {str(item) for item in range(1, 43)}
    assert "total" not in [scale.id for scale in measure.scales]
    expected = {"involvement": 30, "positive-parenting": 17, "poor-monitoring": 31,
                "inconsistent-discipline": 17, "corporal-punishment": 9}  # fmt: skip
    assert {name: scored("apq-42-parent", APQ, name) for name in expected} == expected


def test_apq_scales_do_not_all_run_the_same_way() -> None:
    better = {"involvement", "positive-parenting"}
    for measure in ("apq-42-parent", "apq-9-parent"):
        for scale in ek.measure(measure).scales:
            assert (scale.higher_is == "better") == (scale.id in better), scale.id


def test_apq_9_has_no_reverse_item_and_no_total() -> None:
    answers = [5, 3, 1, 2, 2, 4, 5, 1, 2]
    assert scored("apq-9-parent", answers, "positive-parenting") == 14
    assert scored("apq-9-parent", answers, "inconsistent-discipline") == 7
    assert scored("apq-9-parent", answers, "poor-supervision") == 4
    assert all(not x.reverse and x.id != "total" for x in ek.measure("apq-9-parent").scales)


# Parenting Scale (4b trap 16)


def test_fourteen_items_with_the_ineffective_pole_on_the_left_are_turned() -> None:
    assert sum(POLES) / 30 == pytest.approx(3.9)
    assert scored("parenting-scale-30", POLES, "total") == pytest.approx(3.3)
    assert scored("parenting-scale-30", POLES, "laxness") == pytest.approx(29 / 11)
    assert scored("parenting-scale-30", POLES, "over-reactivity") == pytest.approx(3.8)
    assert scored("parenting-scale-30", POLES, "verbosity") == pytest.approx(4)
    assert len(ek.measure("parenting-scale-30").scale("total").reverse) == 14


@pytest.mark.parametrize(
    ("item", "in_both"), [(7, ("laxness", "verbosity")), (9, ("over-reactivity", "verbosity"))]
)
def test_items_7_and_9_count_in_two_scales(item: int, in_both: tuple[str, ...]) -> None:
    changed = [1 if n == item else 4 for n in range(1, 31)]
    moved = {
        scale.id: scored("parenting-scale-30", changed, scale.id) != 4
        for scale in ek.measure("parenting-scale-30").scales
    }
    assert [name for name, has in moved.items() if has] == [*in_both, "total"]


def test_the_parenting_scale_has_no_cut_off() -> None:
    assert ek.measure("parenting-scale-30").systems == ()


# SCORE-15 (4b trap 12, 4a trap 19)


def test_score_15_is_not_the_sum_of_the_answers() -> None:
    assert sum(SCORE) == 46 and scored("score-15", SCORE, "total") == 32
    assert scored("score-15", SCORE, "mean") == pytest.approx(32 / 15)
    assert scored("score-15", SCORE, "strengths") == 9
    assert scored("score-15", SCORE, "difficulties") == 14
    assert scored("score-15", SCORE, "communication") == 9


def test_score_15_higher_is_worse_in_every_scale() -> None:
    strengths = (1, 3, 6, 10, 15)
    best = [1 if item in strengths else 5 for item in range(1, 16)]
    worst = [6 - answer for answer in best]
    for scale in ek.measure("score-15").scales:
        assert scale.higher_is == "worse"
        assert scored("score-15", best, scale.id) == scale.low, scale.id
        assert scored("score-15", worst, scale.id) == scale.high, scale.id


def test_score_15_takes_no_figures_from_the_thesis_that_scores_the_other_way() -> None:
    measure = ek.measure("score-15")
    assert measure.systems == () and measure.change_thresholds == () and measure.flags == ()


# General functioning of the FAD (4b trap 13)


def test_general_functioning_is_found_by_fad_item_number() -> None:
    numbered = pd.DataFrame([GF12], columns=[f"fad_{item}" for item in FAD])
    found = ek.score(numbered, "fad-gf12")["fad_gf12__general_functioning"].item()
    assert found == pytest.approx(1.75)
    with pytest.raises(ek.EvalkitError, match="no column"):
        ek.score(numbered.set_axis([f"fad_{n}" for n in range(1, 13)], axis=1), "fad-gf12")


def test_general_functioning_states_that_strongly_agree_is_1() -> None:
    assert dict(ek.measure("fad-gf12").items[0].codes)[1] == "strongly agree"
    turned = [5 - answer for answer in GF12]
    assert scored("fad-gf12", turned, "general-functioning") == pytest.approx(3.25)


def test_general_functioning_does_not_use_the_reverse_list_of_another_order() -> None:
    other = (3, 5, 6, 8, 9, 11)
    wrong = sum(5 - a if n in other else a for n, a in enumerate(GF12, 1)) / 12
    assert wrong != pytest.approx(1.75)
    for n in range(1, 13):
        most = [4 if n == place else 2 for place in range(1, 13)]
        changed = scored("fad-gf12", most, "general-functioning")
        assert changed == pytest.approx(2.5 + (-2 if n % 2 else 2) / 12), n


def test_general_functioning_is_unhealthy_above_2_and_not_at_2() -> None:
    at = [3, 2] * 6
    above = [2, *at[1:]]
    assert scored("fad-gf12", at, "general-functioning") == 2 and flags("fad-gf12", at) == ""
    assert flags("fad-gf12", above) == "screening:unhealthy-functioning"


def test_general_functioning_is_not_prorated() -> None:
    answers = [2, 3, 2, 3, 1, 3, 2, 3, 2, 2, 2, None]
    assert scored("fad-gf12", answers, "general-functioning") is None
    assert flags("fad-gf12", answers) == ""


# CPRS (4b C3)


def test_conflict_and_closeness_are_not_added_up() -> None:
    assert [scale.id for scale in ek.measure("cprs-sf").scales] == ["conflict", "closeness"]
    assert [scale.higher_is for scale in ek.measure("cprs-sf").scales] == ["worse", "better"]
    assert scored("cprs-sf", CPRS, "conflict") == 14 and scored("cprs-sf", CPRS, "closeness") == 32
    blank = [5, 4, None, 4, 4, 3, 4, 5, 4, 5, 4, 4, 5, 5, 3]
    assert (
        scored("cprs-sf", blank, "conflict") == 36 and scored("cprs-sf", blank, "closeness") is None
    )


# What is not scored (4b trap 17, B6 to B9, C4 to C6; 4a 2.19)


@pytest.mark.parametrize("name", [*NOT_SCORED, *FINISHED_ONLY])
def test_measures_on_hold_score_no_answers(name: str) -> None:
    start = name.replace("-", "_")
    frame = pd.DataFrame([[1] * 60], columns=[f"{start}_{n}" for n in range(1, 61)])
    assert ek.measure(name).items == ()
    with pytest.raises(ek.EvalkitError):
        ek.score(frame, name)


@pytest.mark.parametrize("name", NOT_SCORED)
def test_measures_on_hold_have_no_scale(name: str) -> None:
    assert ek.measure(name).kind == "metadata" and ek.measure(name).scales == ()
    assert ek.measure(name).systems == () and ek.measure(name).change_thresholds == ()


@pytest.mark.parametrize("name", FINISHED_ONLY)
def test_copyright_measures_take_finished_scores_only(name: str) -> None:
    measure = ek.measure(name)
    assert measure.kind == "score-only" and {x.method for x in measure.scales} == {"given"}
    assert not measure.licence.text_included


def test_higher_parenting_stress_index_is_worse_whatever_a_script_says() -> None:
    measure = ek.measure("psi-4-sf")
    assert {scale.higher_is for scale in measure.scales} == {"worse"}
    assert measure.default_bands is None


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parental-stress-scale", ["worse"]),
        ("psoc", ["better"] * 3),
        ("parenting-scale-30", ["worse"] * 4),
        ("fad-gf12", ["worse"]),
        ("aapi-2", ["better"] * 5),
        ("fes", ["worse", "better"]),
        ("home", ["better"] * 3),
        ("school-attendance", ["worse"] * 3),
        ("school-exclusion", ["worse"] * 2),
        ("proven-reoffending", ["worse", "neither", "worse"]),
    ],
)
def test_direction_is_stated_and_never_inferred_from_a_name(name: str, expected: list[str]) -> None:
    assert [scale.higher_is for scale in ek.measure(name).scales] == expected


# Attendance (4b trap 19 and D1)


@pytest.mark.parametrize(
    ("possible", "missed", "name"),
    [
        (290, 31, "persistent"),
        (290, 29, "persistent"),
        (290, 28, "not persistent"),
        (312, 160, "severe"),
        (312, 156, "severe"),
        (312, 155, "persistent"),
        (312, 24, "not persistent"),
        (380, 0, "not persistent"),
        (380, 380, "severe"),
    ],
)
def test_exactly_10_and_50_per_cent_count(possible: int, missed: int, name: str) -> None:
    answers = [possible, 0, missed]
    assert band("school-attendance", answers, "absence-rate") == name
    persistent = scored("school-attendance", answers, "persistent-absence")
    assert persistent == float(missed * 10 >= possible)
    severe = scored("school-attendance", answers, "severe-absence")
    assert severe == float(missed * 2 >= possible)


def test_every_exact_tenth_and_half_counts_and_one_session_less_does_not() -> None:
    exact = [[10 * n, 0, n] for n in range(1, 400)]
    less = [[10 * n, 0, n - 1] for n in range(1, 400)]
    half = [[2 * n, n, 0] for n in range(1, 400)]
    name = "school_attendance__persistent_absence"
    assert (ek.score(frame_of("school-attendance", *exact), "school-attendance")[name] == 1).all()
    assert (ek.score(frame_of("school-attendance", *less), "school-attendance")[name] == 0).all()
    severe = ek.score(frame_of("school-attendance", *half), "school-attendance")
    assert (severe["school_attendance__severe_absence"] == 1).all()
    assert (severe[name] == 1).all()


def test_both_kinds_of_absence_count() -> None:
    assert scored("school-attendance", [290, 20, 11], "absence-rate") == pytest.approx(3100 / 290)


def test_no_possible_sessions_give_no_rate() -> None:
    for scale in ("absence-rate", "persistent-absence", "severe-absence"):
        assert scored("school-attendance", [0, 0, 0], scale) is None
    assert band("school-attendance", [0, 0, 0], "absence-rate") is None


def test_a_kind_of_absence_not_known_is_not_taken_as_none() -> None:
    assert scored("school-attendance", [290, 28, None], "absence-rate") is None


def test_the_older_thresholds_are_not_used() -> None:
    assert ek.measure("school-attendance").systems == ("dfe",)
    assert band("school-attendance", [100, 12, 0], "absence-rate") == "persistent"


def test_more_sessions_missed_than_possible_are_no_severe_absence() -> None:
    frame = frame_of("school-attendance", [290, 300, 0])
    with pytest.raises(ek.EvalkitError, match="leaves its range"):
        ek.score(frame, "school-attendance")
    row = ek.score(frame, "school-attendance", on_invalid="missing").iloc[0]
    for scale in ("absence-rate", "absence-rate_band", "persistent-absence", "severe-absence"):
        assert pd.isna(row[column("school-attendance", scale)]), scale


# Exclusions (4b D2)


def test_exclusion_rates_are_per_100_pupils_and_may_pass_100() -> None:
    assert scored("school-exclusion", [12, None, 240], "suspension-rate") == pytest.approx(5)
    permanent = scored("school-exclusion", [None, 1, 1250], "permanent-exclusion-rate")
    assert permanent == pytest.approx(0.08)
    assert scored("school-exclusion", [50, 0, 40], "suspension-rate") == pytest.approx(125)
    assert scored("school-exclusion", [0, 0, 0], "suspension-rate") is None


# Social care status (4b D3)


def test_status_is_ordered_only_and_neither_better_nor_worse() -> None:
    scale = ek.measure("social-care-status").scale()
    assert scale.ordinal and scale.higher_is_better is None and scale.higher_is == "neither"


def test_an_unknown_status_is_not_none_or_closed() -> None:
    name, measure = "social_care_status__status", "social-care-status"
    before = ek.score(frame_of(measure, [2], [2], [2]), measure)[name]
    after = ek.score(frame_of(measure, [0], [3], [None]), measure)[name]
    assert (after - before).tolist()[:2] == [-2, 1]
    assert pd.isna(after[2])


# Proven reoffending (4b D4)


@pytest.mark.parametrize(
    ("offence", "conviction", "observed", "expected"),
    [
        (5, 14, 18, 1),
        (13, 14, 18, 0),
        (11, 19, 24, 0),
        (12, 18, 18, 1),
        (1, 1, 18, 1),
        (0, 14, 18, 0),
        (5, 0, 18, 0),
        (0, 0, 18, 0),
        (0, 0, 17.9, None),
        (5, 14, 17, None),
        (0, 0, None, None),
        (5, None, 18, None),
        (None, None, 18, None),
    ],
)
def test_reoffending_needs_both_windows_and_18_months(
    offence: float | None, conviction: float | None, observed: float | None, expected: int | None
) -> None:
    answers = [offence, conviction, observed]
    assert scored("proven-reoffending", answers, "reoffended") == expected


# Indicators with definitions of evalkit's own (4a 4.9)


def test_call_outs_are_per_365_days_at_risk() -> None:
    assert scored("police-callouts", [3, 200], "rate") == pytest.approx(5.475)
    assert scored("police-callouts", [3, 365], "rate") == pytest.approx(3)


@pytest.mark.parametrize("answers", [[0, 0], [3, 0], [3, None], [None, 200]])
def test_no_days_at_risk_give_no_rate(answers: Answers) -> None:
    assert scored("police-callouts", answers, "rate") is None


@pytest.mark.parametrize("name", ["police-callouts", "days-to-reoffence", "marac-repeat"])
def test_police_records_are_ambiguous_in_direction(name: str) -> None:
    assert {scale.higher_is for scale in ek.measure(name).scales} == {"neither"}


@pytest.mark.parametrize(
    ("days", "event", "expected"),
    [
        (121, 1, 1), (365, 0, 0), (365, 1, 1), (366, 1, 0), (100, 0, None), (364, 0, None),
        (None, 1, None), (None, 0, None), (400, None, 0), (100, None, None),
    ],
)  # fmt: skip
def test_a_censored_person_is_not_counted_as_free_of_events(
    days: int | None, event: int | None, expected: int | None
) -> None:
    assert scored("days-to-reoffence", [days, event], "new-event") == expected


def test_days_to_an_event_are_no_score_to_average() -> None:
    used = {scale.method for scale in ek.measure("days-to-reoffence").scales}
    assert used == {"criteria", "cases"}


@pytest.mark.parametrize(
    ("repeat", "months", "expected"),
    [(1, 12, 1), (0, 12, 0), (1, 5, 1), (0, 11.9, None), (0, None, None), (None, 12, None)],
)
def test_no_repeat_so_far_is_not_no_repeat(
    repeat: int | None, months: float | None, expected: int | None
) -> None:
    assert scored("marac-repeat", [repeat, months], "repeat-incident") == expected


@pytest.mark.parametrize("name", ["police-callouts", "school-attendance", "school-exclusion"])
def test_counts_below_0_are_refused(name: str) -> None:
    answers = [-1.0, *[10.0] * (len(ek.measure(name).items) - 1)]
    with pytest.raises(ek.EvalkitError, match="the answer is -1"):
        ek.score(frame_of(name, answers), name)
