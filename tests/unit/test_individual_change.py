"""Reliable change: what each status needs, its denominators, its refusals, and its mirror image."""

from __future__ import annotations

from math import sqrt
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.results import Records
from evalkit.stats.persons import individual_change
from evalkit.stats.persons.individual_change import INDICES, METHODS, ReliableChange

Z = float(norm.ppf(0.975))
JT: dict[str, Any] = {"higher_is_better": True, "reliability": 0.8, "sd": 7.5}


def reliable_change(pre: Any, post: Any, **options: Any) -> ReliableChange:
    return individual_change.reliable_change(pre, post, **options)


def counts(found: ReliableChange, arm: Any = None) -> dict[str, int]:
    return {rate.status: rate.n for rate in found.rates if rate.arm == arm}


# --- the indices: the worked example, s 7.5, r .8, means 40 and 50, 32.5 to 47.5 -----------------


@pytest.mark.parametrize(
    ("method", "index"),
    [
        ("jacobson-truax", 3.162278),
        ("gulliksen-lord-novick", 3.0),
        ("hsu-linn-lord", 0.777778),
        ("edwards-nunnally", 4.024922),
        ("nunnally-kotsch", 3.142936),
    ],
)
def test_worked_example(method: str, index: float) -> None:
    found = reliable_change([32.5, 47.5], [47.5, 52.5], method=method, **JT, reliability_post=0.8)
    assert found.rci[0] == pytest.approx(index, rel=5e-7)
    assert found.sem == pytest.approx(3.354102, rel=1e-6)
    assert found.s_diff == pytest.approx(4.743416, rel=1e-6)


@pytest.mark.parametrize(("rule", "cutoff"), [("a", 55), ("b", 45), ("c", 50), (51.5, 51.5)])
def test_cutoffs(rule: Any, cutoff: float) -> None:
    norms = {"clinical": (40, 7.5), "functional": (60, 7.5)}
    found = reliable_change([32.5], [47.5], **JT, **norms, cutoff=rule)
    assert found.cutoff == pytest.approx(cutoff)
    assert found.cutoff_rule == (rule if isinstance(rule, str) else "given")
    below = reliable_change(
        [-32.5], [-47.5], **{**JT, "higher_is_better": False}, cutoff=rule if rule != 51.5 else -51.5,
        clinical=(-40, 7.5), functional=(-60, 7.5),
    )  # fmt: skip
    assert below.cutoff == pytest.approx(-cutoff)
    assert below.clinical == (-40, 7.5)


def test_cutoff_b_takes_the_functional_sd() -> None:
    found = reliable_change([30], [30], **JT, clinical=(40, 20), functional=(60, 5), cutoff="b")
    assert found.cutoff == 50


def test_a_cutoff_of_zero_is_zero() -> None:
    found = reliable_change(
        [-0.3], [0.0], **{**JT, "sd": 0.01}, clinical=(-0.3, 0.1), functional=(0.9, 0.3), cutoff="c"
    )
    assert found.cutoff == 0
    assert found.status == ("improved",)


# --- the statuses ---------------------------------------------------------------------------------


def test_each_status() -> None:
    pre = [40, 40, 40, 40, 55, 55, 55, 40]
    post = [60, 49.9, 43, 30, 40, 70, 51, None]
    found = reliable_change(pre, post, **JT, cutoff=50)
    assert found.status == (
        *("recovered", "improved", "unchanged", "deteriorated", "deteriorated-clinically"),
        *("improved", "unchanged", None),
    )
    alone = reliable_change(pre, post, **JT)
    assert alone.status == (
        *("improved", "improved", "unchanged", "deteriorated", "deteriorated"),
        *("improved", "unchanged", None),
    )
    assert alone.cutoff is None and alone.cutoff_rule is None
    assert list(counts(alone)) == ["improved", "unchanged", "deteriorated"]


def test_on_the_cutoff_is_the_clinical_side() -> None:
    found = reliable_change([50, 40, 60, 60], [70, 50, 50, 50.001], **JT, cutoff=50)
    assert found.status == ("recovered", "improved", "deteriorated-clinically", "deteriorated")
    rates = {rate.status: rate for rate in found.rates}
    assert rates["recovered"].n_could == 2
    assert rates["deteriorated-clinically"].n_could == 2


