"""The bootstrap against R boot, on the same draws.

R's boot weights the influences of unequal arms alike in BCa's acceleration, so its interval is
reproduced by handing over its acceleration, and ours is held against the exact skewness instead.
`bootstrap.json` (r/bootstrap.R) has lm and clubSandwich on every resample, clusters and all.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.redrawing.bootstrap_draws import times
from evalkit.stats.redrawing.bootstrap_intervals import (
    accelerated,
    basic,
    jackknife_acceleration,
    percentile,
)
from evalkit.stats.redrawing.bootstrap_study import Resampled, read_resampled
from evalkit.stats.redrawing.bootstrap_values import Values, refitted, weighted, with_errors
from evalkit.stats.redrawing.studentised import moments
from evalkit.stats.redrawing.trial_outcomes import Study
from evalkit.stats.sizes.effect_sizes import small_sample_factor

OWN = {
    case["id"]: case
    for case in json.loads(Path(__file__).with_name("bootstrap.json").read_text(encoding="utf-8"))
}


def study(**options: Any) -> Study:
    plain = {"treatment": "t", "treated": None, "covariates": (), "strata": None, "cluster": None}
    return Study(**(plain | options))


def placed(found: Resampled, taken: Any) -> Any:
    """Return draws of row numbers (from 0, in the file's order) as draws of our units."""
    order = found.model.units.order
    place = np.empty_like(order)
    place[order] = np.arange(len(order))
    return place[np.asarray(taken)]


def test_hedges_g_on_the_draws_of_boot(reference: Any) -> None:
    case = reference.case("bootstrap_hedges_g_anorexia")
    folder = case.folder / "data"
    frame = pd.read_csv(folder / case.input_csv[0])
    indices = pd.read_csv(folder / case.input_csv[1]).to_numpy() - 1
    found = read_resampled(frame, "y", study(), "case")
    values = weighted(found, "g", iter([placed(found, indices)]))
    df = len(frame) - 2
    scale = (1 - 3 / (4 * df - 1)) / small_sample_factor(df)  # R's J over the exact one
    draws, estimate, r = values.draws * scale, values.estimate * scale, case.values
    close = {"rel": 1e-10}
    assert estimate == pytest.approx(r["t0"], **close)
    assert draws[:10] == pytest.approx(r["t_first10"], **close)
    assert draws.mean() - estimate == pytest.approx(r["bias"], rel=1e-9)
    assert draws.std(ddof=1) == pytest.approx(r["se"], **close)
    for name, interval in (
        ("basic", basic(draws, estimate, 0.95)),
        ("perc", percentile(draws, 0.95)),
        ("bca", accelerated(draws, estimate, r["bca_a"], 0.95)),
    ):
        assert [interval.low, interval.high] == pytest.approx(r[name], rel=1e-9), name
    smaller = (1 - 3 / (4 * (df - 1) - 1)) / small_sample_factor(df - 1)
    change = estimate - values.without() * smaller
    size = np.bincount(found.model.units.cell)[found.model.units.cell]
    influence = np.empty(len(frame))
    influence[found.model.units.order] = change * (size - 1)
    assert influence == pytest.approx(r["jack_influence_L"], rel=1e-8)


def test_acceleration_is_a_sixth_of_the_skewness() -> None:
    """The bootstrap distribution of a difference in means has known cumulants; boot's differs."""
    rng = np.random.default_rng(3)
    frame = pd.DataFrame({"t": np.repeat([1, 0], [15, 90])})
    frame["y"] = rng.exponential(size=105) ** 1.5
    found = read_resampled(frame, "y", study(), "case")
    values = weighted(found, "difference", iter([np.arange(105)[None]]))
    ours = jackknife_acceleration(values.estimate, values.without(), found.model.units.cell)
    cubes = squares = unweighted_cubes = unweighted_squares = 0.0
    for value, sign in ((1, 1), (0, -1)):
        left = frame.loc[frame["t"] == value, "y"] - frame.loc[frame["t"] == value, "y"].mean()
        n = len(left)
        cubes += sign * float(np.sum(left**3)) / (n - 1) ** 3
        squares += float(np.sum(left**2)) / (n - 1) ** 2
        unweighted_cubes += sign * float(np.sum(left**3))
        unweighted_squares += float(np.sum(left**2))
    assert ours == pytest.approx(cubes / (6 * squares**1.5), rel=1e-9)
    assert abs(unweighted_cubes / (6 * unweighted_squares**1.5) - ours) > 0.05


@pytest.mark.parametrize("name", list(OWN))
def test_every_resample_fitted_by_lm(name: str) -> None:
    case = OWN[name]
    frame, r = pd.DataFrame(case["data"]), case["values"]
    options = {"covariates": ("x", "sex"), **case["options"]}
    residual = name == "residual"
    found = read_resampled(frame, "y", study(**options), "residual" if residual else "auto")
    taken = _taken(found, frame, np.array(case["taken"]) - 1)
    if residual:
        draws = refitted(found, "difference", iter([taken])).draws
        scaled = refitted(found, "g", iter([taken])).draws
    else:
        draws = weighted(found, "difference", iter([taken])).draws
        scaled = weighted(found, "g", iter([taken])).draws
        errors = _errors(found, taken)
        assert errors.draws == pytest.approx(r["b"], rel=1e-9)
        assert errors.errors == pytest.approx(r["se"], rel=1e-8)
    assert draws == pytest.approx(r["b"], rel=1e-9)
    assert scaled == pytest.approx(r["g"], rel=1e-9)


def _errors(found: Resampled, taken: Any) -> Values:
    units = found.model.units
    rows = moments(found.beside, found.model.outcome, units.unit, units.count)
    return with_errors(found, rows, iter([taken]))


def _taken(found: Resampled, frame: pd.DataFrame, taken: Any) -> Any:
    """Return draws of R's rows, or clusters numbered as they appear, as draws of our units."""
    units = found.model.units
    if not found.model.clustered:
        places = placed(found, taken)
        return places[:, units.order]  # the residual of place k goes to row k
    codes = pd.factorize(frame["g"])[0]
    unit = np.empty(codes.max() + 1, dtype=int)
    unit[codes[units.order]] = units.unit
    return unit[taken]


def test_times_counts_what_was_taken() -> None:
    taken = np.array([[0, 0, 2], [1, 1, 1]])
    assert times(taken).tolist() == [[2, 0, 1], [0, 3, 0]]
