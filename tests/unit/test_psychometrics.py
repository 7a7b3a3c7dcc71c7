"""Reliability, retest and agreement: what they refuse, count and say, and their symmetries."""

from __future__ import annotations

import math
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.stats.measuring.informants import agreement
from evalkit.stats.measuring.internal_consistency import reliability
from evalkit.stats.measuring.intraclass import cluster_icc, icc
from evalkit.stats.measuring.stability import retest


def scale(n: int = 60, items: int = 4, seed: int = 3) -> pd.DataFrame:
    draw = np.random.default_rng(seed)
    trait = draw.normal(size=n)
    raw = {f"q{i + 1}": 2 + 0.9 * trait + draw.normal(size=n) for i in range(items)}
    return pd.DataFrame({name: np.clip(np.rint(x), 0, 4) for name, x in raw.items()})


# --- reliability --------------------------------------------------------------------------------


def test_two_items_are_spearman_and_brown() -> None:
    """Standardised alpha of two items is 2r / (1 + r); there is no omega, and a note says so."""
    frame = scale(items=2)
    r = float(np.corrcoef(frame["q1"], frame["q2"])[0, 1])
    found = reliability(frame)
    assert found.alpha_standardised == pytest.approx(2 * r / (1 + r))
    assert found.omega is None and found.df is None and "two items" in found.notes[0]
    assert [item.alpha_if_dropped for item in found.items] == [None, None]
    assert reliability(scale(), omega=False).notes == ()


@pytest.mark.parametrize("missing", ["complete", "pairwise"])
def test_every_row_is_accounted_for(missing: str) -> None:
    frame = scale()
    frame.iloc[:3] = np.nan
    frame.iloc[3:8, 0] = np.nan
    frame.iloc[8:10, 1:] = np.nan
    before = frame.copy()
    found = reliability(frame, missing=missing)
    assert found.n_rows == 60 == found.n_used + found.n_dropped
    assert found.n_dropped == sum(count for _, count in found.dropped_why)
    expected = {
        "complete": (("no item answered", 3), ("some items not answered", 7)),
        "pairwise": (("no item answered", 3),),
    }
    assert found.dropped_why == expected[missing]
    assert found.n_complete == 50
    assert found.items[0].share_missing == pytest.approx(8 / 60)
    assert found.items[1].share_missing == pytest.approx(5 / 60)
    pd.testing.assert_frame_equal(frame, before)


def test_floor_and_ceiling_known_or_seen() -> None:
    frame = pd.DataFrame(
        {"a": [0, 1, 2, 3, 3, 0], "b": [0, 1, 3, 2, 3, 1], "c": [0, 2, 1, 3, 3, 0]}
    )
    seen = reliability(frame, omega=False)
    assert (seen.items[0].share_floor, seen.items[0].share_ceiling) == (2 / 6, 2 / 6)
    assert (seen.share_floor, seen.share_ceiling) == (1 / 6, 1 / 6)
    known = reliability(frame, low=0, high=[3, 4, 3], omega=False)
    assert known.items[1].share_ceiling == 0 and known.share_ceiling == 0
    assert known.share_floor == 1 / 6


def test_an_item_that_goes_against_the_rest_is_named() -> None:
    frame = scale()
    turned = frame.assign(q2=4 - frame["q2"])
    assert any("'q2'" in note and "need reversing" in note for note in reliability(turned).notes)
    right, plain = reliability(turned, reverse=["q2"], low=0, high=4), reliability(frame)
    assert (right.alpha, right.omega) == (plain.alpha, plain.omega)
    assert right.items[1].reversed and not right.notes


def test_frames_and_arrays_give_the_same() -> None:
    frame = scale()
    found = [
        reliability(x)
        for x in (frame, frame.astype("Int64"), pl.from_pandas(frame), frame.to_numpy())
    ]
    assert len({x.alpha for x in found}) == 1 and len({x.omega for x in found}) == 1
    assert [item.item for item in found[3].items] == ["0", "1", "2", "3"]


