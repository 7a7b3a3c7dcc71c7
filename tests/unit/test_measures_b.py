"""Traps of measures of trauma, substance use, abuse, and work with people who harm."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import InvalidData, InvalidInput
from evalkit.scoring import check_scores, score

Answer = float | None
SCORED = (
    "pcl-5", "ies-r", "itq", "audit", "audit-c", "dudit", "dast-10", "cage", "dash-safelives",
    "hits", "e-hits", "wast", "hark", "cas-30", "casr-sf", "cts2", "cbs-r", "web-agree-1",
    "web-agree-6", "fear-of-partner", "movers", "marac-referral", "urica-dv",
)  # fmt: skip
KNOWN_ONLY = (
    "soag", "abi", "aas", "pmwi-sf", "tip-scales", "cts2s", "ibwb", "gmts", "sara", "b-safer",
    "safe-at-home", "impact-toolkit",
)  # fmt: skip
IES = [2, 3, 2, 1, 3, 2, 1, 3, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 1, 2, 3, 2]
PCL = [2, 1, 3, 2, 1, 2, 2, 0, 3, 1, 2, 2, 1, 1, 1, 0, 3, 2, 2, 3]
ITQ = [2, 1, 0, 3, 2, 2, 0, 2, 1, 2, 0, 1, 1, 3, 2, 2, 0, 0]
CASR = [3, 2, 0, 1, 0, 2, 4, 0, 1, 3, 0, 2, 1, 0, 1]
WEB = [1, 2, 1, 3, 2, 1, 2, 1, 4, 2]
AUDIT = [3, 2, 2, 1, 1, 0, 2, 1, 0, 2]


def frame_of(measure_id: str, answers: Sequence[Answer]) -> pd.DataFrame:
    """Return one response, given in item order; optional items may be left off."""
    measure = ek.measure(measure_id)
    items = measure.items if len(answers) == len(measure.items) else measure.asked
    names = [f"{measure.column}_{item.column}" for item in items]
    return pd.DataFrame([list(answers)], columns=names, dtype="float64")


def one(
    measure_id: str, answers: Sequence[Answer], *, sex: str | None = None, **how: Any
) -> dict[str, Any]:
    """Score one person: scale ids, `n_answered` and `flags` (a list); None where missing."""
    frame = frame_of(measure_id, answers)
    if sex is not None:
        frame, how = frame.assign(sex=sex), how | {"sex": "sex"}
    start = f"{ek.measure(measure_id).column}__"
    row = ek.score(frame, measure_id, **how).iloc[0].to_dict()
    found = {
        name.removeprefix(start).replace("_", "-"): None if pd.isna(value) else value
        for name, value in row.items()
        if name.startswith(start)
    }
    return found | {"flags": (found["flags"] or "").split(";") if found["flags"] else []}


def all_at(measure_id: str, value: float, **changed: Answer) -> list[Answer]:
    """Answer every item alike, save for items named in `changed` (`i14` is item 14)."""
    own = {name.removeprefix("i"): answer for name, answer in changed.items()}
    items = ek.measure(measure_id).asked
    return [own.get(item.column, value) for item in items]


def key(measure_id: str, scale: str, low: float = 0, high: float = 1) -> set[str]:
    """Find by scoring which items move a scale, one raised at a time over the rest at `low`."""
    still = one(measure_id, all_at(measure_id, low))[scale]
    names = [item.column for item in ek.measure(measure_id).asked]
    raised = {x: one(measure_id, all_at(measure_id, low, **{f"i{x}": high})) for x in names}
    return {x for x, row in raised.items() if row[scale] != still}


def texts(numbers: Iterable[int]) -> set[str]:
    return {str(number) for number in numbers}


# ------------------------------------------------------------------------------- all measures


@pytest.mark.parametrize("name", SCORED)
def test_straight_lines_give_the_ends_of_every_sum_that_turns_no_item(name: str) -> None:
    measure = ek.measure(name)
    low = one(name, [item.low for item in measure.asked])
    high = one(name, [item.high for item in measure.asked])
    checked = [
        x for x in measure.scales if x.method in ("sum", "mean") and not x.reverse and not x.recode
    ]
    for scale in checked:
        assert (low[scale.id], high[scale.id]) == scale.range, scale.id
    assert checked or name in ("dast-10", "web-agree-1", "cts2")


@pytest.mark.parametrize("name", SCORED)
def test_a_partial_sum_is_never_given_under_the_name_of_the_full_score(name: str) -> None:
    measure = ek.measure(name)
    first_blank = one(name, [None, *[item.high for item in measure.asked[1:]]])
    for scale in measure.scales:
        if scale.method in ("sum", "mean", "count") and measure.asked[0].id in scale.items:
            rule = scale.missing.rule if scale.missing else ""
            assert (first_blank[scale.id] is None) == (rule == "complete"), scale.id


@pytest.mark.parametrize("name", SCORED)
def test_an_empty_form_has_no_score_and_never_0(name: str) -> None:
    row = one(name, [None] * len(ek.measure(name).asked))
    assert {row[scale.id] for scale in ek.measure(name).scales} == {None}
    assert row["n-answered"] == 0
    assert not [flag for flag in row["flags"] if not flag.endswith("?")]


@pytest.mark.parametrize("name", KNOWN_ONLY)
def test_measures_without_a_confirmed_key_are_never_scored(name: str) -> None:
    measure = ek.measure(name)
    assert measure.kind == "metadata" and measure.scales == () and measure.notes
    with pytest.raises(InvalidInput, match="not scored"):
        ek.score(pd.DataFrame({"q1": [1.0]}), name)


@pytest.mark.parametrize(
    "name", ["dash-safelives", "danger-assessment", "marac-referral", "sara", "b-safer", "soag"]
)
def test_risk_checklists_are_not_outcome_scales(name: str) -> None:
    assert ek.measure(name).purpose == "risk"


@pytest.mark.parametrize("name", (*SCORED, "danger-assessment", *KNOWN_ONLY))
def test_no_item_wording_is_held(name: str) -> None:
    measure = ek.measure(name)
    assert not measure.licence.text_included
    assert all(not item.text and len(item.label.split()) <= 3 for item in measure.items)


@pytest.mark.parametrize("name", SCORED)
def test_only_bands_with_two_sources_come_unasked(name: str) -> None:
    measure = ek.measure(name)
    if measure.default_bands is None:
        assert not [
            column
            for column in one(name, [x.low for x in measure.asked])
            if column.endswith("-band")
        ]
    else:
        found = [x.band_system(measure.default_bands) for x in measure.scales]
        assert {system.verification for system in found if system} == {"V2"}


# name, answers that reach the cut-off, one point less, the flag
LIMITS: list[tuple[str, Sequence[Answer], Sequence[Answer], str]] = [
    ("pcl-5", [4] * 7 + [3] + [0] * 12, [4] * 7 + [2] + [0] * 12, "screening:total-31"),
    ("audit", [2, 1, 1, 1, 1, 0, 1, 1, 0, 0], [1, 1, 1, 1, 1, 0, 1, 1, 0, 0], "screening:total-8"),
    ("audit", [1, 0, 1, 2, 2, 0, 0, 0, 0, 0], [1, 0, 1, 2, 1, 0, 0, 0, 0, 0], "screening:dependence-4"),
    ("audit-c", [2, 2, 1], [2, 1, 1], "screening:uk-5"),
    ("dudit", [3, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4], [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 4], "screening:dependence"),
    ("cage", [0, 1, 1, 0], [0, 1, 0, 0], "screening:total-2"),
    ("dash-safelives", [1] * 14 + [0] * 10, [1] * 13 + [0] * 11, "safeguarding:visible-high-risk"),
    ("hits", [1, 4, 1, 5], [1, 4, 1, 4], "screening:total-above-10"),
    ("e-hits", [1, 3, 1, 3, 1], [1, 3, 1, 2, 1], "screening:total-above-8"),
    ("e-hits", [1, 5, 1, 5, 1], [1, 5, 1, 4, 1], "safeguarding:total-above-12"),
    ("hark", [1, 0, 0, 0], [0, 0, 0, 0], "screening:any-yes"),
    ("web-agree-1", [5] * 10, [5] * 9 + [6], "screening:total-20"),
    ("web-agree-6", [2] * 10, [*[2] * 9, 1], "screening:total-20"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "reaching", "short", "flag"), LIMITS)
def test_cut_offs_are_reached_at_the_limit_and_not_one_point_below(
    name: str, reaching: Sequence[Answer], short: Sequence[Answer], flag: str
) -> None:
    assert flag in one(name, reaching)["flags"]
    assert flag not in one(name, short)["flags"]
    assert abs(sum(x or 0 for x in reaching) - sum(x or 0 for x in short)) == 1


# ------------------------------------------------------------------------------- trauma


def test_ies_r_item_14_belongs_to_intrusion_not_hyperarousal() -> None:
    row = one("ies-r", IES)
    assert (row["intrusion-sum"], row["avoidance-sum"], row["hyperarousal-sum"]) == (16, 16, 12)
    assert row["hyperarousal-sum"] != 14 and row["total"] == 44
    alone = one("ies-r", all_at("ies-r", 0, i14=4))
    assert (alone["intrusion-sum"], alone["hyperarousal-sum"]) == (4, 0)


def test_ies_r_key_is_8_8_6() -> None:
    keys = {
        "intrusion": (1, 2, 3, 6, 9, 14, 16, 20),
        "avoidance": (5, 7, 8, 11, 12, 13, 17, 22),
        "hyperarousal": (4, 10, 15, 18, 19, 21),
    }
    for name, items in keys.items():
        assert key("ies-r", f"{name}-sum") == key("ies-r", f"{name}-mean") == texts(items)
    assert sorted(item for items in keys.values() for item in items) == list(range(1, 23))


def test_ies_r_sums_and_means_are_named_apart() -> None:
    row = one("ies-r", all_at("ies-r", 3))
    assert [row[f"{x}-sum"] for x in ("intrusion", "avoidance", "hyperarousal")] == [24, 24, 18]
    assert [row[f"{x}-mean"] for x in ("intrusion", "avoidance", "hyperarousal")] == [3, 3, 3]


def test_ies_r_item_14_missing_takes_intrusion_and_total_only() -> None:
    row = one("ies-r", [None if n == 13 else x for n, x in enumerate(IES)])
    assert row["intrusion-mean"] is None and row["total"] is None
    assert row["avoidance-sum"] == 16 and row["hyperarousal-sum"] == 12


def test_ies_r_cut_off_of_33_is_not_shipped_while_that_of_uk_veterans_must_be_named() -> None:
    assert ek.measure("ies-r").systems == ("uk-veterans-46",)
    assert not ek.measure("ies-r").flags
    assert one("ies-r", IES, bands="uk-veterans-46")["total-band"] == "below 46"


def test_pcl_5_total_and_symptom_rule_may_disagree_and_both_are_reported() -> None:
    agree, disagree = one("pcl-5", PCL), one("pcl-5", [*PCL[:5], 1, 1, *PCL[7:]])
    assert (agree["total"], agree["provisional-diagnosis"]) == (34, 1)
    assert (disagree["total"], disagree["provisional-diagnosis"]) == (32, 0)
    assert disagree["flags"] == ["screening:total-31"]


def test_pcl_5_clusters_are_5_2_7_6() -> None:
    keys = {"b": range(1, 6), "c": range(6, 8), "d": range(8, 15), "e": range(15, 21)}
    for name, items in keys.items():
        assert key("pcl-5", f"cluster-{name}") == texts(items)
        assert key("pcl-5", f"symptoms-{name}", high=2) == texts(items)


PCL_MET = {"i1": 2, "i6": 2, "i8": 2, "i9": 2, "i15": 2, "i16": 2}


def test_pcl_5_needs_1_1_2_2_symptoms_each_at_least_2() -> None:
    assert one("pcl-5", all_at("pcl-5", 0, **PCL_MET))["provisional-diagnosis"] == 1
    for item in PCL_MET:
        short = all_at("pcl-5", 1, **(PCL_MET | {item: 1}))
        assert one("pcl-5", short)["provisional-diagnosis"] == 0, item


@pytest.mark.parametrize(
    ("first", "others"),
    [
        ("i1", range(1, 6)),
        ("i6", (6, 7)),
        ("i8", (8, *range(10, 15))),
        ("i15", (15, *range(17, 21))),
    ],
)
def test_pcl_5_any_symptom_of_a_cluster_counts(first: str, others: Iterable[int]) -> None:
    rest = {name: value for name, value in PCL_MET.items() if name != first}
    for item in others:
        row = one("pcl-5", all_at("pcl-5", 1, **rest, **{f"i{item}": 2}))
        assert row["provisional-diagnosis"] == 1, item


def test_pcl_5_incomplete_is_not_a_sum_of_what_was_answered() -> None:
    row = one("pcl-5", [None, *PCL[1:]])
    assert row["total"] is None and row["total"] != 32
    assert row["cluster-b"] is None and row["cluster-c"] == 4


ITQ_CLUSTERS = {
    "ptsd-criteria": (("p1", "p2"), ("p3", "p4"), ("p5", "p6"), ("p7", "p8", "p9")),
    "dso-criteria": (("c1", "c2"), ("c3", "c4"), ("c5", "c6"), ("c7", "c8", "c9")),
}


@pytest.mark.parametrize("scale", ITQ_CLUSTERS)
def test_itq_takes_2_as_endorsed_not_only_more_than_2(scale: str) -> None:
    for n, cluster in enumerate(ITQ_CLUSTERS[scale]):
        others = {x: 2.0 for m, group in enumerate(ITQ_CLUSTERS[scale]) for x in group if m != n}
        for item in cluster:
            assert one("itq", all_at("itq", 0, **others, **{item: 2}))[scale] == 1, item
        below = dict.fromkeys(cluster, 1.0)
        assert one("itq", all_at("itq", 0, **others, **below))[scale] == 0, cluster


def test_itq_gives_one_category_or_none() -> None:
    ptsd, complex_ptsd = one("itq", ITQ), one("itq", [*ITQ[:12], 2, *ITQ[13:]])
    assert (ptsd["ptsd-sum"], ptsd["dso-sum"], ptsd["category"]) == (10, 9, 1)
    assert (complex_ptsd["dso-sum"], complex_ptsd["category"]) == (10, 2)
    dso_alone = one("itq", [1.0] * 9 + [2.0] * 9)
    assert (dso_alone["dso-criteria"], dso_alone["category"]) == (1, 0)


def test_itq_missing_answer_is_undetermined_only_where_it_matters() -> None:
    unsure = one("itq", [*ITQ[:2], None, 1, *ITQ[4:]])
    assert unsure["ptsd-criteria"] is None and unsure["category"] is None
    sure = one("itq", [*ITQ[:2], None, 3, *ITQ[4:]])
    assert (sure["ptsd-criteria"], sure["category"], sure["ptsd-sum"]) == (1, 1, None)
    either = one("itq", [*ITQ[:11], None, *ITQ[12:]])
    assert (either["ptsd-criteria"], either["dso-criteria"], either["category"]) == (1, None, None)


def test_itq_has_no_total_of_18_items_and_no_severity_bands() -> None:
    assert "total" not in [scale.id for scale in ek.measure("itq").scales]
    assert ek.measure("itq").systems == ()
    assert key("itq", "ptsd-sum") == {f"p{n}" for n in range(1, 7)}
    assert key("itq", "dso-sum") == {f"c{n}" for n in range(1, 7)}


# ------------------------------------------------------------------------------- substance use


def test_audit_blanks_are_0_only_where_the_skip_is_met() -> None:
    blank = [None] * 7
    assert one("audit", [0, *blank, 0, 0])["total"] == 0
    assert one("audit", [1, *blank, 0, 0])["total"] is None
    assert one("audit", [1, 0, 0, *blank[:5], 2, 0])["total"] == 3
    assert one("audit", [1, 0, 1, *blank[:5], 2, 0])["total"] is None


def test_audit_items_9_and_10_are_asked_even_after_a_skip() -> None:
    blank: list[Answer] = [None] * 7
    assert one("audit", [0, *blank, None, 0])["total"] is None
    assert one("audit", [0, *blank, 4, 2])["total"] == 6


def test_audit_skip_never_overwrites_an_answer() -> None:
    assert one("audit", [0, None, None, 3, None, None, None, None, 0, 0])["total"] == 3


def test_audit_partial_form_is_not_summed() -> None:
    row = one("audit", [*AUDIT[:4], None, *AUDIT[5:]])
    assert row["total"] is None and row["total"] != 13
    assert (row["consumption"], row["dependence"], row["problems"]) == (7, None, 5)
    assert row["total-band"] is None


@pytest.mark.parametrize(("item", "code"), [(9, 1), (9, 3), (10, 1), (10, 3), (1, 5)])
def test_audit_items_9_and_10_take_0_2_4_only(item: int, code: int) -> None:
    answers = [code if n + 1 == item else x for n, x in enumerate(AUDIT)]
    with pytest.raises(InvalidData):
        one("audit", answers)


def test_audit_subtotals_are_items_1_to_3_4_to_6_and_7_to_10() -> None:
    # From 1, since an answer of 0 to item 1 would start the skip.
    assert one("audit", AUDIT)["total"] == 14
    low = [1, 1, 1, 1, 1, 1, 1, 1, 0, 0]
    still = one("audit", low)
    for item in range(10):
        row = one("audit", [2 if n == item else x for n, x in enumerate(low)])
        moved = {x for x in ("consumption", "dependence", "problems") if row[x] != still[x]}
        assert moved == {"consumption" if item < 3 else "dependence" if item < 6 else "problems"}


@pytest.mark.parametrize(
    ("answers", "label"),
    [
        ([1, 1, 1, 1, 1, 0, 1, 1, 0, 0], "low risk"),
        ([2, 1, 1, 1, 1, 0, 1, 1, 0, 0], "hazardous"),
        ([2, 2, 2, 2, 2, 2, 2, 1, 0, 0], "hazardous"),
        ([2, 2, 2, 2, 2, 2, 2, 2, 0, 0], "harmful"),
        ([3, 2, 2, 2, 2, 2, 2, 2, 2, 0], "harmful"),
        ([2, 2, 2, 2, 2, 2, 2, 2, 2, 2], "possible dependence"),
    ],
)
def test_audit_bands_change_at_8_16_and_20(answers: list[Answer], label: str) -> None:
    assert one("audit", answers)["total-band"] == label


@pytest.mark.parametrize("sex", ["male", "female"])
def test_audit_c_cut_offs_by_sex_are_not_mixed_with_the_uk_5(sex: str) -> None:
    assert one("audit-c", [2, 1, 1], sex=sex)["flags"] == []
    assert one("audit-c", [2, 1, 0], sex=sex)["flags"] == []
    assert one("audit-c", [2, 2, 1], sex=sex)["flags"] == ["screening:uk-5"]


def test_dudit_rows_of_codes_are_not_swapped() -> None:
    assert one("dudit", [1, 3, 1, 3, 1, 3, 1, 3, 1, 2, 4])["total"] == 23
    for item in range(11):
        for code in (1, 3):
            answers = [float(code) if n == item else 0.0 for n in range(11)]
            if item < 9:
                assert one("dudit", answers)["total"] == code
            else:
                with pytest.raises(InvalidData):
                    one("dudit", answers)


@pytest.mark.parametrize(
    ("total", "sex", "flags"),
    [
        (1, "female", []),
        (2, "female", ["screening:harmful-woman"]),
        (2, "male", []),
        (5, "male", []),
        (6, "male", ["screening:harmful-man"]),
        (6, "not said", []),
        (6, None, []),
    ],
)
def test_dudit_cut_off_needs_the_recorded_sex(
    total: int, sex: str | None, flags: list[str]
) -> None:
    answers = [float(n < total) for n in range(9)] + [0.0, 0.0]
    row = one("dudit", answers, sex=sex)
    assert (row["total"], row["flags"]) == (total, flags)


def test_dast_10_item_3_counts_where_the_answer_is_no() -> None:
    assert one("dast-10", [1, 0, 0, 0, 0, 1, 0, 0, 0, 0])["total"] == 3
    assert one("dast-10", [1, 0, 1, 0, 0, 1, 0, 0, 0, 0])["total"] == 2
    assert one("dast-10", [0] * 10)["total"] == 1
    assert one("dast-10", [1] * 10)["total"] == 9


def test_dast_10_does_not_reverse_the_items_of_the_28_item_form() -> None:
    for item in (4, 5, 7):
        row = one("dast-10", all_at("dast-10", 0, **{f"i{item}": 1}))
        assert row["total"] == 2, item


def test_dast_10_is_not_scored_from_one_answered_item() -> None:
    assert one("dast-10", [1, *[None] * 9])["total"] is None


# ------------------------------------------------------------------------------- abuse


def test_dash_with_blanks_is_a_lower_and_an_upper_bound() -> None:
    row = one("dash-safelives", [1] * 12 + [0] * 9 + [None] * 3)
    assert (row["total"], row["total-at-least"], row["total-at-most"]) == (None, 12, 15)
    assert row["flags"] == ["safeguarding:visible-high-risk?"] and row["n-answered"] == 21


def test_dash_14_can_be_asserted_with_blanks_and_below_14_only_if_blanks_cannot_reach_it() -> None:
    assert one("dash-safelives", [1] * 14 + [None] * 10)["flags"] == [
        "safeguarding:visible-high-risk"
    ]
    assert one("dash-safelives", [1] * 10 + [0] * 11 + [None] * 3)["flags"] == []
    assert one("dash-safelives", [1] * 11 + [0] * 10 + [None] * 3)["flags"] == [
        "safeguarding:visible-high-risk?"
    ]


def test_dash_professional_judgement_raises_and_never_lowers() -> None:
    low, high = [1.0] * 8 + [0.0] * 16, [1.0] * 15 + [0.0] * 9
    assert one("dash-safelives", [*low, 1.0])["flags"] == ["safeguarding:professional-judgement"]
    assert one("dash-safelives", [*low, 0.0])["flags"] == []
    assert one("dash-safelives", [*high, 0.0])["flags"] == ["safeguarding:visible-high-risk"]
    assert one("dash-safelives", [*low, 1.0])["total"] == 8


def test_dash_limit_is_a_parameter_since_local_practice_differs() -> None:
    frame = frame_of("dash-safelives", [1] * 10 + [0] * 14)
    measure = ek.measure("dash-safelives")
    assert score(frame, measure)["dash_safelives__flags"].isna().all()
    local = score(frame, measure, limits={"visible-high-risk": 10})
    assert list(local["dash_safelives__flags"]) == ["safeguarding:visible-high-risk"]


def test_dash_has_24_questions_and_no_medium_or_low_band() -> None:
    measure = ek.measure("dash-safelives")
    assert measure.systems == () and len(measure.asked) == 24


def test_hits_runs_from_1_to_5_and_refuses_codes_from_0() -> None:
    assert one("hits", [2, 4, 2, 4])["total"] == 12
    assert one("hits", [1, 1, 1, 1])["total"] == 4
    with pytest.raises(InvalidData):
        one("hits", [1, 3, 0, 3])
    with pytest.raises(InvalidData):
        one("e-hits", [0, 3, 1, 3, 1])


def test_hits_cut_offs_of_the_study_coded_0_to_4_do_not_leak_in() -> None:
    assert one("hits", [1, 3, 1, 3])["flags"] == []
    assert one("e-hits", [1, 1, 1, 1, 1])["flags"] == []


@pytest.mark.parametrize("item", [0, 4])
def test_e_hits_physical_or_sexual_item_is_flagged_whatever_the_total(item: int) -> None:
    row = one("e-hits", [2.0 if n == item else 1.0 for n in range(5)])
    assert row["total"] == 6 and row["flags"] == ["safeguarding:hurt-or-forced"]


def test_wast_most_abuse_is_the_highest_score() -> None:
    assert one("wast", [1, 1, 0, 0, 1, 0, 1, 0])["total"] == 4
    assert one("wast", [2] * 8)["total"] == 16
    assert ek.measure("wast").scale().higher_is == "worse"


def test_wast_answers_coded_1_to_3_are_refused_not_misread() -> None:
    with pytest.raises(InvalidData):
        one("wast", [1, 1, 3, 1, 1, 1, 1, 1])
    assert ek.measure("wast").systems == () and not ek.measure("wast").flags


def test_hark_any_yes_is_positive_and_blanks_are_no_no() -> None:
    assert one("hark", [0, 1, 0, 0])["positive"] == 1
    assert one("hark", [0, 0, 0, 0])["positive"] == 0
    unsure = one("hark", [0, 0, None, 0])
    assert unsure["positive"] is None and unsure["total"] is None and unsure["total-at-least"] == 0
    assert one("hark", [1, None, None, None])["positive"] == 1


def test_hark_items_3_and_4_are_safeguarding_whatever_the_rest() -> None:
    for item, flag in ((2, "safeguarding:forced-sex"), (3, "safeguarding:physical-harm")):
        row = one("hark", [1.0 if n == item else None for n in range(4)])
        sure = [word for word in row["flags"] if not word.endswith("?")]
        assert sure == [flag, "screening:any-yes"] and row["total-at-least"] == 1


def test_danger_assessment_is_not_scored_from_answers_since_weights_in_circulation_are_invented() -> (
    None
):
    measure = ek.measure("danger-assessment")
    assert measure.kind == "score-only" and measure.items == () and measure.systems == ()
    with pytest.raises(InvalidInput, match="finished scores"):
        ek.score(pd.DataFrame({f"q{n}": [1.0] for n in range(1, 21)}), "danger-assessment")
    assert check_scores([-3, 0, 26, 39, None, -4, 40, 7.5], measure) == [5, 6, 7]


def test_cas_30_has_a_total_and_no_guessed_subscales() -> None:
    assert [scale.id for scale in ek.measure("cas-30").scales] == ["total"]
    assert one("cas-30", [1] * 10 + [0] * 20)["total"] == 10
    assert one("cas-30", [1] * 10 + [0] * 18 + [None] * 2)["total"] is None
    for count, label in ((2, "below 3"), (3, "3 or more")):
        row = one("cas-30", [1] * count + [0] * (30 - count), bands="cut-3")
        assert row["total-band"] == label


def test_casr_sf_is_the_mean_times_15_not_the_sum_times_15() -> None:
    assert one("casr-sf", CASR)["total"] == 20
    assert one("casr-sf", CASR)["total"] != 300
    assert one("casr-sf", [5] * 15)["total"] == 75


def test_casr_sf_needs_11_answers_and_takes_their_mean() -> None:
    def without(*items: int) -> Any:
        return one("casr-sf", [None if n + 1 in items else x for n, x in enumerate(CASR)])["total"]

    assert without(3, 8, 14) == pytest.approx(25.0)
    assert without(3, 5, 8, 14) == pytest.approx(20 / 11 * 15)
    assert without(3, 5, 8, 11, 14) is None
    flags = one("casr-sf", [None, *CASR[1:]])["flags"]
    assert flags == ["prorated:total"]


CTS2 = {
    "negotiation": (1, 2, 7, 20, 30, 39),
    "psychological": (3, 13, 15, 18, 25, 33, 34, 35),
    "physical": (4, 5, 9, 11, 14, 17, 19, 22, 23, 27, 31, 37),
    "sexual-coercion": (8, 10, 24, 26, 29, 32, 38),
    "injury": (6, 12, 16, 21, 28, 36),
}
SIDES = ("perpetration", "victimisation")


@pytest.fixture(scope="module")
def cts2_one_by_one() -> pd.DataFrame:
    """Score 78 people, each with one act once (a diagonal), indexed by item."""
    names = [f"cts2_{n}" for n in range(1, 79)]
    rows = [[float(a == b) for a in range(78)] for b in range(78)]
    scored = ek.score(pd.DataFrame(rows, columns=names), "cts2")
    return scored.set_axis(range(1, 79), axis=0)


def cts2_items(name: str, side: str) -> list[int]:
    """Odd items tell of the respondent's acts, but of the respondent's own injuries."""
    odd = (side == "perpetration") != (name == "injury")
    return [2 * pair - odd for pair in CTS2[name]]


@pytest.mark.parametrize("name", CTS2)
@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("kind", ["frequency", "variety", "prevalence", "ever"])
def test_cts2_key_and_sides(cts2_one_by_one: pd.DataFrame, name: str, side: str, kind: str) -> None:
    column = cts2_one_by_one[f"cts2__{name}_{side}_{kind}".replace("-", "_")]
    assert list(column[column > 0].index) == cts2_items(name, side)


def test_cts2_pairs_are_1_to_39_each_once() -> None:
    assert sorted(pair for pairs in CTS2.values() for pair in pairs) == list(range(1, 40))


def test_cts2_injury_of_the_respondent_is_the_partners_doing() -> None:
    mine = one("cts2", all_at("cts2", 0, i11=1))
    assert (mine["injury-victimisation-frequency"], mine["injury-perpetration-frequency"]) == (1, 0)
    theirs = one("cts2", all_at("cts2", 0, i12=1))
    assert (theirs["injury-victimisation-ever"], theirs["injury-perpetration-ever"]) == (0, 1)
    hit = one("cts2", all_at("cts2", 0, i7=1))
    assert (hit["physical-perpetration-ever"], hit["physical-victimisation-ever"]) == (1, 0)


@pytest.mark.parametrize(
    ("code", "times"), [(0, 0), (1, 1), (2, 2), (3, 4), (4, 8), (5, 15), (6, 25), (7, 0)]
)
def test_cts2_codes_become_times_a_year(code: int, times: int) -> None:
    row = one("cts2", all_at("cts2", 0, i8=code))
    assert row["physical-victimisation-frequency"] == times
    assert (
        row["physical-victimisation-variety"]
        == row["physical-victimisation-prevalence"]
        == (times > 0)
    )
    assert row["physical-victimisation-ever"] == (code > 0)


def test_cts2_code_7_is_not_more_than_20_times() -> None:
    row = one("cts2", [7] * 78)
    for name in CTS2:
        for side in SIDES:
            assert row[f"{name}-{side}-frequency"] == row[f"{name}-{side}-prevalence"] == 0
            assert row[f"{name}-{side}-ever"] == 1


def test_cts2_worked_example_and_missing() -> None:
    acts = dict(
        zip(
            cts2_items("physical", "perpetration"),
            [1, 0, 7, 0, 3, 0, 0, 0, 2, 0, 0, 0],
            strict=True,
        )
    )
    row = one("cts2", [float(acts.get(n, 0)) for n in range(1, 79)])
    assert row["physical-perpetration-frequency"] == 7 and row["physical-perpetration-variety"] == 3
    blank = one("cts2", all_at("cts2", 0, i7=None, i9=2))
    assert blank["physical-perpetration-frequency"] is None
    assert blank["physical-perpetration-prevalence"] == blank["physical-perpetration-ever"] == 1
    unsure = one("cts2", all_at("cts2", 0, i7=None))
    assert unsure["physical-perpetration-prevalence"] is None


def test_cbs_r_items_by_scale_and_means() -> None:
    keys: Mapping[str, range] = {
        "economic": range(1, 5), "threatening": range(5, 9), "intimidating": range(9, 14),
        "emotional": range(14, 19), "isolating": range(19, 25),
    }  # fmt: skip
    for name, items in keys.items():
        assert key("cbs-r", name) == texts(items)
    assert one("cbs-r", [1, 0, 2, 0, *[0] * 20])["economic"] == 0.75
    assert one("cbs-r", [1, None, 2, None, *[0] * 20])["economic"] is None


def test_web_with_strongly_agree_as_1_is_turned_before_summing() -> None:
    row = one("web-agree-1", WEB)
    assert row["total"] == 51 and row["total"] != 19
    assert row["flags"] == ["screening:total-20"]
    assert one("web-agree-1", [6] * 10)["total"] == 10
    assert one("web-agree-1", [1] * 10)["total"] == 60


def test_web_the_two_codings_of_one_answer_agree() -> None:
    turned = [7 - x for x in WEB]
    assert one("web-agree-6", turned)["total"] == one("web-agree-1", WEB)["total"] == 51
    assert one("web-agree-6", WEB)["total"] == 19


def test_web_direction_must_be_said() -> None:
    frame = pd.DataFrame([WEB], columns=[f"web_{n}" for n in range(1, 11)], dtype="float64")
    for name in ("web-agree-1", "web-agree-6"):
        with pytest.raises(InvalidInput):
            ek.score(frame, name)


def test_fear_missing_is_not_no_and_yes_reaches_a_person() -> None:
    assert one("fear-of-partner", [None])["afraid"] is None
    assert one("fear-of-partner", [1])["flags"] == ["safeguarding:afraid-now"]
    assert one("fear-of-partner", [0, 1])["afraid"] == 0


def test_movers_three_scores_no_total_and_trade_offs_not_turned() -> None:
    scales = {scale.id: scale.higher_is for scale in ek.measure("movers").scales}
    assert scales == {
        "internal-tools": "better",
        "expectations-of-support": "better",
        "tradeoffs": "worse",
    }
    row = one("movers", [4, 2, 3, 3, 4, 2, 5, 4, 3, 1, 4, 3, 4])
    assert row["internal-tools"] == pytest.approx(23 / 6)
    assert row["expectations-of-support"] == 3.5
    assert row["tradeoffs"] == pytest.approx(5 / 3) and row["tradeoffs"] != pytest.approx(6 - 5 / 3)


def test_movers_items_by_scale_and_missing() -> None:
    assert key("movers", "internal-tools", 1, 5) == texts((1, 3, 5, 7, 9, 11))
    assert key("movers", "expectations-of-support", 1, 5) == texts((4, 8, 12, 13))
    assert key("movers", "tradeoffs", 1, 5) == texts((2, 6, 10))
    row = one("movers", all_at("movers", 3, i13=None))
    assert (row["internal-tools"], row["expectations-of-support"], row["tradeoffs"]) == (3, None, 3)


@pytest.mark.parametrize("item", range(4))
def test_marac_any_one_ground_is_enough_and_a_blank_leaves_it_open(item: int) -> None:
    alone = one("marac-referral", [1.0 if n == item else 0.0 for n in range(4)])
    assert (alone["referral"], alone["flags"]) == (1, ["safeguarding:referral"])
    unsure = one("marac-referral", [None if n == item else 0.0 for n in range(4)])
    assert (unsure["referral"], unsure["flags"]) == (None, ["safeguarding:referral?"])


# ------------------------------------------------------------------------------- people who harm


def test_urica_dv_subtracts_precontemplation_and_turns_no_item() -> None:
    row = one("urica-dv", [2, 1, 2, 1, 2, 4, 4, 5, 4, 4, 3, 4, 3, 4, 4, 3, 2, 3, 3, 2])
    means = [row[x] for x in ("precontemplation", "contemplation", "action", "maintenance")]
    assert means == pytest.approx([1.6, 4.2, 3.6, 2.6])
    assert row["readiness"] == pytest.approx(8.8)
    assert row["readiness"] != pytest.approx(1.6 + 4.2 + 3.6 + 2.6)
    assert one("urica-dv", [5] * 20)["readiness"] == 10


def test_urica_dv_index_runs_from_minus_2_to_14_and_needs_all_four_means() -> None:
    assert one("urica-dv", [5] * 5 + [1] * 15)["readiness"] == -2
    assert one("urica-dv", [1] * 5 + [5] * 15)["readiness"] == 14
    row = one("urica-dv", [3.0] * 11 + [None] + [3.0] * 8)
    assert (row["action"], row["readiness"], row["maintenance"]) == (None, None, 3)


def test_urica_dv_items_are_named_by_subscale_since_their_order_is_not_confirmed() -> None:
    frame = pd.DataFrame([[3.0] * 20], columns=[f"q{n}" for n in range(1, 21)])
    with pytest.raises(InvalidInput):
        ek.score(frame, "urica-dv")


def test_ibwb_has_no_total_since_its_subscales_run_in_opposite_directions() -> None:
    measure = ek.measure("ibwb")
    assert measure.scales == () and any("opposite directions" in note for note in measure.notes)


@pytest.mark.parametrize("name", ["sara", "b-safer"])
def test_professional_judgement_guides_have_no_total(name: str) -> None:
    assert any("judgement only" in note for note in ek.measure(name).notes)
