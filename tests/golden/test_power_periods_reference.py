"""Power over time and further values, against R: power_periods.json from r/power_periods.R.

The stepped wedge and the clusters' difference in differences are matrix algebra there.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.planning.planning_factors import cluster_baseline_factors, design_effect
from evalkit.stats.planning.power_clusters import power_blocked_cluster, power_cluster
from evalkit.stats.planning.power_people import power_blocked, power_individual
from evalkit.stats.planning.power_periods import power_before_after, power_did
from evalkit.stats.planning.power_risks import power_binary
from evalkit.stats.planning.power_wedge import power_stepped_wedge

R = json.loads((Path(__file__).parent / "power_periods.json").read_text(encoding="utf-8"))


def close(found: Any, expected: float, rtol: float = 1e-9) -> None:
    np.testing.assert_allclose(float(found), expected, rtol=rtol)


@pytest.mark.parametrize(
    ("case", "each", "steps", "m", "icc", "cac", "iac"),
    [
        (1, 3, 4, 10, 0.05, 1.0, 0.0), (2, 1, 6, 25, 0.1, 0.8, 0.0),
        (3, 2, 3, 8, 0.02, 0.9, 0.5), (4, 5, 2, 40, 0.2, 1.0, 0.3),
    ],
)  # fmt: skip
def test_stepped_wedge(
    case: int, each: int, steps: int, m: int, icc: float, cac: float, iac: float
) -> None:
    found = power_stepped_wedge(
        clusters_per_step=each, steps=steps, cluster_size=m, effect=0.3, icc=icc,
        cluster_autocorrelation=cac, individual_autocorrelation=iac,
    )  # fmt: skip
    close(found.std_error, R[f"wedge_{case}_std_error"])
    close(found.power, R[f"wedge_{case}_power"])
    assert (found.clusters, found.df) == (each * steps, each * steps - 2)
    assert found.n == each * steps * (steps + 1) * m


@pytest.mark.parametrize(
    ("case", "clusters", "m", "icc", "cac", "iac"),
    [
        (1, 20, 20, 0.05, 0.8, 0.5), (2, 20, 20, 0.05, 0.8, 0.0),
        (3, 8, 30, 0.1, 0.6, 0.4), (4, 40, 5, 0.0, 1.0, 0.7),
    ],
)  # fmt: skip
def test_difference_in_differences_of_clusters(
    case: int, clusters: int, m: int, icc: float, cac: float, iac: float
) -> None:
    found = power_did(
        clusters=clusters, cluster_size=m, effect=0.3, icc=icc, cluster_autocorrelation=cac,
        panel=iac > 0, correlation=iac,
    )  # fmt: skip
    close(found.std_error, R[f"did_{case}_std_error"])
    close(found.power, R[f"did_{case}_power"])


def test_the_factors_of_the_notes_on_methods_are_what_a_baseline_changes() -> None:
    """m 20, icc .05, .8 and .5: r .6538462, change .6923077; other people 1.1794872."""
    for iac, change in ((0.5, 0.6923077), (0.0, 1.1794872)):
        factors = cluster_baseline_factors(
            cluster_size=20, icc=0.05, cluster_autocorrelation=0.8, individual_autocorrelation=iac
        )
        close(factors.change, change, 1e-6)
        after = power_cluster(clusters=20, cluster_size=20, effect=0.3, icc=0.05)
        both = power_did(
            clusters=20, cluster_size=20, effect=0.3, icc=0.05, cluster_autocorrelation=0.8,
            panel=iac > 0, correlation=iac,
        )  # fmt: skip
        close((both.std_error / after.std_error) ** 2, factors.change)


def test_people_before_and_after() -> None:
    close(power_before_after(n=60, effect=0.3, correlation=0.6).power, R["paired_power"])
    found = power_before_after(effect=0.25, power=0.8, correlation=0.5)
    close(found.size_exact, R["paired_n"], 1e-7)
    assert found.n == np.ceil(R["paired_n"])
    close(power_did(n=150, effect=0.3, correlation=0.7).power, R["did_people_power"])
    two = power_did(effect=0.4, power=0.9, correlation=0.55)
    close(two.size_exact / 2, R["did_people_n"], 1e-7)  # type: ignore[operator]
    others = power_did(n=240, effect=0.35, panel=False, share_treated=0.3)
    close(others.power, R["did_others_power"])


def test_families_take_as_many_more_people_as_the_design_effect_says() -> None:
    times = design_effect(icc=0.3, cluster_size=2)
    for alone, together in (
        (power_did(n=200, power=0.8, correlation=0.5),
         power_did(n=200 * times, power=0.8, correlation=0.5, design_effect=times)),
        (power_before_after(n=80, power=0.8, correlation=0.5),
         power_before_after(n=80 * times, power=0.8, correlation=0.5, design_effect=times)),
        (power_binary(comparison_risk=0.4, n=300, power=0.8),
         power_binary(comparison_risk=0.4, n=300 * times, power=0.8, design_effect=times)),
    ):  # fmt: skip
        close(together.effect, alone.effect)
        close(together.mdes, alone.mdes)  # type: ignore[arg-type]


def test_shares_in_clusters() -> None:
    found = power_binary(comparison_risk=0.3, effect=0.2, n=400, design_effect=1.95)
    close(found.power, R["binary_power"], 1e-7)
    need = power_binary(comparison_risk=0.3, effect=0.15, power=0.8, design_effect=1.4)
    close(need.size_exact / 2, R["binary_n"], 1e-7)  # type: ignore[operator]


def test_further_values_of_the_noncentral_t() -> None:
    ancova = power_individual(n=180, effect=0.25, r2_individual=0.36, covariates=1)
    close(ancova.power, R["ancova"])
    cluster: Any = {"clusters": 18, "cluster_size": 12, "effect": 0.4, "icc": 0.08}
    found = power_cluster(
        **cluster, r2_individual=0.36, r2_cluster=0.25, share_treated=0.4, covariates=1
    )
    close(found.power, R["cluster"])
    close(power_cluster(clusters=24, cluster_size=20, effect=0.4, icc=0.05, cv=0.4).power,
          R["cluster_cv"])  # fmt: skip
    blocked = power_blocked(blocks=5, n=200, effect=0.3, effects="fixed", r2_individual=0.3)
    close(blocked.power, R["blocked"])
    families = power_blocked_cluster(blocks=4, clusters=120, cluster_size=2, effect=0.35, icc=0.3)
    close(families.power, R["blocked_cluster"])


def test_unequal_clusters_are_those_of_the_design_effect() -> None:
    found = power_cluster(clusters=24, cluster_size=20, effect=0.4, icc=0.05, cv=0.4)
    times = design_effect(icc=0.05, cluster_size=20, cv=0.4)
    close(found.std_error**2, times / (0.25 * 24 * 20))


def test_more_of_everything_shows_less() -> None:
    wedge: Any = {"steps": 4, "cluster_size": 10, "power": 0.8, "icc": 0.05}
    effects = [power_stepped_wedge(clusters_per_step=n, **wedge).effect for n in (2, 3, 6)]
    assert effects == sorted(effects, reverse=True)
    found = power_stepped_wedge(steps=4, cluster_size=10, power=0.8, icc=0.05, effect=0.3)
    assert found.clusters == 4 * np.ceil(found.size_exact or 0)
    assert found.power_reached >= 0.8


@pytest.mark.parametrize(
    "arguments",
    [
        {"n": 100, "effect": 0.3, "power": 0.8}, {"n": 100},
        {"n": 100, "effect": 0.3, "correlation": 1.0},
        {"n": 100, "effect": 0.3, "panel": False, "correlation": 0.5},
        {"n": 100, "effect": 0.3, "icc": 0.05}, {"clusters": 10, "effect": 0.3},
        {"clusters": 10, "cluster_size": 5, "effect": 0.3, "icc": 0.05},
        {"n": 100, "effect": 0.3, "design_effect": 0.5}, {"n": 100, "effect": 0},
        {"clusters": 10, "cluster_size": 5, "effect": 0.3, "icc": 1.2,
         "cluster_autocorrelation": 0.8},
    ],
)  # fmt: skip
def test_refusals_of_differences_in_differences(arguments: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        power_did(**arguments)


def test_other_refusals() -> None:
    with pytest.raises(InvalidInput, match="steps"):
        power_stepped_wedge(clusters_per_step=1, steps=1, cluster_size=9, effect=0.3, icc=0.05)
    with pytest.raises(CannotEstimate, match="degrees of freedom"):
        power_stepped_wedge(clusters_per_step=1, steps=2, cluster_size=9, effect=0.3, icc=0.05)
    with pytest.raises(CannotEstimate, match="degrees of freedom"):
        power_did(clusters=2, cluster_size=9, effect=1, icc=0.05, cluster_autocorrelation=0.8)
    with pytest.raises(InvalidInput, match="cv"):
        power_cluster(clusters=2, cluster_size=[3, 4], effect=1, icc=0.05, cv=0.4)
    with pytest.raises(InvalidInput, match="cv"):
        power_cluster(clusters=9, cluster_size=4, effect=1, icc=0.05, cv=-1)
