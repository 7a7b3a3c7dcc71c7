"""What must hold of power calculations and planning factors, and what they refuse."""

from __future__ import annotations

from collections.abc import Callable
from math import nan
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.planning.planning_factors import (
    cluster_baseline_factors,
    design_effect,
    inflate_for_loss,
    repeated_factors,
)
from evalkit.stats.planning.power_clusters import power_blocked_cluster, power_cluster
from evalkit.stats.planning.power_people import power_blocked, power_individual
from evalkit.stats.planning.power_risks import power_binary

quick = settings(deadline=None, max_examples=30)
EFFECT, POWER = st.floats(0.1, 1.2), st.sampled_from([0.5, 0.8, 0.95])
SHARE, SIDES = st.sampled_from([0.3, 0.5, 0.6]), st.sampled_from([1, 2])
Design = Callable[..., Any]
DESIGNS: dict[str, tuple[Design, str, dict[str, Any]]] = {
    "individual": (power_individual, "n", {}),
    "blocked": (power_blocked, "blocks", {"block_size": 12}),
    "blocked-size": (power_blocked, "block_size", {"blocks": 6, "effects": "fixed"}),
    "blocked-random": (
        power_blocked,
        "blocks",
        {"block_size": 9, "effects": "random", "icc": 0.2, "effect_variation": 0.3},
    ),
    "cluster": (power_cluster, "clusters", {"cluster_size": 8, "icc": 0.1, "covariates": 2}),
    "cluster-groups": (
        power_cluster,
        "clusters",
        {"cluster_size": 8, "icc": 0.05, "groups": 2, "icc_group": 0.1},
    ),
    "blocked-cluster": (
        power_blocked_cluster,
        "blocks",
        {"clusters_per_block": 4, "cluster_size": 10, "icc": 0.1},
    ),
    "binary": (power_binary, "n", {"comparison_risk": 0.2}),
}


@quick
@given(name=st.sampled_from(sorted(DESIGNS)), effect=EFFECT, power=POWER, share=SHARE, sides=SIDES)
def test_round_trips(name: str, effect: float, power: float, share: float, sides: int) -> None:
    """The size found gives the power asked for, one less does not, and the effect comes back."""
    function, size, given_ = DESIGNS[name]
    effect = effect / 2 if name == "binary" else effect
    call: dict[str, Any] = given_ | {"share_treated": share, "sides": sides}
    sized = function(**call, effect=effect, power=power)
    found = sized.n / sized.blocks if size == "block_size" else getattr(sized, size)
    assert found == int(found) and sized.size_exact <= found < sized.size_exact + 1 + 1e-6
    assert sized.power_reached >= power * (1 - 1e-9)
    again = function(**call, effect=effect, **{size: found})
    assert again.power == pytest.approx(sized.power_reached, rel=1e-9)
    if sized.size_exact > found - 1 and found - 1 >= 4:
        try:
            assert function(**call, effect=effect, **{size: found - 1}).power < power
        except CannotEstimate as error:
            assert "degrees of freedom" in str(error)
    back = function(**call, power=again.power, **{size: found})
    assert back.effect == pytest.approx(effect, rel=1e-6)


@quick
@given(effect=EFFECT, share=SHARE, r2=st.sampled_from([0.0, 0.4]))
def test_arms_swap_and_sign(effect: float, share: float, r2: float) -> None:
    call: dict[str, Any] = {"n": 80, "r2_individual": r2}
    one = power_individual(**call, effect=effect, share_treated=share)
    other = power_individual(**call, effect=-effect, share_treated=1 - share)
    assert one.power == pytest.approx(other.power, rel=1e-12)
    risks = [
        power_binary(comparison_risk=a, effect=b - a, n=120, method="arcsine").power
        for a, b in ((0.2, 0.4), (0.4, 0.2), (0.8, 0.6))
    ]
    assert risks == pytest.approx([risks[0]] * 3)


