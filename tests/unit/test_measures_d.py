"""Children's measures: each published trap of scoring, and that its wrong answer does not occur."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidInput

SDQS = [
    "sdq-parent-4-17",
    "sdq-self-11-17",
    "sdq-teacher-4-17",
    "sdq-parent-2-4",
    "sdq-teacher-2-4",
]
TWO_TO_FOUR = ["sdq-parent-2-4", "sdq-teacher-2-4"]
DIFFICULTIES = ("emotional", "conduct", "hyperactivity", "peer")
ORDINARY = [2, 1, 0, 2, 1, 0, 1, 1, 2, 1, 2, 0, 1, 2, 1, 1, 2, 0, 0, 1, 1, 0, 1, 0, 1]
# The four difficulty scales are 4 each and prosocial is 0.
SIXTEEN = [0, 2, 2, 0, 2, 2, 2, 2, 0, 2, 2, 2, 0, 2, 0, 0, 0, 0, 2, 0, 2, 0, 0, 0, 2]


def scored(name: str, answers: list[float | None], **options: Any) -> pd.Series:
    """Score one person's answers; columns `sex`, `grade` and `age` may be given by value."""
    measure = ek.measure(name)
    items = measure.items if len(answers) == len(measure.items) else measure.asked
    columns = [f"{measure.column}_{item.column}" for item in items]
    frame = pd.DataFrame([answers], columns=columns, dtype="float64")
    people = {key: options.pop(key) for key in ("sex", "grade", "age") if key in options}
    columns_of_people = {key: key for key in people}
    return ek.score(frame.assign(**people), name, **options, **columns_of_people).iloc[0]


def value(name: str, answers: list[float | None], scale: str, **options: Any) -> float:
    return scored(name, answers, **options)[ek.measure(name).score_column(scale)]


def band(name: str, answers: list[float | None], scale: str, system: str | None = None) -> Any:
    return scored(name, answers, bands=system).get(f"{ek.measure(name).score_column(scale)}_band")


def flags(name: str, answers: list[float | None]) -> list[str]:
    text = scored(name, answers)[f"{ek.measure(name).column}__flags"]
    return text.split(";") if isinstance(text, str) else []


def changed(answers: list[Any], **new: float | None) -> list[Any]:
    """Return the answers with some changed by item number: changed(a, i3=None)."""
    by_number = {int(key[1:]): answer for key, answer in new.items()}
    return [by_number.get(n, answer) for n, answer in enumerate(answers, start=1)]


def alone(n: int, answers: dict[int, float], rest: float = 0) -> list[Any]:
    """Return n answers, `rest` but for those given by item number."""
    return [answers.get(item, rest) for item in range(1, n + 1)]


def partition(name: str, scales: list[str]) -> list[int]:
    return sorted(int(item) for scale in scales for item in ek.measure(name).scale(scale).items)


# Straight lines: a fault in a key of reversed items shows at once.


@pytest.mark.parametrize(
    ("name", "answer", "scores"),
    [
        *[(name, 0, {"total": 10, "conduct": 2, "hyperactivity": 4, "peer": 4}) for name in SDQS],
        *[(name, 1, {"total": 20, "prosocial": 5}) for name in SDQS],
        *[(name, 2, {"total": 30, "prosocial": 10, "peer": 6}) for name in SDQS],
        ("rcads-25-child", 3, {"depression": 30, "anxiety": 45, "total": 75}),
        ("rcads-47-child", 3, {"total-anxiety": 111, "depression": 30, "total": 141}),
        ("smfq-child", 2, {"total": 26}),
        ("smfq-parent", 2, {"total": 26}),
        ("mfq-33-child", 2, {"total": 66}),
        ("cries-8", 5, {"intrusion": 20, "avoidance": 20, "total": 40}),
        ("cats-7-17", 3, {"total": 60}),
        ("cats-7-17-caregiver", 3, {"total": 60}),
        ("cats-3-6", 3, {"total": 48}),
        (
            "cpss-5",
            4,
            {"cluster-b": 20, "cluster-c": 8, "cluster-d": 28, "cluster-e": 24, "total": 80},
        ),
        ("me-and-my-feelings", 0, {"emotional": 0, "behavioural": 2}),
        ("me-and-my-feelings", 2, {"emotional": 20, "behavioural": 10}),
        ("scwbs", 1, {"total": 12, "social-desirability": 3}),
        ("scwbs", 5, {"total": 60, "social-desirability": 15}),
        ("kidscreen-10", 1, {"total": 18}),
        ("kidscreen-10", 5, {"total": 42}),
        ("cyrm-r-5", 5, {"total": 85}),
        ("cyrm-r-3", 3, {"total": 51}),
    ],
)
def test_straight_lines(name: str, answer: int, scores: dict[str, float]) -> None:
    row = scored(name, [answer] * len(ek.measure(name).asked))
    assert {scale: row[ek.measure(name).score_column(scale)] for scale in scores} == scores