@pytest.mark.parametrize("start", [0.0, 0.1, 33.3, 1234.5])
def test_exactly_the_threshold_is_not_past_it(start: float) -> None:
    sd = 10 / (Z * sqrt(2 * (1 - 0.8)))
    found = reliable_change(
        [start] * 4, [start + 10, start - 10, start + 10.0001, start - 10.0001], **{**JT, "sd": sd}
    )
    assert found.threshold == pytest.approx(10)
    assert found.status == ("unchanged", "unchanged", "improved", "deteriorated")


def test_minimal_change_is_reached_at_its_size() -> None:
    options: dict[str, Any] = {"method": "anchor", "higher_is_better": True}
    found = reliable_change(
        [0.1, 0.3, 0.1, 0.3], [0.3, 0.1, 0.29, 0.11], minimal_change=0.2, **options
    )
    assert found.status == ("improved", "deteriorated", "unchanged", "unchanged")
    found = reliable_change([1, 3, 1], [3, 1, 5], minimal_change=(4, 2), **options)
    assert found.status == ("unchanged", "deteriorated", "improved")
    assert (found.minimal_improvement, found.minimal_deterioration) == (4, 2)


def test_an_index_and_a_minimal_change_must_both_be_met() -> None:
    pre, post = [40, 40, 60, 60], [50, 55, 50, 45]
    both = reliable_change(pre, post, **JT, minimal_change=15)
    assert both.status == ("unchanged", "improved", "unchanged", "deteriorated")
    one = reliable_change(pre, post, **JT, minimal_change=(15, 0))
    assert one.status == ("unchanged", "improved", "deteriorated", "deteriorated")
    little = reliable_change([40], [45], **JT, minimal_change=2)
    assert little.status == ("unchanged",)


def test_percentage() -> None:
    found = reliable_change(
        [20, 20, 20, 0, 0, -20, None], [10, 11, 25, 5, 0, -10, 3],
        method="percentage", minimal_change=(0.5, 0.25), higher_is_better=False,
    )  # fmt: skip
    assert found.status == (
        *("improved", "unchanged", "deteriorated", None, None, "deteriorated", None),
    )
    assert found.change_share is not None
    np.testing.assert_allclose(found.change_share, [-0.5, -0.45, 0.25, np.nan, np.nan, 0.5, np.nan])
    assert dict(found.dropped_why) == {
        "no first score": 1,
        "first score 0, so no share of it": 2,
    }
    rate = found.rates[0]
    assert (rate.n_both, rate.n_used, rate.n_undefined, rate.n_no_first) == (6, 4, 2, 1)


def test_undefined_shares_are_in_no_denominator() -> None:
    found = reliable_change(
        [0, 2, 8],
        [6, 6, 2],
        method="percentage",
        minimal_change=0.5,
        higher_is_better=True,
        cutoff=5,
    )
    assert found.status == (None, "recovered", "deteriorated-clinically")
    assert [found.rates[k].n_could for k in (0, 4)] == [1, 1]


def test_labels_are_plain_values() -> None:
    found = reliable_change([1, 2], [2, 3], **JT, arm=np.array([0, 1]))
    assert [type(rate.arm) for rate in found.rates[::3]] == [int, int]


def test_hageman_arrindell_critical_value() -> None:
    rng = np.random.default_rng(3)
    pre = rng.normal(20, 6, 40)
    post = pre - rng.normal(6, 6, 40)
    options: dict[str, Any] = {
        "method": "hageman-arrindell",
        "higher_is_better": False,
        "reliability": 0.9,
    }
    assert reliable_change(pre, post, **options).critical == 1.65
    at90 = reliable_change(pre, post, **options, level=0.9)
    assert at90.critical == pytest.approx(1.281552, rel=1e-6)
    jt = reliable_change(pre, post, higher_is_better=False, reliability=0.9, level=0.9)
    assert jt.critical == pytest.approx(1.644854, rel=1e-6)


# --- denominators ---------------------------------------------------------------------------------


