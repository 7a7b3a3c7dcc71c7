"""What must hold of effects per unit of dose, and what they refuse."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.errors import CannotEstimate, InvalidInput
from evalkit.stats.least_squares.compliance import complier_effect
from evalkit.stats.least_squares.differences import mean_difference
from evalkit.stats.least_squares.dosage import DoseEffect, dose_effect

quick = settings(deadline=None, max_examples=20)
CALL: dict[str, Any] = {"outcome": "y", "assigned": "z", "dose": "d"}
NUMBERS = (
    *("estimate", "std_error", "df", "p_value", "conf_low", "conf_high", "effect_size"),
    *("first_stage", "f_statistic", "f_robust", "assignment_effect", "ar_low", "ar_high"),
)
SEEDS = st.integers(0, 10_000)
GROUPS = st.sampled_from([None, "family"])
COVARIATES = st.sampled_from([[], ["x"], ["x", "kind"]])


def made(seed: int, n: int = 60) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    family = np.arange(n) // 3
    z, x = family % 2, rng.normal(size=n)
    d = rng.poisson(0.5 + 4 * z)
    frame = pd.DataFrame({"family": family, "z": z, "x": x, "d": d})
    return frame.assign(y=5 + 0.5 * d + x + rng.normal(size=n), kind=rng.choice(["a", "b"], n))


def same(one: DoseEffect, other: Any, times: dict[str, float] | None = None) -> None:
    for name in NUMBERS:
        found, expected = getattr(other, name), getattr(one, name)
        factor = (times or {}).get(name, 1.0)
        assert found == pytest.approx(expected * factor, rel=1e-6, abs=1e-9), name


@quick
@given(SEEDS, GROUPS, COVARIATES)
def test_rows_names_and_swapped_arms(seed: int, cluster: Any, covariates: list[str]) -> None:
    """The instrument may be turned round: the effect of the dose does not change."""
    frame, call = made(seed), CALL | {"cluster": cluster, "covariates": covariates}
    one = dose_effect(frame, **call)
    shuffled = frame.sample(frac=1, random_state=seed).assign(
        family=lambda f: "f" + ((f["family"] * 7 + 3) % 101).astype(str)
    )
    same(one, dose_effect(shuffled, **call))
    turned = dose_effect(frame.assign(z=1 - frame["z"]), **call)
    same(one, turned, {"first_stage": -1, "assignment_effect": -1})
    assert any("smaller dose" in note for note in turned.notes)


@quick
@given(SEEDS, GROUPS, st.sampled_from([0.1, 60.0]), st.sampled_from([0.01, 7.0]))
def test_units(seed: int, cluster: Any, of_dose: float, of_outcome: float) -> None:
    frame, call = made(seed), CALL | {"cluster": cluster}
    factor = of_outcome / of_dose
    moved = frame.assign(d=frame["d"] * of_dose, y=frame["y"] * of_outcome + 100)
    scaled = ("estimate", "std_error", "conf_low", "conf_high", "ar_low", "ar_high")
    times = dict.fromkeys(scaled, factor) | {"effect_size": 1 / of_dose}
    times |= {"first_stage": of_dose, "assignment_effect": of_outcome}
    same(dose_effect(frame, **call), dose_effect(moved, **call), times)


@quick
@given(SEEDS, GROUPS, COVARIATES)
def test_a_dose_of_nought_or_one_is_receipt(seed: int, cluster: Any, covariates: list[str]) -> None:
    frame = made(seed).assign(d=lambda f: (f["d"] > 2) * 1)
    options: dict[str, Any] = {"cluster": cluster, "covariates": covariates}
    known = complier_effect(frame, outcome="y", assigned="z", received="d", **options)
    same(dose_effect(frame, **CALL, **options), known)


@quick
@given(SEEDS, COVARIATES)
def test_singletons_and_the_ratio(seed: int, covariates: list[str]) -> None:
    frame = made(seed)
    one = dose_effect(frame, covariates=covariates, **CALL)
    alone = dose_effect(frame.assign(who=range(60)), covariates=covariates, cluster="who", **CALL)
    same(one, alone)
    assert alone.n_clusters is None
    y, d = (
        mean_difference(frame, outcome=name, treatment="z", covariates=covariates).estimate
        for name in ("y", "d")
    )
    assert one.estimate == pytest.approx((y or 0) / (d or 1), rel=1e-8)


def test_refusals() -> None:
    frame = made(1)
    for change, said in [
        ({"d": -1.0}, "negative dose"),
        ({"d": "ten"}, "Allowed: numbers"),
        ({"z": frame["z"] + 1}, "treated="),
    ]:
        with pytest.raises(InvalidInput, match=said):
            dose_effect(frame.assign(**change), **CALL)
    with pytest.raises(InvalidInput, match="both as outcome and as dose"):
        dose_effect(frame, **(CALL | {"dose": "y"}))
    level = np.tile([1, 1, 1, 3, 3, 3, 3, 3, 3, 1, 1, 1], 5)
    for change, said in [
        ({"d": 4}, "Everybody analysed has the same 'd' \\(4\\)"),
        ({"d": level}, "The mean 'd' is the same in both arms"),
        ({"y": 1}, "does not vary"),
        ({"z": (frame.index == 0) * 1}, "The treatment arm has 1 row"),
        ({"family": np.where(frame["z"] == 1, -1, frame["family"])}, "one cluster"),
    ]:
        with pytest.raises(CannotEstimate, match=said):
            dose_effect(frame.assign(**change), cluster="family", **CALL)


def test_what_is_said() -> None:
    frame = made(2)
    weak = dose_effect(frame.assign(d=np.arange(60) % 7), **CALL)
    assert any("first stage is weak" in note for note in weak.notes) and weak.ar_shape != "interval"
    fixed = dose_effect(frame.assign(d=frame["z"] * 10), **CALL)
    assert fixed.f_robust is None and "follows from assignment" in fixed.notes[0]
    missing = dose_effect(frame.assign(d=frame["d"].where(frame.index > 3)), **CALL)
    assert missing.dropped_why == (("no d", 4),)
    assert missing.dose_treatment == frame[(frame.index > 3) & (frame["z"] == 1)]["d"].mean()
