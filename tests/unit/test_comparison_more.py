"""Comparisons put to odd data, read again by other ways of working them out, and held to small numbers."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.errors import EvalkitError, InvalidEvaluation
from evalkit.estimators import ESTIMATORS
from evalkit.robustness import words
from evalkit.robustness.cases import Case, case_of
from evalkit.study import Study
from evalkit.wording import without_categories
from tests.conftest import declare, study_of

N = 160
STRICT = {"profile": "strict"}
PLAN = ["baseline", "x", "z"]


def made(seed: int, n: int = N, *, effect: float = -1.2, **columns: Any) -> pd.DataFrame:
    """People who differ in x, which the outcome follows closely, and in z, which it does not."""
    rng = np.random.default_rng(seed)
    x, site = rng.normal(0, 1, n), rng.choice(list("ABCD"), n)
    arm = rng.random(n) < 0.45
    pre = np.clip(18 + rng.normal(0, 5, n), 0, 60).round()
    post = np.clip(8 + 0.6 * pre + effect * arm + 3 * x + rng.normal(0, 3, n), 0, 63).round()
    return pd.DataFrame({
        "person": [f"p{i:03d}" for i in range(n)], "family": [f"f{i:03d}" for i in range(n)],
        "role": "survivor", "arm": np.where(arm, "programme", "usual"), "x": x.round(3),
        "z": rng.normal(0, 1, n).round(3), "site": site, "pre": pre, "post": post,
    } | columns)  # fmt: skip


def study(frame: pd.DataFrame, data: dict[str, Any]) -> Study:
    people = frame.drop(columns=["pre", "post"])
    return study_of(data, people, frame[["person", "pre", "post"]])


def matched(covariates: tuple[str, ...] = ("z",), **more: Any) -> dict[str, Any]:
    how = {"unit": "person", "covariates": list(covariates)} | more
    return declare(design__type="matched-comparison", design__match=how, analysis__covariates=PLAN)


def weighted(covariates: tuple[str, ...] = ("x", "z"), **more: Any) -> dict[str, Any]:
    how = {"covariates": list(covariates)} | more
    return declare(
        design__type="weighted-comparison", design__weight=how, analysis__covariates=PLAN
    )


def at_line(**more: Any) -> dict[str, Any]:
    cutoff = {"score": "x", "at": 0.2, "treated": "above"}
    data = declare(design__type="regression-discontinuity", design__cutoff=cutoff, **more)
    return data | {"analysis": data["analysis"] | {"covariates": ["baseline", "z"]}}


def page(found: Study, folder: Path) -> str:
    ek.report(found.analyse(sensitivity=False), folder / "page.html")
    return (folder / "page.html").read_text()


def case(found: Study) -> Case:
    target, followed = found.trails[0]
    (main,) = found.analyse(sensitivity=False).estimates
    return case_of(found, target, followed, main, dict(ESTIMATORS), None)


def left_out(put: Case, kind: str) -> dict[str, bool | None]:
    """Return, by fitting each again, whether the result goes without it."""
    if kind == "covariate":
        each = {n: put.again(covariates=[o for o in PLAN if o != n]) for n in PLAN}
    else:
        rows = put.followed
        each = {n: put.again(followed=rows[rows["site"] != n]) for n in "ABCD"}
    return {name: put.overturned(again) for name, again in each.items()}


@pytest.mark.parametrize(("seed", "kind"), [(42, "covariate"), (57, "site"), (42, "site")])
def test_a_result_stands_only_if_it_stands_without_each(seed: int, kind: str) -> None:
    found = study(made(seed), weighted() if seed % 2 else matched())
    (row,) = [
        r for r in found.analyse().hidden_bias if r.analysis == f"leave-one-{kind}-out"
    ]  # fmt: skip
    assert row.overturns == any(left_out(case(found), kind).values())
    assert ("hangs on one" in row.sentence) == row.overturns


def test_the_order_of_rows_changes_no_bound_of_pairs() -> None:
    frame = made(3, effect=-6.0).assign(x=lambda f: f["x"].round(0), z=lambda f: f["z"].round(0))
    found = [
        next(r for r in study(rows, matched()).analyse().hidden_bias
             if r.analysis == "rosenbaum-bounds")
        for rows in (frame, frame.sample(frac=1, random_state=1), frame.iloc[::-1])
    ]  # fmt: skip
    assert found[0].value_interval is not None
    assert found[0].value_interval == found[1].value_interval == found[2].value_interval


def test_first_scores_equal_before_weighting_are_compared_as_weighted() -> None:
    frame = made(8, 120)
    turn, usual = np.arange(120) // 2, np.arange(120) % 2 == 1
    x = turn % 5 - np.where(usual, 0.0, 0.5)
    pre = np.where(usual, 20 + 10 * (x > 1), 21 + 10 * (turn % 2))
    frame = frame.assign(arm=np.where(usual, "usual", "programme"), x=x, pre=pre)
    assert frame.groupby("arm")["pre"].mean().nunique() == 1
    found = study(frame, weighted(("x",))).analyse(sensitivity=False)
    check = next(c for c in found.checks if c.check == "equivalence")
    assert check.value is not None and check.value > 0.05


def test_families_on_both_sides_are_said() -> None:
    frame = made(5).assign(family=[f"f{i // 2}" for i in range(N)])
    for data in (matched(), weighted()):
        (finding,) = study(frame, data).analyse(sensitivity=False).findings
        assert any("people in both groups" in said for said in finding.caveats)
    (alone,) = study(made(5), weighted()).analyse(sensitivity=False).findings
    assert not any("people in both groups" in said for said in alone.caveats)


def test_a_match_that_cannot_be_made_says_where_it_is_declared() -> None:
    frame = made(5).assign(z=lambda f: f["z"] + 50 * (f["arm"] == "programme"))
    with pytest.raises(EvalkitError, match=r"key 'design\.match': .*predicted perfectly.*'z'"):
        study(frame, matched())


def test_a_column_of_many_categories_is_named_once() -> None:
    frame = made(5).assign(area=[f"a{i // 4}" for i in range(N)])
    with pytest.raises(EvalkitError, match="by 'area': there"):
        study(frame, matched(("z", "area")))
    frame["area"] = "a" + frame["person"]
    (finding,) = study(frame, weighted(("z", "area"))).analyse(sensitivity=False).findings
    assert "of 'area': it lies outside" in finding.statement


@pytest.mark.parametrize("name", ["baseline", "entry", "nudged"])
@pytest.mark.parametrize("data", [matched, weighted])
def test_names_that_stand_for_something_else_are_refused(
    name: str, data: Callable[[tuple[str, ...]], dict[str, Any]]
) -> None:
    with pytest.raises(InvalidEvaluation, match=f"'{name}'"):
        study(made(5).rename(columns={"z": name}), data(("x", name)))


def test_a_column_called_place_is_a_yardstick_like_any_other() -> None:
    frame = made(4, effect=-6.0)
    plain = study(frame, weighted()).analyse().hidden_bias
    data = weighted(("x", "place")) | {"analysis": {"primary": None}}
    data["analysis"] = weighted()["analysis"] | {"covariates": ["baseline", "x", "place"]}
    other = study(frame.rename(columns={"z": "place"}), data).analyse().hidden_bias
    for a, b in zip(plain, other, strict=True):
        assert [p.estimate for p in a.parts] == pytest.approx([p.estimate for p in b.parts], nan_ok=True)  # fmt: skip


def lined(seed: int, n: int) -> pd.DataFrame:
    frame = made(seed, n, effect=-5.0)
    return frame.assign(arm=np.where(frame["x"] >= 0.2, "programme", "usual"))


def test_a_jump_says_how_many_carry_it_and_adjusts_for_nothing(tmp_path: Path) -> None:
    found = study(lined(2, 200), at_line())
    analysis = found.analyse(sensitivity=False)
    (estimate,) = analysis.estimates
    assert f"{estimate.n_treatment} on the programme and {estimate.n_comparison} not" in page(
        found, tmp_path
    )
    assert (estimate.n_treatment or 0) + (estimate.n_comparison or 0) + estimate.n_dropped == 200
    assert not any(row.adjusted for row in analysis.balance)
    density = next(c for c in analysis.checks if c.check == "density")
    assert re.search(r"line \(p \d\.\d{3}\)\.$", density.sentence) or density.passed is False


def test_a_jump_carried_by_few_is_held_back_on_shareable_pages(tmp_path: Path) -> None:
    found = study(lined(3, 40), at_line(disclosure=STRICT))
    (estimate,) = found.analyse(sensitivity=False).estimates
    assert min(estimate.n_treatment or 0, estimate.n_comparison or 0) < 10
    text = page(found, tmp_path)
    assert f"{estimate.estimate:.1f}".replace("-", "−") not in text


def test_shareable_weights_are_rounded(tmp_path: Path) -> None:
    frame = made(5, 90, x=np.where(np.arange(90) % 30 == 1, np.nan, np.arange(90) % 7.0))
    found = study(frame, weighted() | {"disclosure": STRICT})
    text = re.sub(r"<[^>]+>", "|", page(found, tmp_path))
    table = text[text.index("Largest share") :][:600]
    numbers = [int(n) for n in re.findall(r"(?<![\d.])(\d+)%?\|", table)]
    assert len(numbers) >= 4 and all(n % 5 == 0 for n in numbers)


def test_a_category_of_one_group_is_not_told_on_shareable_pages(tmp_path: Path) -> None:
    on = made(5)["arm"] == "programme"
    area = np.where(on & (np.arange(N) % 4 == 0), "Northtown", np.where(np.arange(N) % 2, "E", "W"))
    found = study(made(5).assign(area=area), weighted(("z", "area")) | {"disclosure": STRICT})
    text = page(found, tmp_path)
    assert "overlap" in text and "area=Northtown" not in text
    assert without_categories("of 'area=a 1' and 'b', take method='overlap'") == (
        "of 'area' and 'b', take method='overlap'"
    )


def test_a_result_that_is_not_clear_is_said_so_once(tmp_path: Path) -> None:
    found = study(made(6, effect=0.0), matched(("x", "z")))
    ek.report(found.analyse(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count(words.NOTHING) == 1
    assert "0% of both" not in text and "risk ratios of 1.0" not in text
    assert "as strong as x" in text and "1 times" not in text