def test_every_person_is_counted_once_by_arm() -> None:
    pre = [40, 40, 55, 40, None, None, 40, 60]
    post = [60, 41, 40, None, 50, None, 60, 61]
    arm = ["b", "b", "b", "b", "b", "a", None, "a"]
    found = reliable_change(pre, post, **JT, cutoff=50, arm=arm)
    assert isinstance(found.rates, Records)
    assert [rate.arm for rate in found.rates] == ["b"] * 5 + ["a"] * 5 + [None] * 5
    first = found.rates[0]
    assert (first.status, first.n, first.n_used, first.n_could) == ("recovered", 1, 3, 2)
    assert first.share == pytest.approx(1 / 3) and first.share_could == 0.5
    assert first.could_low == pytest.approx(0.09453, abs=1e-5)
    assert (first.n_all, first.n_both, first.n_no_second, first.n_no_first) == (5, 3, 1, 1)
    fallen = found.rates[4]
    assert (fallen.status, fallen.n, fallen.n_could, fallen.share_could) == (
        *("deteriorated-clinically", 1, 1),
        1.0,
    )
    assert found.rates[1].n_could is None
    assert found.rates[5].n_could == 0 and found.rates[5].share_could is None
    assert (found.n_all, found.n_both, found.n_used, found.n_dropped) == (8, 5, 5, 3)
    assert sum(count for _, count in found.dropped_why) == 3
    assert [rate.n for rate in found.combined if rate.arm == "b"] == [1, 1]


def test_wilson_of_the_design_note() -> None:
    found = reliable_change([50] * 50, [20] * 7 + [50] * 43, **JT)
    worse = found.rates[2]
    assert (worse.status, worse.n) == ("deteriorated", 7)
    assert worse.conf_low == pytest.approx(0.0695083, abs=1e-7)
    assert worse.conf_high == pytest.approx(0.2618619, abs=1e-7)
    assert (found.rates[0].n, found.rates[0].conf_low) == (0, 0.0)


def test_nobody() -> None:
    found = reliable_change([None, 3], [2, None], **JT)
    assert found.status == (None, None)
    assert [rate.share for rate in found.rates] == [None] * 3
    assert [rate.conf_low for rate in found.rates] == [None] * 3
    empty = reliable_change([], [], **JT)
    assert empty.rates[0].n_all == 0 and empty.to_frame().empty


def test_frame_keeps_the_order_and_none() -> None:
    pre = pd.Series([40.0, np.nan, 30.0], index=[7, 8, 9])
    found = reliable_change(pre, [60, 50, None], **JT, arm=["x", None, "y"])
    frame = found.to_frame()
    assert list(frame) == ["arm", "pre", "post", "change", "rci", "status"]
    assert frame["status"].tolist() == ["improved", None, None]
    assert frame["arm"].tolist() == ["x", None, "y"]
    assert frame["pre"].tolist()[::2] == [40.0, 30.0]
    assert list(frame.index) == [0, 1, 2]
    assert "arm" not in reliable_change([1], [2], **JT).to_frame()
    assert len(found.rates.to_frame()) == 9


def test_the_default_sd_is_of_people_with_both_scores() -> None:
    found = reliable_change(
        [1, 2, 3, 100], [2, 3, 4, None], higher_is_better=True, reliability=0.8, cutoff="a"
    )
    assert found.sd == 1.0 and found.clinical == (2.0, 1.0)


def test_input_is_not_changed() -> None:
    pre, post = np.array([1.0, 5.0, np.nan]), np.array([2.0, np.nan, 3.0])
    before = pre.copy(), post.copy()
    reliable_change(pre, post, **JT)
    np.testing.assert_array_equal(pre, before[0])
    np.testing.assert_array_equal(post, before[1])


# --- properties -----------------------------------------------------------------------------------

score = st.one_of(st.none(), st.integers(-30, 60), st.integers(-300, 600).map(lambda x: x / 10))