@pytest.mark.parametrize(
    "name",
    ["rcads-25-child", "smfq-child", "smfq-parent", "mfq-33-child", "cries-8", "cats-7-17", "cats-7-17-caregiver",
     "cats-3-6", "cpss-5", "scwbs", "kidscreen-10", "cyrm-r-5", "cyrm-r-3"],
)  # fmt: skip
def test_a_partial_sum_is_never_given_under_the_name_of_the_total(name: str) -> None:
    answers = [1.0] * len(ek.measure(name).asked)
    assert not math.isnan(value(name, answers, "total"))
    assert math.isnan(value(name, [None, *answers[1:]], "total"))


# SDQ


@pytest.mark.parametrize("name", SDQS)
def test_sdq_halves_round_up_and_never_to_even(name: str) -> None:
    answers = changed(ORDINARY, i3=0, i8=1, i13=1, i16=0, i24=None)
    assert value(name, answers, "emotional") == 3 != round(2.5)


@pytest.mark.parametrize("name", SDQS)
def test_sdq_prorating_multiplies_the_mean_by_five(name: str) -> None:
    answers = changed(ORDINARY, i3=0, i8=2, i13=2, i16=None, i24=None)
    assert value(name, answers, "emotional") == 7 != math.floor(0.5 + 4 / 3)


@pytest.mark.parametrize("name", SDQS)
def test_sdq_two_of_five_answers_give_no_score(name: str) -> None:
    row = scored(name, changed(ORDINARY, i3=None, i8=None, i13=None))
    start = ek.measure(name).column
    assert all(
        math.isnan(row[f"{start}__{scale}"]) for scale in ("emotional", "total", "internalising")
    )
    assert row[f"{start}__externalising"] == 7


@pytest.mark.parametrize("name", SDQS)
def test_sdq_reverses_7_11_14_21_25_and_no_other(name: str) -> None:
    base = value(name, [1] * 25, "total")
    fall = [
        n for n in range(1, 26) if value(name, changed([1] * 25, **{f"i{n}": 2}), "total") < base
    ]
    still = [
        n for n in range(1, 26) if value(name, changed([1] * 25, **{f"i{n}": 2}), "total") == base
    ]
    assert fall == [7, 11, 14, 21, 25]
    assert still == [1, 4, 9, 17, 20]


@pytest.mark.parametrize("name", SDQS)
def test_sdq_total_adds_scales_already_rounded(name: str) -> None:
    answers: list[Any] = alone(25, {8: 1, 13: 1, 7: 1, 18: 1, 21: 2, 25: 2, 11: 2, 14: 2})
    row = scored(name, changed(answers, i24=None, i22=None))
    start = ek.measure(name).column
    assert [row[f"{start}__{scale}"] for scale in DIFFICULTIES] == [3, 3, 0, 0]
    assert row[f"{start}__total"] == 6 != 2.5 + 2.5


@pytest.mark.parametrize("name", SDQS)
def test_sdq_prosocial_is_never_in_the_total(name: str) -> None:
    kind, unkind, blank = (changed(ORDINARY, i1=x, i4=x, i9=x, i17=x, i20=x) for x in (2, 0, None))
    assert [value(name, answers, "total") for answers in (kind, unkind, blank)] == [11, 11, 11]
    assert math.isnan(value(name, blank, "prosocial"))


