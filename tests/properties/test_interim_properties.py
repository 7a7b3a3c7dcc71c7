"""What must hold of interim looks, and what they refuse."""

from __future__ import annotations

from math import inf
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import InvalidInput
from evalkit.stats.planning.interim import interim_verdict
from evalkit.stats.planning.spending import spending_bounds

quick = settings(deadline=None, max_examples=25)
KINDS = st.sampled_from(["obrien-fleming", "pocock"])
LOOKS = st.lists(st.integers(5, 99), min_size=1, max_size=4, unique=True).map(
    lambda x: [value / 100 for value in sorted(x)] + [1.0]
)


@quick
@given(looks=LOOKS, kind=KINDS, sides=st.sampled_from([1, 2]))
def test_all_of_alpha_is_spent_and_never_more(looks: Any, kind: str, sides: int) -> None:
    found = spending_bounds(looks, spending=kind, sides=sides)
    assert found.alpha_spent[-1] == pytest.approx(0.05, rel=1e-12)
    assert sum(found.alpha_at_look) == pytest.approx(0.05, rel=1e-12)
    assert all(np.diff((0, *found.alpha_spent)) >= 0)
    assert list(found.to_frame()["look"]) == list(range(1, len(looks) + 1))
    for spent, p in zip(found.alpha_at_look, found.p_nominal, strict=True):
        assert p >= spent * (1 - 1e-9)


@quick
@given(looks=LOOKS, kind=KINDS, extra=st.integers(1, 98))
def test_an_extra_look_changes_nothing_before_it(looks: Any, kind: str, extra: int) -> None:
    added = sorted({*looks, extra / 100 + 0.005})
    before = sum(look < extra / 100 + 0.005 for look in looks)
    old, new = (spending_bounds(x, spending=kind).z for x in (looks, added))
    np.testing.assert_allclose(old[:before], new[:before], rtol=1e-9)
    assert spending_bounds(added, spending=kind).alpha_spent[-1] == pytest.approx(0.05)


@quick
@given(looks=LOOKS, kind=KINDS, unit=st.sampled_from([0.01, 37.0, 1e6]))
def test_the_unit_of_information_does_not_matter(looks: Any, kind: str, unit: float) -> None:
    scaled = spending_bounds([unit * look for look in looks], spending=kind, planned=unit)
    np.testing.assert_allclose(scaled.z, spending_bounds(looks, spending=kind).z, rtol=1e-8)


def test_one_look_is_the_ordinary_test() -> None:
    for kind in ("obrien-fleming", "pocock"):
        assert spending_bounds([1.0], spending=kind).z[0] == pytest.approx(1.959963984540054)
        assert spending_bounds([1.0], spending=kind, sides=1).z[0] == pytest.approx(1.6448536)


def test_too_early_for_a_boundary() -> None:
    found = spending_bounds([0.01, 0.5, 1.0])
    assert found.z[0] == inf and found.alpha_spent[0] == 0
    np.testing.assert_allclose(found.z[1:], spending_bounds([0.5, 1.0]).z, rtol=1e-9)


def test_the_last_look_comes_early_or_late() -> None:
    early = spending_bounds([40, 80], planned=100, final=True)
    late = spending_bounds([40, 120], planned=100)
    assert early.alpha_spent[-1] == late.alpha_spent[-1] == 0.05
    assert spending_bounds([40, 80], planned=100).alpha_spent[-1] < 0.03
    # the later the last look, the less it knows of the first: its boundary is higher
    assert early.z[1] < spending_bounds([40, 100], planned=100).z[1] < late.z[1]


