"""Regression discontinuity against rdrobust 4.0.0 and against lm and sandwich.

Values and their table are in discontinuity.json, made by r/discontinuity.R.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.thresholds.discontinuity import regression_discontinuity
from evalkit.stats.thresholds.score_density import density_jump

R = json.loads(Path(__file__).with_name("discontinuity.json").read_text(encoding="utf-8"))
FRAME = pd.DataFrame(R["data"])
CALL: dict[str, Any] = {"outcome": "outcome", "score": "score", "cutoff": 2}


def close(found: Any, expected: Any, rtol: float) -> None:
    np.testing.assert_allclose(np.asarray(found, float), np.asarray(expected, float), rtol=rtol)


@pytest.mark.parametrize("name", R["rdrobust"])
def test_against_rdrobust(name: str) -> None:
    """Bandwidths by normal equations there and by QR here: eight digits."""
    v = R["rdrobust"][name]
    e = regression_discontinuity(FRAME, **(CALL | dict(v["args"])))
    close([e.bandwidth, e.bias_bandwidth], [v["h"], v["b"]], 1e-7)
    close([e.estimate, e.estimate_corrected], [v["estimate"], v["corrected"]], 1e-7)
    close([e.std_error_conventional, e.std_error], [v["se"], v["se_robust"]], 1e-7)
    close([e.conf_low, e.conf_high], [v["low"], v["high"]], 1e-6)
    close([e.conventional_low, e.conventional_high],
          [v["conventional_low"], v["conventional_high"]], 1e-6)  # fmt: skip
    assert (e.n_within_comparison, e.n_within_treatment) == (v["below"], v["above"])


@pytest.mark.parametrize("v", R["lm"], ids=lambda v: f"{v['kernel']}-{v['order']}")
def test_against_weighted_least_squares(v: dict[str, Any]) -> None:
    """The jump is the coefficient of lm with kernel weights, its clustered error vcovCL's HC1."""
    options = {"bandwidth": v["h"], "order": v["order"], "kernel": v["kernel"]}
    e = regression_discontinuity(FRAME, **CALL, **options, cluster="family")
    close(e.estimate, v["estimate"], 1e-10)
    assert e.bias_bandwidth == e.bandwidth
    close(e.std_error_conventional, v["se_cluster"], 1e-10)


@pytest.mark.parametrize("name", ["density", "density_given", "density_crowded"])
def test_jump_in_density(name: str) -> None:
    """McCrary's test by lm; crowding above the cut-off is found."""
    v = R[name]
    scores = np.asarray(R["crowded"] if name == "density_crowded" else R["data"]["score"])
    found = density_jump(scores - 2, bandwidth=v["h"] if name == "density_given" else None)
    close([found.bin_width, found.bandwidth], [v["bin"], v["h"]], 1e-8)
    close([found.density_treatment, found.density_comparison], [v["up"], v["down"]], 1e-8)
    close([found.estimate, found.std_error, found.p_value], [v["estimate"], v["se"], v["p"]], 1e-7)
    assert found.passed is (name != "density_crowded")