def test_sdq_prosocial_bands_of_two_systems_are_not_mixed() -> None:
    answers = changed(ORDINARY, i1=1, i4=1, i9=2, i17=2, i20=1)
    assert value("sdq-parent-4-17", answers, "prosocial") == 7
    assert band("sdq-parent-4-17", answers, "prosocial", "three-band") == "normal" != "borderline"
    assert band("sdq-parent-4-17", answers, "prosocial", "four-band") == "slightly lowered"
    assert band("sdq-self-11-17", answers, "prosocial", "four-band") == "close to average"
    assert band("sdq-teacher-4-17", answers, "prosocial", "four-band") == "close to average"


def test_sdq_bands_differ_by_informant() -> None:
    found = [band(name, SIXTEEN, "total", "three-band") for name in SDQS[:3]]
    assert found == ["borderline", "borderline", "abnormal"]
    fourteen = changed(SIXTEEN, i3=0)
    assert [band(name, fourteen, "total", "three-band") for name in SDQS[:2]] == [
        "borderline",
        "normal",
    ]
    assert [band(name, fourteen, "conduct", "four-band") for name in SDQS[:3]] == [
        "high",
        "slightly raised",
        "high",
    ]


BANDS = {
    ("sdq-parent-4-17", "three-band"): {
        "total": "0-13 14-16 17-40", "emotional": "0-3 4-4 5-10", "conduct": "0-2 3-3 4-10",
        "hyperactivity": "0-5 6-6 7-10", "peer": "0-2 3-3 4-10", "prosocial": "0-4 5-5 6-10",
    },
    ("sdq-self-11-17", "three-band"): {
        "total": "0-15 16-19 20-40", "emotional": "0-5 6-6 7-10", "conduct": "0-3 4-4 5-10",
        "hyperactivity": "0-5 6-6 7-10", "peer": "0-3 4-5 6-10", "prosocial": "0-4 5-5 6-10",
    },
    ("sdq-teacher-4-17", "three-band"): {
        "total": "0-11 12-15 16-40", "emotional": "0-4 5-5 6-10", "conduct": "0-2 3-3 4-10",
        "hyperactivity": "0-5 6-6 7-10", "peer": "0-3 4-4 5-10", "prosocial": "0-4 5-5 6-10",
    },
    ("sdq-parent-4-17", "four-band"): {
        "total": "0-13 14-16 17-19 20-40", "emotional": "0-3 4-4 5-6 7-10", "conduct": "0-2 3-3 4-5 6-10",
        "hyperactivity": "0-5 6-7 8-8 9-10", "peer": "0-2 3-3 4-4 5-10", "prosocial": "0-5 6-6 7-7 8-10",
        "impact": "0-0 1-1 2-2 3-10",
    },
    ("sdq-self-11-17", "four-band"): {
        "total": "0-14 15-17 18-19 20-40", "emotional": "0-4 5-5 6-6 7-10", "conduct": "0-3 4-4 5-5 6-10",
        "hyperactivity": "0-5 6-6 7-7 8-10", "peer": "0-2 3-3 4-4 5-10", "prosocial": "0-4 5-5 6-6 7-10",
        "impact": "0-0 1-1 2-2 3-10",
    },
    ("sdq-teacher-4-17", "four-band"): {
        "total": "0-11 12-15 16-18 19-40", "emotional": "0-3 4-4 5-5 6-10", "conduct": "0-2 3-3 4-4 5-10",
        "hyperactivity": "0-5 6-7 8-8 9-10", "peer": "0-2 3-4 5-5 6-10", "prosocial": "0-3 4-4 5-5 6-10",
        "impact": "0-0 1-1 2-2 3-6",
    },
    ("sdq-parent-2-4", "four-band"): {
        "total": "0-12 13-15 16-18 19-40", "emotional": "0-2 3-3 4-4 5-10", "conduct": "0-3 4-4 5-5 6-10",
        "hyperactivity": "0-5 6-6 7-7 8-10", "peer": "0-2 3-3 4-4 5-10", "prosocial": "0-4 5-5 6-6 7-10",
        "impact": "0-0 1-1 2-2 3-10",
    },
}  # fmt: skip
LABELS = {
    ("three-band", "worse"): ["normal", "borderline", "abnormal"],
    ("three-band", "better"): ["abnormal", "borderline", "normal"],
    ("four-band", "worse"): ["close to average", "slightly raised", "high", "very high"],
    ("four-band", "better"): ["very low", "low", "slightly lowered", "close to average"],
}