def test_alpha_in_other_units_and_far_from_zero() -> None:
    frame = scale()
    plain, far = reliability(frame), reliability(frame * 10 + 1e6)
    assert far.alpha == pytest.approx(plain.alpha, rel=1e-12)
    assert far.omega == pytest.approx(plain.omega, rel=1e-8)
    assert far.sem == pytest.approx(10 * plain.sem, rel=1e-12)
    assert plain.omega_low < plain.omega < plain.omega_high
    assert plain.smallest_change == pytest.approx(1.959964 * math.sqrt(2) * plain.sem, rel=1e-6)


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (lambda d: d[["q1"]], {}, "at least 2 items"),
        (lambda d: d.head(2), {}, "at least 3 rows"),
        (
            lambda d: d.mask(np.arange(len(d))[:, None] * np.ones((1, 4)) >= 2),
            {},
            "2 row(s) can be used",
        ),
        (lambda d: d.assign(q3=1.0), {}, "'q3': everyone gave the same answer"),
        (lambda d: d.assign(q3=np.nan), {"missing": "pairwise"}, "'q3': nobody answered"),
        (lambda d: d.assign(q3="x"), {}, "Allowed: numbers"),
        (lambda d: d, {"reverse": ["q1"]}, "low= and high="),
        (lambda d: d, {"reverse": ["q9"], "low": 0, "high": 4}, "no item 'q9'"),
        (lambda d: d, {"high": 2}, "beyond"),
        (lambda d: d, {"low": 4, "high": 4}, "low below high"),
        (lambda d: d, {"low": [0, 0]}, "1, or 4"),
        (lambda d: d, {"missing": "listwise"}, "complete, pairwise"),
        (lambda d: d, {"level": 95}, "level=95"),
        (lambda d: pd.concat([d, d], axis=1), {}, "more than once"),
        (lambda d: d["q1"].to_numpy(), {}, "rows by items"),
    ],
)
def test_what_reliability_refuses(change: Any, options: dict[str, Any], said: str) -> None:
    with pytest.raises(InvalidInput) as raised:
        reliability(change(scale()), **options)
    assert said in str(raised.value)


def test_a_factor_that_cannot_be_is_an_error_not_a_number() -> None:
    def answers(correlations: np.ndarray) -> np.ndarray:
        draw = np.random.default_rng(1).normal(size=(200, 3))
        draw = np.linalg.qr(draw - draw.mean(axis=0))[0]
        return draw @ np.linalg.cholesky(correlations).T

    heywood = np.array([[1, 0.8, 0.8], [0.8, 1, 0.4], [0.8, 0.4, 1]])
    with pytest.raises(NotConverged, match=r"item '0' no variance of its own"):
        reliability(answers(heywood))
    against = np.array([[1, 0.3, 0.3], [0.3, 1, -0.3], [0.3, -0.3, 1]])
    with pytest.raises(NotConverged, match="omega=False"):
        reliability(answers(against))
    assert reliability(answers(heywood), omega=False).omega is None


def test_repeated_items_and_no_total() -> None:
    frame = scale()
    with pytest.raises(CannotEstimate, match="sum of others"):
        reliability(frame.assign(q5=frame["q1"]))
    with pytest.raises(CannotEstimate, match="does not vary"):
        reliability(pd.DataFrame({"a": [0, 1, 2, 3], "b": [3, 2, 1, 0]}))


# --- retest and intraclass correlations ---------------------------------------------------------


def test_a_shift_counts_for_agreement_only() -> None:
    draw = np.random.default_rng(4)
    first = draw.normal(20, 5, 80)
    second = first + draw.normal(0, 2, 80)
    plain, moved = retest(first, second), retest(first, second + 4)
    assert moved.icc_consistency == pytest.approx(plain.icc_consistency)
    assert moved.sem_consistency == pytest.approx(moved.sd_difference / math.sqrt(2))
    assert moved.icc_agreement < plain.icc_agreement
    assert moved.sem_agreement > moved.sem_consistency
    assert moved.mean_difference == pytest.approx(plain.mean_difference + 4)
    assert "measured twice" in moved.sentence and len(moved.to_frame()) == 1


def test_pairs_left_out_are_counted_by_who_is_missing() -> None:
    first = [1.0, np.nan, 3, np.nan, 5, 6, 7]
    second = [2.0, 2, np.nan, np.nan, 5, 7, 7]
    found = retest(first, second)
    assert found.dropped_why == (("neither first nor second", 1), ("no first", 1), ("no second", 1))
    assert found.n_rows == 7 == found.n + found.n_dropped