def test_a_test_without_effect_rejects_at_alpha() -> None:
    for df_n in (5, 20, 5000):
        for sides in (1, 2):
            found = power_individual(n=df_n, effect=1e-9, sides=sides, alpha=0.03)
            assert found.power == pytest.approx(0.03, abs=1e-8)


def test_single_people_are_clusters_of_one() -> None:
    alone = power_individual(n=60, effect=0.5, r2_individual=0.3)
    for icc in (0.0, 0.4):
        r2: dict[str, Any] = {"r2_individual": 0.3, "r2_cluster": 0.3}
        ones = power_cluster(clusters=60, cluster_size=1, effect=0.5, icc=icc, **r2)
        assert ones.power == pytest.approx(alone.power, rel=1e-12)
        assert design_effect(cluster_size=1, icc=icc) == 1
    single = power_cluster(clusters=20, cluster_size=9, effect=0.5, icc=0.1)
    nested = power_cluster(clusters=20, cluster_size=9, effect=0.5, icc=0.1, groups=3)
    assert nested.power == pytest.approx(single.power, rel=1e-12)
    block = power_blocked(blocks=1, block_size=60, effect=0.5, effects="fixed", r2_individual=0.3)
    assert block.power == pytest.approx(alone.power, rel=1e-12)


@quick
@given(sizes=st.lists(st.integers(1, 60), min_size=2, max_size=30), icc=st.floats(0, 0.5))
def test_unequal_sizes_cost(sizes: list[int], icc: float) -> None:
    mean, spread = float(np.mean(sizes)), float(np.std(sizes))
    unequal = design_effect(sizes=sizes, icc=icc)
    assert unequal == pytest.approx(design_effect(cluster_size=mean, cv=spread / mean, icc=icc))
    assert unequal >= design_effect(cluster_size=mean, icc=icc) - 1e-9
    assert unequal == pytest.approx(design_effect(sizes=sizes[::-1], icc=icc))
    found = power_cluster(clusters=24, cluster_size=sizes, effect=0.4, icc=icc)
    even = power_cluster(clusters=24, cluster_size=mean, effect=0.4, icc=icc)
    assert found.power <= even.power + 1e-9
    assert found.cluster_size == pytest.approx(len(sizes) / sum(1 / s for s in sizes))
    assert "harmonic mean" in found.notes[0]


def test_frames_and_sentences() -> None:
    found = power_cluster(clusters=12, cluster_size=[10, 20, 30], effect=0.4, icc=0.05)
    frame = found.to_frame()
    assert (len(frame), frame["solved_for"][0], frame["df"][0]) == (1, "power", 10)
    assert "12 clusters" in found.sentence and f"{found.power:.1%}" in found.sentence
    assert power_cluster(clusters=3, cluster_size=[10, 20, 30], effect=0.9, icc=0).n == 60
    assert (
        "degrees of freedom" in power_cluster(clusters=6, cluster_size=9, power=0.8, icc=0).notes[0]
    )
    rare = power_binary(comparison_risk=0.01, effect=0.02, n=100)
    assert "poor" in rare.notes[0]
    down = power_binary(comparison_risk=0.3, n=200, power=0.8, direction="decrease")
    assert -0.3 < down.effect < 0


def test_no_size_is_enough() -> None:
    with pytest.raises(CannotEstimate, match="more clusters"):
        power_cluster(clusters=6, effect=0.3, power=0.8, icc=0.2)
    with pytest.raises(CannotEstimate, match="largest possible"):
        power_binary(comparison_risk=0.5, n=6, power=0.9999999)
    with pytest.raises(CannotEstimate, match="degrees of freedom"):
        power_individual(n=4, effect=0.5, covariates=3)
    with pytest.raises(CannotEstimate, match="degree of freedom"):
        power_cluster(clusters=2, effect=0.5, power=0.8, icc=0.1)