@pytest.mark.parametrize(("name", "system"), BANDS)
def test_sdq_bands_are_those_of_informant_and_system(name: str, system: str) -> None:
    measure = ek.measure(name)
    found = {}
    for scale in measure.scales:
        bands = scale.band_system(system)
        if bands is not None:
            found[scale.id] = " ".join(f"{b.range[0]:g}-{b.range[1]:g}" for b in bands.bands)
            assert [b.label for b in bands.bands] == LABELS[system, scale.higher_is]
    assert found == BANDS[name, system]


@pytest.mark.parametrize(
    ("name", "banded"),
    [
        ("sdq-parent-4-17", [*DIFFICULTIES, "total"]),
        ("sdq-self-11-17", [*DIFFICULTIES, "prosocial", "total"]),
        ("sdq-teacher-4-17", []),
        ("sdq-parent-2-4", []),
        ("sdq-teacher-2-4", []),
    ],
)
def test_sdq_bands_from_one_source_or_memory_are_off_unless_named(
    name: str, banded: list[str]
) -> None:
    found = [column for column in scored(name, SIXTEEN).index if column.endswith("_band")]
    assert found == [f"{ek.measure(name).score_column(scale)}_band" for scale in banded]


def test_sdq_bands_of_young_children_are_their_own() -> None:
    thirteen = changed(SIXTEEN, i3=0, i5=1)
    assert value("sdq-parent-2-4", thirteen, "total") == 13
    assert band("sdq-parent-2-4", thirteen, "total", "four-band") == "slightly raised"
    assert band("sdq-parent-4-17", thirteen, "total", "four-band") == "close to average"
    with pytest.raises(InvalidInput):
        band("sdq-teacher-2-4", thirteen, "total", "four-band")


@pytest.mark.parametrize(
    ("name", "label"), [*[(n, "argues") for n in TWO_TO_FOUR], ("sdq-parent-4-17", "lies")]
)
def test_sdq_item_18_differs_by_age_and_counts_alike(name: str, label: str) -> None:
    assert ek.measure(name).items[17].label == label
    assert "18" in ek.measure(name).scale("conduct").items


@pytest.mark.parametrize("name", ["sdq-parent-4-17", "sdq-self-11-17", "sdq-parent-2-4"])
@pytest.mark.parametrize(
    ("impact", "score"),
    [
        ([2, 2, 1, 3, None, 0], 3),  # 1 + 0 + 2; a blank adds nothing and is not prorated
        ([0, 2, 2, 2, 2, 2], 0),  # no difficulties, whatever else is answered
        ([0, None, None, None, None, None], 0),
        ([1, None, None, None, None, None], None),
        ([None, 2, 1, 3, None, 0], None),
        ([3, 3, 3, 3, 3, 3], 10),
        ([1, 1, 1, 1, 1, 1], 0),
    ],
)
def test_sdq_impact_is_recoded_and_follows_its_opening_question(
    name: str, impact: list[float | None], score: float | None
) -> None:
    found = value(name, [*ORDINARY, *impact], "impact")
    assert math.isnan(found) if score is None else found == score
    raw = sum(answer or 0 for answer in impact[1:])
    assert raw == 0 or found != raw


@pytest.mark.parametrize("name", ["sdq-teacher-4-17", "sdq-teacher-2-4"])
def test_sdq_impact_of_teachers_has_three_questions(name: str) -> None:
    assert value(name, [*ORDINARY, 3, 3, 2, 3], "impact") == 5
    assert value(name, [*ORDINARY, 3, 3, 3, 3], "impact") == 6
    assert value(name, [*ORDINARY, 0, 3, 3, 3], "impact") == 0


@pytest.mark.parametrize("name", SDQS)
def test_sdq_impact_coded_1_to_4_is_refused(name: str) -> None:
    answers = [*ORDINARY, *[4] * (len(ek.measure(name).items) - 25)]
    with pytest.raises(InvalidData, match="impact"):
        scored(name, answers)