@st.composite
def groups(draw: st.DrawFn) -> tuple[list[Any], list[Any], dict[str, Any]]:
    """Scores before and after, with the options of any method."""
    n = draw(st.integers(3, 25))
    pre, post = (draw(st.lists(score, min_size=n, max_size=n)) for _ in range(2))
    method = draw(st.sampled_from(METHODS))
    low, gap = draw(st.integers(-40, 40)), draw(st.integers(1, 30))
    options: dict[str, Any] = {
        "method": method,
        "reliability": draw(st.sampled_from([0.3, 0.7, 0.801, 0.95])),
        "reliability_post": 0.85,
        "clinical": (low, draw(st.integers(1, 9))),
        "functional": (low + gap, draw(st.integers(1, 9))),
        "cutoff": draw(st.sampled_from(["a", "b", "c", low + 1])),
        "level": draw(st.sampled_from([0.8, 0.95])),
    }
    least = draw(st.sampled_from([0.1, 0.25, 1])), draw(st.sampled_from([0.1, 0.5, 1]))
    if method not in INDICES or draw(st.booleans()):
        options["minimal_change"] = least
    return pre, post, options


def attempt(pre: Any, post: Any, **options: Any) -> ReliableChange:
    try:
        return reliable_change(pre, post, **options)
    except CannotEstimate:
        assume(False)
        raise


def mirrored(values: list[Any]) -> list[Any]:
    return [None if value is None else -value for value in values]


@settings(deadline=None, max_examples=300)
@given(groups())
def test_a_scale_and_its_mirror_image_agree(drawn: Any) -> None:
    pre, post, options = drawn
    one = attempt(pre, post, higher_is_better=True, **options)
    turned = dict(options)
    for name in ("clinical", "functional"):
        turned[name] = (-options[name][0], options[name][1])
    if not isinstance(options["cutoff"], str):
        turned["cutoff"] = -options["cutoff"]
    other = reliable_change(mirrored(pre), mirrored(post), higher_is_better=False, **turned)
    assert one.status == other.status
    np.testing.assert_array_equal(np.array(one.rci), -np.array(other.rci))
    assert one.cutoff == -other.cutoff  # type: ignore[operator]
    assert one.rates.to_frame().equals(other.rates.to_frame())


@settings(deadline=None, max_examples=200)
@given(groups(), st.data())
def test_counts_reconcile(drawn: Any, data: st.DataObject) -> None:
    pre, post, options = drawn
    arm = data.draw(
        st.one_of(
            st.none(),
            st.lists(st.sampled_from(["a", "b", None]), min_size=len(pre), max_size=len(pre)),
        )
    )
    found = attempt(pre, post, higher_is_better=True, arm=arm, **options)
    by_arm: dict[Any, list[Any]] = {}
    for rate in found.rates:
        by_arm.setdefault(rate.arm, []).append(rate)
    for rates in by_arm.values():
        first = rates[0]
        assert sum(rate.n for rate in rates) == first.n_used
        assert first.n_used + first.n_undefined == first.n_both
        assert first.n_both + first.n_no_second + first.n_no_first + first.n_neither == first.n_all
        could = [rate.n_could for rate in rates if rate.n_could is not None]
        assert sum(could) == first.n_used
        assert all(rate.n <= rate.n_could for rate in rates if rate.n_could is not None)
    assert sum(rates[0].n_all for rates in by_arm.values()) == found.n_all == len(pre)
    assert found.n_used + sum(count for _, count in found.dropped_why) == found.n_all
    assert [status is not None for status in found.status].count(True) == found.n_used


@settings(deadline=None, max_examples=100)
@given(groups(), st.randoms(use_true_random=False))
def test_order_of_people_does_not_matter(drawn: Any, shuffler: Any) -> None:
    pre, post, options = drawn
    one = attempt(pre, post, higher_is_better=True, **options)
    order = list(range(len(pre)))
    shuffler.shuffle(order)
    other = reliable_change(
        [pre[k] for k in order], [post[k] for k in order], higher_is_better=True, **options
    )
    assert [one.status[k] for k in order] == list(other.status)