BAD: list[tuple[Design, dict[str, Any], str]] = [
    (power_individual, {"n": 40}, "exactly one"),
    (power_individual, {"n": 40, "effect": 0.2, "power": 0.8}, "exactly one"),
    (power_individual, {"n": -3, "effect": 0.2}, "n=-3"),
    (power_individual, {"n": nan, "effect": 0.2}, "n=nan"),
    (power_individual, {"n": "40", "effect": 0.2}, "n='40'"),
    (power_individual, {"n": 40, "effect": 0}, "effect"),
    (power_individual, {"n": 40, "effect": -0.2, "sides": 1}, "positive"),
    (power_individual, {"n": 40, "power": 80}, "power=80"),
    (power_individual, {"n": 40, "power": 0.04}, "above alpha"),
    (power_individual, {"n": 40, "power": 0.8, "alpha": 5}, "alpha"),
    (power_individual, {"n": 40, "power": 0.8, "sides": 3}, "1 or 2"),
    (power_individual, {"n": 40, "power": 0.8, "share_treated": 1}, "share_treated"),
    (power_individual, {"n": 40, "power": 0.8, "r2_individual": 1}, "r2_individual"),
    (power_individual, {"n": 40, "power": 0.8, "covariates": 1.5}, "covariates"),
    (power_blocked, {"n": 40, "effect": 0.3, "power": 0.8}, "without blocks"),
    (power_blocked, {"n": 40, "blocks": 2, "block_size": 20, "effect": 0.3}, "both given"),
    (power_blocked, {"n": 40, "blocks": 2, "effect": 0.3, "icc": 0.1}, "random"),
    (power_blocked, {"n": 40, "blocks": 2, "effect": 0.3, "effects": "mixed"}, "effects"),
    (power_cluster, {"clusters": 9, "cluster_size": 5, "effect": 0.3, "icc": 1.1}, "icc"),
    (
        power_cluster,
        {"clusters": 9, "cluster_size": 5, "effect": 0.3, "icc": 0.1, "icc_group": 0.1},
        "groups",
    ),
    (power_cluster, {"clusters": 9, "cluster_size": [], "effect": 0.3, "icc": 0.1}, "empty"),
    (
        power_cluster,
        {"clusters": 9, "cluster_size": [5, 0], "effect": 0.3, "icc": 0.1},
        "1 or more",
    ),
    (
        power_blocked_cluster,
        {"clusters": 9, "cluster_size": 5, "effect": 0.3, "power": 0.8, "icc": 0.1},
        "without blocks",
    ),
    (power_binary, {"comparison_risk": 0.9, "effect": 0.2, "n": 50}, "treated risk"),
    (power_binary, {"comparison_risk": 0.3, "effect": "0.2", "n": 50}, "effect"),
    (power_binary, {"comparison_risk": 30, "effect": 0.2, "n": 50}, "comparison_risk"),
    (power_binary, {"comparison_risk": 0.3, "n": 50}, "exactly one"),
    (power_binary, {"comparison_risk": 0.3, "n": 50, "power": 0.8, "method": "x"}, "method"),
    (design_effect, {"icc": 0.1}, "one of the two"),
    (design_effect, {"icc": 0.1, "cluster_size": 4, "sizes": [3]}, "one of the two"),
    (design_effect, {"icc": 0.1, "sizes": [3, None]}, "sizes"),
    (design_effect, {"icc": 0.1, "sizes": [3], "cv": 0.4}, "cv"),
    (design_effect, {"icc": 2, "cluster_size": 4}, "icc"),
    (repeated_factors, {"correlation": 1.2}, "correlation"),
    (repeated_factors, {"correlation": 0.2, "after": 0}, "after"),
    (cluster_baseline_factors, {"cluster_size": 9, "icc": 2, "cluster_autocorrelation": 1}, "icc"),
]


@pytest.mark.parametrize(("function", "options", "message"), BAD)
def test_refusals(function: Design, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        function(**options)


def test_loss() -> None:
    assert (inflate_for_loss(100, loss=0), inflate_for_loss(90, loss=0.1)) == (100, 100)
    for n, loss in ((0, 0.1), (10, 1), (10, 15)):
        with pytest.raises(InvalidInput):
            inflate_for_loss(n, loss=loss)