@pytest.mark.parametrize("name", SDQS)
def test_sdq_without_the_supplement_is_scored_and_has_no_impact(name: str) -> None:
    row = scored(name, ORDINARY)
    start = ek.measure(name).column
    assert (row[f"{start}__total"], row[f"{start}__n_answered"]) == (11, 25)
    assert math.isnan(row[f"{start}__impact"])


# RCADS

SCALES_47 = [
    "separation-anxiety",
    "generalised-anxiety",
    "panic",
    "social-phobia",
    "obsessive-compulsive",
    "depression",
]
MODULO = [item % 4 for item in range(1, 48)]
DEPRESSION_47 = [2, 6, 11, 15, 19, 21, 25, 29, 40, 47]


def low_mood(total: int) -> list[Any]:
    """Answers to RCADS-47 with this score of depression and 0 elsewhere."""
    answers = {item: min(3, max(0, total - 3 * n)) for n, item in enumerate(DEPRESSION_47)}
    return alone(47, answers)


def test_rcads_47_scales_are_an_exact_partition() -> None:
    assert partition("rcads-47-child", SCALES_47) == list(range(1, 48))


@pytest.mark.parametrize(
    ("item", "right", "wrong"),
    [
        (13, "generalised-anxiety", "separation-anxiety"),
        (22, "generalised-anxiety", "separation-anxiety"),
        (27, "generalised-anxiety", "separation-anxiety"),
        (45, "separation-anxiety", "generalised-anxiety"),
        (47, "depression", "generalised-anxiety"),
        (37, "generalised-anxiety", "depression"),
    ],
)
def test_rcads_47_wrong_key_in_circulation(item: int, right: str, wrong: str) -> None:
    row = scored("rcads-47-child", alone(47, {item: 3}))
    found = [row[f"rcads_47_child__{scale.replace('-', '_')}"] for scale in (right, wrong)]
    assert found == [3, 0]


def test_rcads_47_worked_sums() -> None:
    row = scored("rcads-47-child", MODULO)
    assert [row[f"rcads_47_child__{s.replace('-', '_')}"] for s in SCALES_47] == [
        9,
        11,
        13,
        10,
        10,
        19,
    ]
    assert row["rcads_47_child__total"] == 72


def test_rcads_47_two_missing_are_made_up_unrounded_and_three_are_not() -> None:
    two, three = changed(MODULO, i2=None, i6=None), changed(MODULO, i2=None, i6=None, i11=None)
    assert value("rcads-47-child", two, "depression") == 18.75
    assert value("rcads-47-child", two, "total") == 53 + 18.75
    assert math.isnan(value("rcads-47-child", three, "depression"))
    assert math.isnan(value("rcads-47-child", three, "total"))
    assert value("rcads-47-child", three, "total-anxiety") == 53


@pytest.mark.parametrize(
    ("answers", "scale", "sex", "grade", "t", "label"),
    [
        (low_mood(17), "depression-t", "female", 7, 73.30, "clinical"),
        (low_mood(14), "depression-t", "female", 8, 65.63, "borderline"),
        ([2] * 13 + [1] * 34, "total-t", "male", 6, 65.05, "borderline"),
        (
            alone(
                47,
                dict.fromkeys(range(1, 47), 1)
                | {8: 2, 9: 2, 10: 2, 12: 2, 13: 2, 14: 2, 16: 2, 17: 2, 18: 2, 20: 2, 22: 2},
            ),
            "total-anxiety-t",
            "female",
            9,
            64.09,
            "below borderline",
        ),
        (
            low_mood(16),
            "depression-t",
            "female",
            12,
            64.92,
            "below borderline",
        ),  # though it rounds to 65
        (low_mood(15), "depression-t", "female", 9, 69.97, "borderline"),  # though it rounds to 70
    ],
)
def test_rcads_47_t_scores(
    answers: list[Any], scale: str, sex: str, grade: int, t: float, label: str
) -> None:
    row = scored("rcads-47-child", answers, sex=sex, grade=grade, bands="t-score")
    column = f"rcads_47_child__{scale.replace('-', '_')}"
    assert row[column] == pytest.approx(t, abs=0.005)
    assert row[f"{column}_band"] == label