@quick
@given(z=st.lists(st.floats(-6, 6), min_size=1, max_size=3), kind=KINDS)
def test_direction(z: list[float], kind: str) -> None:
    looks = [0.3, 0.6, 1.0][: len(z)]
    call: dict[str, Any] = {"information": looks, "spending": kind}
    up = interim_verdict(z=z, higher_is_better=True, **call)
    down = interim_verdict(z=[-x for x in z], higher_is_better=False, **call)
    assert (up.verdict, up.look, up.z) == (down.verdict, down.look, down.z)
    at, look = up.z[up.look - 1], up.look - 1
    crossed = at >= up.z_benefit[look] or at <= -up.z_harm[look]
    assert crossed == up.verdict.startswith("stop")
    assert all(h <= b for h, b in zip(up.z_harm, up.z_benefit, strict=True))


@pytest.mark.parametrize(
    ("z", "looks", "verdict", "look"),
    [
        ([1.0], [0.2], "continue", 1),
        ([-2.2], [0.2], "stop for harm", 1),
        ([-2.1], [0.2], "continue", 1),
        ([4.9], [0.2], "stop for benefit", 1),
        ([4.8], [0.2], "continue", 1),
        ([1.0, 5.0, 0.0], [0.2, 0.5, 0.7], "stop for benefit", 2),
        ([0.5, 1.0], [0.5, 1.0], "no boundary crossed", 2),
        ([0.5, 2.0], [0.5, 1.0], "stop for benefit", 2),
    ],
)
def test_verdicts(z: list[float], looks: list[float], verdict: str, look: int) -> None:
    found = interim_verdict(z=z, information=looks, higher_is_better=True)
    assert (found.verdict, found.look) == (verdict, look)
    assert verdict in found.sentence
    assert bool(found.notes) == (look < len(z))


def test_estimates_give_repeated_intervals() -> None:
    call: dict[str, Any] = {"estimate": [-1, -1.4], "std_error": [0.8, 0.5]}
    found = interim_verdict(**call, information=[0.3, 0.6], higher_is_better=False)
    assert found.verdict == "stop for benefit"
    frame = found.to_frame()
    half = np.array(found.z_benefit) * np.array(found.std_error)
    np.testing.assert_allclose(frame["conf_high"] - frame["estimate"], half)
    assert frame["conf_high"].iloc[1] < 0 < frame["conf_high"].iloc[0]
    own = interim_verdict(**call, planned=10.0, higher_is_better=False)
    np.testing.assert_allclose(own.fraction, [1 / 0.64 / 10, 1 / 0.25 / 10])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"information": [0.5, 0.4]}, "rise"),
        ({"information": [0.5, 0.5]}, "rise"),
        ({"information": [0.5, 0.5001]}, "rise"),
        ({"information": []}, "empty"),
        ({"information": [0.0, 1.0]}, "positive"),
        ({"information": [0.5, None]}, "missing"),
        ({"information": [0.5, 1.2]}, "planned"),
        ({"information": [0.5, 1.0, 1.2], "planned": 1.0}, "all of alpha"),
        ({"information": [0.5], "planned": 0}, "planned"),
        ({"information": [0.5], "alpha": 1.5}, "alpha"),
        ({"information": [0.5], "sides": 3}, "sides"),
        ({"information": [0.5], "spending": "pocok"}, "pocock"),
    ],
)
def test_bounds_refuse(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        spending_bounds(**options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, "either z"),
        ({"z": [1], "estimate": [1], "std_error": [1]}, "either z"),
        ({"estimate": [1]}, "either z"),
        ({"estimate": [1], "std_error": [0]}, "above 0"),
        ({"estimate": [1, 2], "std_error": [1]}, "as many"),
        ({"z": [1, 2], "information": [0.5]}, "one a look"),
        ({"z": [None], "information": [0.5]}, "missing"),
        ({"z": [1]}, "information"),
        ({"z": [1], "information": [0.5], "higher_is_better": None}, "higher_is_better"),
        ({"z": [1], "information": [0.5], "harm_alpha": 0}, "harm_alpha"),
        ({"z": [1], "information": [0.5], "harm_spending": "x"}, "harm_spending"),
    ],
)
def test_verdict_refuses(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        interim_verdict(**({"higher_is_better": True} | options))
