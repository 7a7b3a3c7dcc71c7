"""Boundaries of interim looks: published tables, and the joint normal distribution in R.

interim.json is from r/interim.R, which solves pmvnorm (mvtnorm 1.1.3) and integrates nothing
recursively. The Lan-DeMets boundaries of five equal looks are printed so by programs after ld98
(Reboussin, DeMets, Kim and Lan 2000; read in the tests of two public packages); the constants of
Pocock's and of O'Brien and Fleming's own boundaries are those of Jennison and Turnbull (2000),
tables 2.1 and 2.3 (read there too); the one-sided ones are printed in the README of SeqBounds.jl.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from evalkit.stats.planning.group_sequential import crossing
from evalkit.stats.planning.interim import interim_verdict
from evalkit.stats.planning.spending import spending_bounds

CASES = json.loads((Path(__file__).parent / "interim.json").read_text(encoding="utf-8"))["cases"]
FIVE = [0.2, 0.4, 0.6, 0.8, 1.0]


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c['kind']}-{c['sides']}-{c['t']}")
def test_joint_normal(case: dict[str, Any]) -> None:
    found = spending_bounds(
        case["t"], alpha=case["alpha"], spending=case["kind"], sides=case["sides"], planned=1
    )
    np.testing.assert_allclose(found.z, case["z"], rtol=0, atol=1e-6)


@pytest.mark.parametrize(
    ("spending", "printed"),
    [
        ("obrien-fleming", [4.8769, 3.3569, 2.6803, 2.2898, 2.0310]),
        ("pocock", [2.4380, 2.4268, 2.4101, 2.3966, 2.3859]),
    ],
)
def test_five_equal_looks(spending: str, printed: list[float]) -> None:
    """3.3569 is printed where pmvnorm, as this, has 3.35701: those grids are coarser."""
    np.testing.assert_allclose(
        spending_bounds(FIVE, spending=spending).z, printed, rtol=0, atol=1.3e-4
    )


def test_one_sided_looks() -> None:
    found = spending_bounds([0.25, 0.5, 0.75, 1], sides=1)
    np.testing.assert_allclose(found.z, [3.74955, 2.53993, 2.01604, 1.72014], atol=5e-5)
    np.testing.assert_allclose(
        found.alpha_spent, [8.85754e-5, 0.0055746, 0.0236251, 0.05], atol=5e-8
    )


@pytest.mark.parametrize(("looks", "constant"), [(2, 2.178), (3, 2.289), (4, 2.361), (5, 2.413)])
def test_pocock_constants_keep_alpha(looks: int, constant: float) -> None:
    fractions, limits = np.arange(1, looks + 1) / looks, np.full(looks, constant)
    above, below = crossing(fractions, limits, -limits)
    assert above.sum() + below.sum() == pytest.approx(0.05, abs=7e-5)
    np.testing.assert_allclose(above, below, rtol=1e-10)


@pytest.mark.parametrize(("looks", "constant"), [(2, 1.977), (3, 2.004), (4, 2.024), (5, 2.040)])
def test_obrien_fleming_constants_keep_alpha(looks: int, constant: float) -> None:
    fractions = np.arange(1, looks + 1) / looks
    limits = constant / np.sqrt(fractions)
    above, below = crossing(fractions, limits, -limits)
    assert above.sum() + below.sum() == pytest.approx(0.05, abs=7e-5)


def test_rates_of_both_rules_by_simulation() -> None:
    """A quarter of a million walks under no effect: each rule keeps its own rate, unheeded."""
    fractions = np.array([0.2, 0.5, 0.8, 1.0])
    verdict = interim_verdict(z=[0.0] * 4, information=fractions.tolist(), higher_is_better=True)
    rng, runs = np.random.default_rng(20240601), 250_000
    steps = rng.standard_normal((runs, 4)) * np.sqrt(np.diff(fractions, prepend=0))
    z = steps.cumsum(axis=1) / np.sqrt(fractions)
    harm = (z <= -np.array(verdict.z_harm)).any(axis=1).mean()
    two_sided = (np.abs(z) >= np.array(verdict.z_benefit)).any(axis=1).mean()
    assert two_sided == pytest.approx(0.05, abs=4 * np.sqrt(0.05 * 0.95 / runs))
    assert harm == pytest.approx(verdict.false_harm, abs=4 * np.sqrt(0.05 * 0.95 / runs))
    assert verdict.false_benefit == pytest.approx(0.025, abs=5e-4)
    low, high = z - verdict.z_benefit, z + verdict.z_benefit
    covered = ((low < 0) & (high > 0)).all(axis=1).mean()  # repeated intervals: all at once
    assert covered == pytest.approx(0.95, abs=4 * np.sqrt(0.05 * 0.95 / runs))