def test_rcads_47_t_is_missing_below_the_grades_of_the_norms() -> None:
    assert math.isnan(value("rcads-47-child", low_mood(17), "depression-t", sex="female", grade=2))
    assert not math.isnan(
        value("rcads-47-child", low_mood(17), "depression-t", sex="female", grade=3)
    )


@pytest.mark.parametrize("sex", ["non-binary", "", None])
def test_rcads_47_t_is_missing_where_no_norm_fits_the_sex(sex: str | None) -> None:
    row = scored("rcads-47-child", low_mood(17), sex=pd.Series([sex], dtype="object"), grade=7)
    assert math.isnan(row["rcads_47_child__depression_t"])
    assert row["rcads_47_child__depression"] == 17


def test_rcads_47_grade_is_asked_for_and_never_inferred_from_age() -> None:
    row = scored("rcads-47-child", low_mood(17), sex="female", age=10)
    assert [name for name in row.index if name.endswith("_t")] == []
    fourth, fifth = (
        value("rcads-47-child", low_mood(17), "depression-t", sex="female", grade=g) for g in (4, 5)
    )
    assert fourth != fifth


def test_rcads_25_scales_are_an_exact_partition() -> None:
    assert partition("rcads-25-child", ["depression", "anxiety"]) == list(range(1, 26))


@pytest.mark.parametrize(
    ("item", "right", "wrong"),
    [(24, "depression", "anxiety"), (18, "anxiety", "depression"), (22, "anxiety", "depression")],
)
def test_rcads_25_wrong_keys_in_circulation(item: int, right: str, wrong: str) -> None:
    row = scored("rcads-25-child", alone(25, {item: 3}))
    assert (row[f"rcads_25_child__{right}"], row[f"rcads_25_child__{wrong}"]) == (3, 0)


def test_rcads_25_a_missing_answer_is_not_made_up() -> None:
    answers = [1, 2, 0, 1, 2, 1, 2, 1, 0, 1, 0, 1, 2, 0, 1, 1, 0, 0, 1, 1, 2, 2, 0, 1, 2]
    row = scored("rcads-25-child", changed(answers, i24=None))
    assert math.isnan(row["rcads_25_child__depression"]) and math.isnan(
        row["rcads_25_child__total"]
    )
    assert row["rcads_25_child__anxiety"] == 13
    assert value("rcads-25-child", answers, "depression") == 12


@pytest.mark.parametrize(
    ("name", "n", "item", "flag"),
    [
        ("rcads-47-child", 47, 37, "safeguarding:thoughts-of-death"),
        ("rcads-25-child", 25, 18, "safeguarding:thoughts-of-death"),
    ],
)
def test_rcads_thoughts_of_death_are_shown_whatever_the_total(
    name: str, n: int, item: int, flag: str
) -> None:
    assert flags(name, alone(n, {item: 1})) == [flag]
    assert flags(name, alone(n, {item: 1}, rest=math.nan)) == [flag]
    assert flags(name, alone(n, {item: 0}, rest=3)) == []


# Cut-offs: at or above, with the limit itself; never called a diagnosis; none where sources disagree


@pytest.mark.parametrize(
    ("name", "answers", "total", "raised"),
    [
        ("smfq-child", [1] * 12 + [0], 12, ["screening:total-12-or-more"]),
        ("smfq-child", [1] * 11 + [0, 0], 11, []),
        ("smfq-parent", [2] * 13, 26, []),
        ("mfq-33-child", [1] * 28 + [0] * 5, 28, ["safeguarding:thoughts-of-death"]),
        ("cries-8", [5, 5, 5, 1, 1, 0, 0, 0], 17, ["screening:total-17-or-more"]),
        ("cries-8", [5, 5, 5, 1, 0, 0, 0, 0], 16, []),
        ("cats-7-17", [1] * 19 + [2], 21, ["screening:total-21-or-more"]),
        ("cats-7-17", [1] * 20, 20, []),
        ("cats-7-17-caregiver", [1] * 19 + [2], 21, ["screening:total-21-or-more"]),
        ("cats-7-17-caregiver", [1] * 20, 20, []),
        ("cats-3-6", [3] * 16, 48, []),
        ("cpss-5", [2] * 11 + [1] * 9, 31, ["screening:total-31-or-more"]),
        ("cpss-5", [2] * 10 + [1] * 10, 30, []),
    ],
)
def test_cut_offs_include_their_limit(
    name: str, answers: list[Any], total: int, raised: list[str]
) -> None:
    assert value(name, answers, "total") == total
    assert flags(name, answers) == raised


