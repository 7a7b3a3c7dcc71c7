"""Intervals of effects by wave hold the truth as often as they say, with few clusters."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from evalkit.errors import CannotEstimate
from evalkit.stats.over_time.waves import RepeatedMeasures, repeated_measures

TRUTH = np.array([0.0, 0.3, 0.6])


def made(clusters: int, seed: int, *, shared: bool = True) -> pd.DataFrame:
    """Return a trial whose errors are none of the working models.

    Families of 3 to 8 (or people alone), half of them treated; correlations that fade with time,
    spread that grows, a family effect that moves from wave to wave, and a tenth more lost each
    wave.
    """
    rng = np.random.default_rng([clusters, seed])
    sizes = rng.integers(3, 9, clusters) if shared else np.ones(clusters, dtype=int)
    family = np.repeat(np.arange(clusters), sizes)
    people, waves = len(family), len(TRUTH)
    arm = rng.permutation(np.arange(clusters) % 2)[family]
    base, errors = rng.normal(size=people), np.empty((people, waves))
    errors[:, 0] = rng.normal(size=people)
    for wave in range(1, waves):
        errors[:, wave] = 0.6 * errors[:, wave - 1] + 0.8 * rng.normal(size=people)
    y = 0.5 * base[:, None] + errors * [1, 1.3, 1.6] + arm[:, None] * TRUTH
    if shared:
        y += rng.normal(0, 0.5, clusters)[family][:, None]
        y += rng.normal(0, 0.3, (clusters, waves))[family]
    frame = pd.DataFrame({"y": y.ravel(), "wave": np.tile(np.arange(waves), people)})
    for name, values in (("arm", arm), ("base", base), ("family", family)):
        frame[name] = np.repeat(values, waves)
    frame["person"] = np.repeat(np.arange(people), waves)
    return frame[rng.random(len(frame)) >= 0.1 * frame["wave"]]


def fitted(frame: pd.DataFrame, outcome: str = "y", **options: object) -> RepeatedMeasures:
    return repeated_measures(
        frame, outcome=outcome, treatment="arm", person="person", wave="wave", baseline="base",
        **options,
    )  # fmt: skip


def coverage(clusters: int, runs: int, *, shared: bool = True, **options: object) -> np.ndarray:
    """Return how often the intervals of each wave and the average hold the truth.

    The last number is how often the test of arm by wave stays above .05 where there is none.
    """
    held, refused = [], 0
    for seed in range(runs):
        frame = made(clusters, seed, shared=shared)
        if shared:
            options = {**options, "cluster": "family"}
        try:
            found = fitted(frame, **options)
        except CannotEstimate:
            refused += 1
            continue
        rows = zip([*found, found.average], [*TRUTH, TRUTH.mean()], strict=True)
        kept = [row.conf_low <= true <= row.conf_high for row, true in rows]
        gone = frame.assign(y=frame["y"] - frame["arm"] * TRUTH[frame["wave"]])
        test = fitted(gone, **options).interaction
        assert test is not None
        held.append([*kept, test.p_value is None or test.p_value > 0.05])
    assert refused <= runs / 10
    return np.mean(held, axis=0)


@pytest.mark.slow
@pytest.mark.parametrize("clusters", [12, 20, 40])
def test_coverage_with_few_clusters(clusters: int) -> None:
    found = coverage(clusters, 400)
    print(f"{clusters} clusters: {np.round(found, 3)}")
    assert np.all((found >= 0.915) & (found <= 0.99))


@pytest.mark.slow
@pytest.mark.parametrize(
    ("people", "kind"), [(30, "exchangeable"), (30, "ar1"), (80, "unstructured")]
)
def test_coverage_with_people_alone(people: int, kind: str) -> None:
    found = coverage(people, 300, shared=False, correlation=kind)
    print(f"{people} people, {kind}: {np.round(found, 3)}")
    assert np.all((found >= 0.91) & (found <= 0.99))


def test_sixty_seeds() -> None:
    found = coverage(14, 60)
    assert np.all(found >= 0.95 - 3 * np.sqrt(0.95 * 0.05 / 60))