def test_perfect_agreement_has_no_interval() -> None:
    found = retest([1, 2, 3, 4], [1, 2, 3, 4])
    assert found.icc_agreement == 1 and found.icc_agreement_low is None and found.notes
    assert found.sem_agreement == 0 and found.p_value is None and found.sentence
    shifted = retest([1, 2, 3, 4], [2, 3, 4, 5])
    assert shifted.icc_consistency == 1 and shifted.icc_consistency_low is None
    assert shifted.icc_agreement_low is not None and shifted.sem_agreement > 0


@pytest.mark.parametrize(
    ("first", "second", "error", "said"),
    [
        ([1, 2], [1, 2, 3], InvalidInput, "2 and 3 rows"),
        ([1, 2, None], [1, 2, 3], CannotEstimate, "2 complete pair(s)"),
        ([1, 1, 1], [1, 1, 1], CannotEstimate, "do not vary"),
        (["a", "b", "c"], [1, 2, 3], InvalidInput, "Allowed: numbers"),
        (pd.Series([1, 2, 3]), pd.Series([3, 2, 1], index=[2, 1, 0]), InvalidInput, "row labels"),
    ],
)
def test_what_retest_refuses(first: Any, second: Any, error: Any, said: str) -> None:
    with pytest.raises(error) as raised:
        retest(first, second)
    assert said in str(raised.value)


def test_icc_of_tables_and_clusters() -> None:
    ratings = pd.DataFrame({"a": [1, 2, 3, np.nan], "b": [2.0, 2, 4, 1], "c": [1.0, 3, 3, 2]})
    found = icc(ratings)
    assert found[0].dropped_why == (("a rating is missing", 1),) and found[0].n_subjects == 3
    assert list(found.to_frame()["form"])[1:3] == ["ICC(A,1)", "ICC(C,1)"]
    with pytest.raises(InvalidInput, match="two or more"):
        icc(ratings[["a"]])
    with pytest.raises(InvalidInput, match="subjects by raters"):
        icc([1, 2, 3])
    long = ratings.dropna().melt(ignore_index=False)
    for size in ("adjusted", "mean"):
        one, mean = cluster_icc(long["value"], long.index, size=size)
        for ours, theirs in ((one, found[0]), (mean, found[3])):
            for name in ("icc", "conf_low", "conf_high", "statistic", "p_value"):
                assert getattr(ours, name) == pytest.approx(getattr(theirs, name))
    with pytest.raises(CannotEstimate, match="2 clusters"):
        cluster_icc([1, 2, 3], [1, 1, 1])
    with pytest.raises(CannotEstimate, match="2 clusters"):
        cluster_icc([1, 2, 3], [1, 2, 3])


# --- agreement ----------------------------------------------------------------------------------


def test_agreement_counts_who_did_not_answer() -> None:
    found = agreement([1, 0, None, None, 1, 0], [1, None, 0, None, 0, 0])
    assert found.dropped_why == (("neither a nor b", 1), ("no a", 1), ("no b", 1))
    assert found.n_rows == 6 == found.n + found.n_dropped


def test_agreement_at_the_edges() -> None:
    always = agreement([True, True, True], [True, True, True])
    assert always.kappa is None and always.kappa_max is None and always.notes
    assert (always.mcnemar, always.exact_p, always.discordance_ratio) == (None, 1, None)
    assert always.ac1 == 1 and always.sentence.startswith("Of 3 pairs 100% agree;")
    one_way = agreement([1, 1, 1, 0], [0, 0, 1, 0])
    assert one_way.discordance_ratio == math.inf and one_way.discordance_high == math.inf
    assert one_way.discordance_low > 0
    never = agreement([1, 1, 0, 1], [0, 0, 0, 0])
    assert (never.reporting_ratio, never.reporting_ratio_low, never.missed_by_a) == (0, None, None)
    assert never.kappa == 0 and never.sentence
    perfect = agreement([1, 0, 1], [1, 0, 1])
    assert perfect.kappa == 1 and "no width" in perfect.notes[0]
    assert "no width" in agreement([1, 2, 3], [1, 2, 3], kind="ordinal").notes[0]
    flat = agreement([1, 2, 3, 4], [2, 2, 2, 2], kind="continuous")
    assert flat.pearson is None and flat.concordance == 0 and flat.sentence


def test_an_unused_code_keeps_its_distance() -> None:
    """Codes 1, 2, 4: the weights go by distance, so spacing the codes otherwise changes them."""
    a, b = [1, 2, 4, 2, 1, 4], [2, 2, 2, 1, 1, 4]
    used = agreement(a, b, kind="ordinal").linear
    closed_up = agreement([min(x, 3) for x in a], [min(x, 3) for x in b], kind="ordinal").linear
    assert used != pytest.approx(closed_up)
    stretched = agreement([10 * x for x in a], [10 * x for x in b], kind="ordinal").linear
    assert used == pytest.approx(stretched)