@pytest.mark.parametrize(
    "name", ["smfq-child", "cries-8", "cats-7-17", "cats-7-17-caregiver", "cpss-5"]
)
def test_cut_offs_are_screening_and_no_diagnosis(name: str) -> None:
    (flag,) = ek.measure(name).flags
    assert flag.kind == "screening" and flag.sources
    assert "diagnos" not in flag.says.lower()


@pytest.mark.parametrize(
    "name",
    [
        "rcads-25-child",
        "smfq-child",
        "smfq-parent",
        "mfq-33-child",
        "cats-3-6",
        "kidscreen-10",
        "scwbs",
        "cyrm-r-5",
        "cyrm-r-3",
    ],
)
def test_bands_that_were_withheld_are_not_there(name: str) -> None:
    assert ek.measure(name).systems == ()


# Trauma


@pytest.mark.parametrize("code", [2, 4])
def test_cries_8_answers_of_2_and_4_are_refused(code: int) -> None:
    with pytest.raises(InvalidData, match="cries_8_1"):
        scored("cries-8", alone(8, {1: code}))
    assert value("cries-8", alone(8, {1: 5}), "total") == 5


def test_cries_8_intrusion_and_avoidance() -> None:
    row = scored("cries-8", [5, 3, 3, 1, 0, 3, 5, 3])
    assert [row[f"cries_8__{scale}"] for scale in ("intrusion", "avoidance", "total")] == [
        16,
        7,
        23,
    ]
    row = scored("cries-8", [5, 5, 3, 5, 3, 1, 5, None])
    assert row["cries_8__intrusion"] == 14
    assert math.isnan(row["cries_8__avoidance"])


def test_cats_of_the_second_version_is_not_scored_as_the_first() -> None:
    with pytest.raises(InvalidInput):
        ek.score(pd.DataFrame({f"cats_2_{n}": [1.0] for n in range(1, 21)}), "cats-2")


def test_cpss_5_impairment_is_not_in_the_sum() -> None:
    answers = [2, 1, 1, 2, 3, 2, 2, 0, 2, 1, 2, 1, 2, 1, 2, 1, 2, 3, 2, 3]
    with_impairment = scored("cpss-5", [*answers, *[1] * 7])
    assert with_impairment["cpss_5__total"] == value("cpss-5", answers, "total") == 35
    clusters = [with_impairment[f"cpss_5__cluster_{c}"] for c in "bcde"]
    assert clusters == [9, 4, 9, 13]


def test_cpss_5_is_not_the_scale_of_17_items_coded_0_to_3() -> None:
    assert ek.measure("cpss-5").scale("total").range == (0, 80) != (0, 51)
    with pytest.raises(InvalidInput):
        ek.score(pd.DataFrame({f"cpss_5_{n}": [1.0] for n in range(1, 18)}), "cpss-5")


# Wellbeing


def test_me_and_my_feelings_item_15_is_reversed_and_emotional_reaches_20() -> None:
    assert value("me-and-my-feelings", alone(16, {15: 2}), "behavioural") == 0
    assert value("me-and-my-feelings", alone(16, {11: 2, 15: 2}), "behavioural") == 2 != 4
    assert value("me-and-my-feelings", [2] * 16, "emotional") == 20 != 15