# --- refusals -------------------------------------------------------------------------------------

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "unknown method": ({"method": "jacobson"}, "Did you mean 'jacobson-truax'"),
    "direction": ({"higher_is_better": "yes"}, "True or False"),
    "no reliability": ({"reliability": None}, "needs reliability"),
    "reliability 1": ({"reliability": 1}, "between 0 and 1"),
    "reliability 0": ({"reliability": 0.0}, "between 0 and 1"),
    "reliability 80": ({"reliability": 80}, "between 0 and 1"),
    "reliability text": ({"reliability": "high"}, "between 0 and 1"),
    "no post reliability": ({"method": "nunnally-kotsch"}, "needs reliability_post"),
    "post reliability 2": (
        {"method": "nunnally-kotsch", "reliability_post": 2},
        "reliability_post=2",
    ),
    "lengths": ({"post": [1, 2]}, "pre has 3 scores and post 2"),
    "arm length": ({"arm": ["a"]}, "1 labels for 3 people"),
    "arm word": ({"arm": "arm"}, "one label for each person"),
    "text": ({"pre": ["a", "b", "c"]}, "numbers"),
    "infinite": ({"pre": [1, np.inf, 2]}, "infinite"),
    "sd 0": ({"sd": 0}, "above 0"),
    "sd nan": ({"sd": np.nan}, "above 0"),
    "level": ({"level": 95}, "between 0 and 1"),
    "cutoff b": ({"cutoff": "b", "clinical": (40, 5)}, "needs functional"),
    "cutoff c": ({"cutoff": "c"}, "needs functional"),
    "cutoff d": ({"cutoff": "d"}, "cutoff='d'"),
    "cutoff true": ({"cutoff": True}, "a, b, c or a number"),
    "norms idle": ({"functional": (60, 5)}, "without a cutoff"),
    "norm shape": ({"cutoff": "b", "functional": 60}, "(mean, standard deviation)"),
    "norm sd 0": ({"cutoff": "b", "functional": (60, 0)}, "the SD of functional"),
    "norms wrong way": (
        {"cutoff": "c", "clinical": (60, 5), "functional": (40, 5)},
        "not on the better side",
    ),
    "norms at one place": (
        {"cutoff": "c", "clinical": (60, 5), "functional": (60, 5)},
        "not on the better side",
    ),
    "sample wrong way": ({"cutoff": "c", "functional": (1, 5)}, "the mean of pre"),
    "anchor needs": ({"method": "anchor"}, "has no minimal_change"),
    "anchor 0": ({"method": "anchor", "minimal_change": 0}, "above 0"),
    "negative": ({"minimal_change": -3}, "from 0"),
    "three": ({"minimal_change": (1, 2, 3)}, "(improvement, deterioration)"),
    "percent as 50": ({"method": "percentage", "minimal_change": 50}, "0.5 for half"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_refused(what: str) -> None:
    options, message = REFUSED[what]
    given = {"pre": [30, 40, 50], "post": [40, 50, 60], **JT, **options}
    with pytest.raises(InvalidInput) as caught:
        reliable_change(given.pop("pre"), given.pop("post"), **given)
    assert message in str(caught.value)
    assert "Allowed:" in str(caught.value)


@pytest.mark.parametrize(
    ("pre", "post", "options", "message"),
    [
        ([30, None], [40, 50], {}, "at least 2"),
        ([30, 30], [40, 50], {}, "do not vary"),
        ([30, 30], [40, 50], {"sd": 5, "cutoff": "a"}, "do not vary"),
        ([30], [40], {"sd": 5, "method": "gulliksen-lord-novick"}, "at least 2"),
        ([1, 2, 3], [2, 3, 4], {"method": "hageman-arrindell"}, "vary no more"),
        ([1, 2, 3], [2, 2.1, 2.2], {"method": "hageman-arrindell"}, "the SD of post"),
        ([1, 2, 3], [3, 3, 3], {"method": "hageman-arrindell"}, "post scores"),
    ],
)
def test_cannot(pre: Any, post: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(CannotEstimate, match=message):
        reliable_change(pre, post, higher_is_better=True, reliability=0.8, **options)


def test_a_table_of_scores_is_refused_in_words() -> None:
    table = np.ones((3, 2))
    with pytest.raises(InvalidInput, match="pre has 2 dimensions"):
        reliable_change(table, table, higher_is_better=True, reliability=0.8)