@pytest.mark.parametrize(
    ("a", "b", "options", "error", "said"),
    [
        ([1, 2, 1], [0, 1, 1], {}, InvalidInput, "0 and 1"),
        ([1, 0, 1], [0, 1, 1], {"kind": "nominal"}, InvalidInput, "binary, ordinal, continuous"),
        ([1, 0, 1], [0, 1], {}, InvalidInput, "3 and 2 rows"),
        ([2, 2, 2], [2, 2, 2], {"kind": "ordinal"}, CannotEstimate, "same answer"),
        ([2, 2, 2], [2, 2, 2], {"kind": "continuous"}, CannotEstimate, "do not vary"),
    ],
)
def test_what_agreement_refuses(a: Any, b: Any, options: Any, error: Any, said: str) -> None:
    with pytest.raises(error) as raised:
        agreement(a, b, **options)
    assert said in str(raised.value)


MIRRORED = {
    "a_only": "b_only", "missed_by_a": "missed_by_b", "a_higher": "b_higher", "mean_a": "mean_b",
    "conf_low": "conf_high", "lower_limit": "upper_limit", "lower_limit_low": "upper_limit_high",
    "lower_limit_high": "upper_limit_low", "discordance_low": "discordance_high",
    "reporting_ratio_low": "reporting_ratio_high", "a": "b",
}  # fmt: skip
MIRRORED |= {other: name for name, other in MIRRORED.items()}
NEGATED = {
    "bias_index", "mean_difference", "conf_low", "conf_high", "lower_limit", "upper_limit",
    "lower_limit_low", "lower_limit_high", "upper_limit_low", "upper_limit_high",
}  # fmt: skip
INVERTED = {
    "discordance_ratio", "discordance_low", "discordance_high", "reporting_ratio",
    "reporting_ratio_low", "reporting_ratio_high",
}  # fmt: skip


def mirror(name: str, value: Any) -> Any:
    if value is None or name not in NEGATED | INVERTED:
        return value
    if name in NEGATED:
        return -value
    return math.inf if value == 0 else 1 / value


@given(
    kind=st.sampled_from(["binary", "ordinal", "continuous"]),
    pairs=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=4, max_size=30),
)
@example(kind="continuous", pairs=[(1, 3), (1, 3), (2, 2), (4, 0)])
@example(kind="continuous", pairs=[(1, 3), (1, 3), (2, 2), (2, 2)])
def test_swapping_the_informants_mirrors(kind: str, pairs: list[tuple[int, int]]) -> None:
    a, b = zip(*pairs, strict=True)
    if kind == "binary":
        a, b = tuple(x % 2 for x in a), tuple(x % 2 for x in b)
        assume(sum(a) and sum(b))
    assume(len(set(a)) > 1 and len(set(b)) > 1)
    one = agreement(a, b, kind=kind, names=("x", "y"))
    other = agreement(b, a, kind=kind, names=("y", "x"))
    for item in fields(one):
        name = item.name
        found = mirror(name, getattr(other, MIRRORED.get(name, name)))
        if isinstance(found, float):
            assert getattr(one, name) == pytest.approx(found, rel=1e-9, abs=1e-9), name
        else:
            assert getattr(one, name) == found, name


@given(pairs=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=3, max_size=40))
def test_binary_is_ordinal_with_two_codes_and_limits_hold(pairs: list[tuple[bool, bool]]) -> None:
    a, b = zip(*pairs, strict=True)
    found = agreement(a, b)
    assert found.both + found.a_only + found.b_only + found.neither == found.n == len(pairs)
    for name in ("kappa", "ac1", "pabak"):
        value = getattr(found, name)
        if value is not None:
            low, high = getattr(found, f"{name}_low"), getattr(found, f"{name}_high")
            assert -1 <= low <= value + 1e-12 and value - 1e-12 <= high <= 1
    if found.kappa is not None:
        assert found.kappa <= found.kappa_max + 1e-12
        ordinal = agreement([int(x) for x in a], [int(x) for x in b], kind="ordinal")
        for name in ("kappa", "linear", "quadratic"):
            assert getattr(ordinal, name) == pytest.approx(found.kappa)