def test_me_and_my_feelings_prorates_by_a_local_rule_unrounded() -> None:
    answers: list[Any] = [0, 0, 0, 1, 0, 1, 2, 0, 0, 2, 0, 0, 1, 0, 1, 0]
    three = changed(answers, i1=None, i2=None, i3=None)
    assert value("me-and-my-feelings", three, "emotional") == pytest.approx(60 / 7)
    assert flags("me-and-my-feelings", three) == ["prorated:emotional"]
    assert math.isnan(value("me-and-my-feelings", changed(three, i4=None), "emotional"))
    two = changed(answers, i11=None, i12=None)
    assert value("me-and-my-feelings", two, "behavioural") == 2 * 6 / 4
    assert math.isnan(value("me-and-my-feelings", changed(two, i13=None), "behavioural"))
    for scale in ek.measure("me-and-my-feelings").scales:
        assert scale.missing is not None and scale.missing.origin == "local"


def test_me_and_my_feelings_bands_are_off_unless_named() -> None:
    answers = [1] * 10 + [0, 0, 0, 0, 2, 0]
    assert band("me-and-my-feelings", answers, "emotional") is None
    assert band("me-and-my-feelings", answers, "emotional", "published") == "borderline"
    assert band("me-and-my-feelings", [0, *answers[1:]], "emotional", "published") == "expected"
    assert band("me-and-my-feelings", [2, 2, *answers[2:]], "emotional", "published") == "clinical"


def test_scwbs_lowest_is_12_of_12_items() -> None:
    total = ek.measure("scwbs").scale("total")
    assert total.range == (12, 60) and not {"2", "7", "13"} & set(total.items)
    assert value("scwbs", alone(15, {2: 5, 7: 5, 13: 5}, rest=1), "total") == 12 != 15


@pytest.mark.parametrize(
    ("items", "raised"),
    [
        ((1, 1, 1), ["caution:social-desirability-lowest"]),
        ((1, 1, 2), []),
        ((4, 4, 5), []),
        ((4, 5, 5), ["caution:social-desirability-high"]),
        ((5, 5, 5), ["caution:social-desirability-high"]),
        ((5, 5, None), []),
    ],
)
def test_scwbs_social_desirability_raises_caution(
    items: tuple[Any, ...], raised: list[str]
) -> None:
    answers = alone(15, dict(zip((2, 7, 13), items, strict=True)), rest=3)
    assert flags("scwbs", answers) == raised


def test_scwbs_caution_is_raised_where_the_total_is_missing() -> None:
    answers = [5, 1, 4, 4, 5, 4, 1, 5, 4, 5, 4, 4, 1, 5, None]
    assert math.isnan(value("scwbs", answers, "total"))
    assert value("scwbs", answers, "positive-outlook") == 27
    assert flags("scwbs", answers) == ["caution:social-desirability-lowest"]


def test_kidscreen_10_reverses_3_and_4_and_gives_no_t_score() -> None:
    assert value("kidscreen-10", [4, 4, 1, 2, 3, 4, 5, 4, 4, 3], "total") == 40 != 34
    assert [scale.id for scale in ek.measure("kidscreen-10").scales] == ["total"]


def test_cyrm_r_of_3_and_5_points_are_never_mixed() -> None:
    answers = [4, 5, 3, 4, 4, 5, 3, 4, 2, 4, 4, 5, 3, 4, 4, 3, 4]
    assert value("cyrm-r-5", answers, "total") == 65
    with pytest.raises(InvalidData):
        scored("cyrm-r-3", answers)
    assert not set(ek.measure("cyrm-r-3").prefixes) & set(ek.measure("cyrm-r-5").prefixes)


@pytest.mark.parametrize("name", ["cyrm-r-5", "cyrm-r-3"])
def test_cyrm_r_subscales_that_were_not_verified_are_left_out(name: str) -> None:
    assert [scale.id for scale in ek.measure(name).scales] == ["total"]


# Known, and not scored


@pytest.mark.parametrize(
    "name",
    ["ors", "cors", "good-childhood-index", "student-resilience-survey", "cats-2", "kidscreen-27"],
)
def test_what_is_on_hold_is_never_scored(name: str) -> None:
    measure = ek.measure(name)
    assert measure.kind == "metadata" and measure.notes
    with pytest.raises(InvalidInput):
        ek.score(pd.DataFrame({f"{measure.column}_{n}": [1.0] for n in range(1, 48)}), name)
