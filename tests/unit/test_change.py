"""Who changed by more than measurement error: the right reliability, denominators, and nobody lost."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.change import individual_changes, leaves, published_norms, reliability_of
from evalkit.reports.individual import individual_section
from evalkit.reports.released import release
from evalkit.study import Study
from tests.conftest import ROOT, TRIAL, arms, declare, evaluate, split


def core_study(n: int = 80, seed: int = 3) -> Study:
    """A trial with CORE-10 totals: some never seen again, some without a first score."""
    people, scores = split(arms(n))
    draw = np.random.default_rng(seed)
    scores = scores.assign(pre=draw.integers(4, 35, n).astype(float))
    scores["post"] = np.clip(scores["pre"] + draw.integers(-14, 8, n), 0, 40)
    scores.loc[::9, "post"] = np.nan
    scores.loc[4::11, "pre"] = np.nan
    made = declare(TRIAL)
    made["data"]["scores"][0] |= {"measure": "core-10"}
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "core-10"}
    return evaluate(made).study({"people.csv": people, "scores.csv": scores})


def test_the_registry_supplies_reliability_and_norms() -> None:
    study = core_study()
    (basis,) = study.change_basis()
    assert basis.reliability == 0.90 and basis.source.startswith("published alpha")
    assert basis.cutoff == pytest.approx((7.7 * 4.7 + 4.8 * 19.7) / (7.7 + 4.8))
    sd = study.trails[0][1]["baseline"].std(ddof=1)
    assert basis.threshold == pytest.approx(1.959963985 * sd * np.sqrt(2 * (1 - 0.90)))


def test_everybody_due_is_counted_once_and_shares_have_their_own_denominator() -> None:
    study = core_study()
    rows = study.changes().to_frame()
    main = rows[~rows["status"].isin(["recovered", "deteriorated clinically"])]
    assert (main.groupby("arm")["n"].sum() == main.groupby("arm")["n_all"].first()).all()
    seen = main[main["status"].isin(["improved", "no reliable change", "deteriorated"])]
    assert (seen.groupby("arm")["n"].sum() == seen.groupby("arm")["n_both"].first()).all()
    assert (seen["n_of"] == seen["n_both"]).all() and seen["share"].notna().all()
    never = main[main["status"].isin(["no second score", "no first score"])]
    assert never["share"].isna().all() and never["n"].sum() > 0
    recovered = rows[rows["status"] == "recovered"].set_index("arm")
    improved = rows[rows["status"] == "improved"].set_index("arm")
    assert (recovered["n"] <= improved["n"]).all() and (recovered["n_of"] < improved["n_of"]).all()


def test_statuses_are_those_of_the_function() -> None:
    study = core_study()
    (item,) = individual_changes(study)
    followed = study.trails[0][1].set_index("person")
    basis = item.basis
    for _, row in item.frame.iterrows():
        pre, post = followed.loc[row["person"], ["baseline", "score"]]
        change = post - pre
        expected = (
            "no second score" if np.isnan(post) else "no first score" if np.isnan(pre)
            else "improved" if change < -basis.threshold
            else "deteriorated" if change > basis.threshold else "no reliable change"
        )  # fmt: skip
        assert row["status"] == expected


def test_without_published_reliability_the_study_uses_its_own(
    studies: dict[str, Study],
) -> None:
    study = studies["growing-together"]
    for basis in study.change_basis():
        assert basis.source.startswith("this study's own alpha at the first wave")
        assert ("before conversion" in basis.source) == (basis.scale == "metric")
        assert basis.cutoff is None and 0.7 < basis.reliability < 0.95
    people = study.people
    answers = study.evaluation.read("sdq_parent.csv", None).frame
    first = answers[answers["wave"] == "baseline"].merge(people.reset_index(drop=True), on="person")
    items = [item for item, _ in leaves(ek.measure("sdq-parent-4-17"), "total")]
    values = first[[f"q{item}" for item in items]].replace("", np.nan).astype(float)
    for item, turned in leaves(ek.measure("sdq-parent-4-17"), "total"):
        if turned:
            values[f"q{item}"] = 2 - values[f"q{item}"]
    whole = values.dropna()
    k = len(items)
    alpha = k / (k - 1) * (1 - whole.var(ddof=1).sum() / whole.sum(axis=1).var(ddof=1))
    assert study.change_basis()[0].reliability == pytest.approx(alpha)


def test_no_reliability_gives_no_counts_and_says_why(studies: dict[str, Study]) -> None:
    study = studies["beating-the-blues"]
    assert not study.changes()
    assert all("no item answers are given" in basis.source for basis in study.change_basis())


def test_a_mean_over_scales_is_not_the_reliability_of_one(studies: dict[str, Study]) -> None:
    """The SDQ's published .73 is a mean over scales and informants: never used for the total."""
    target = studies["growing-together"].trails[0][0]
    reliability, _ = reliability_of(studies["growing-together"], target)
    assert reliability != 0.73


def test_norms_without_both_groups_give_no_cut_off() -> None:
    assert published_norms(ek.measure("swemwbs"), "metric") == ({}, None)
    assert published_norms(ek.measure("hads"), "anxiety") == ({}, None)
    assert published_norms(ek.measure("core-10"), "total")[0]["cutoff"] == "c"


@pytest.mark.parametrize(
    ("scale", "items"), [("total", 20), ("emotional", 5), ("internalising", 10), ("impact", None)]
)
def test_the_items_behind_a_scale(scale: str, items: int | None) -> None:
    found = leaves(ek.measure("sdq-parent-4-17"), scale)
    assert (None if found is None else len(found)) == items


def test_the_public_function_is_there() -> None:
    pre, post = [32.5, 40.0, 50.0], [47.5, 41.0, None]
    found: Any = ek.reliable_change(
        pre, [47.5, 41.0, float("nan")], higher_is_better=True, reliability=0.8, sd=7.5
    )
    assert post and list(found.to_frame()["status"][:2]) == ["improved", "unchanged"]
    assert found.to_frame()["rci"][0] == pytest.approx(3.162278, abs=1e-6)


def test_answers_that_may_not_be_used_are_in_no_alpha() -> None:
    made = ek.load(ROOT / "examples" / "growing-together" / "evaluation.yaml")
    tables = {name: made.read(name, None).frame for name in ("people.csv", "swemwbs.csv")}
    before = made.study().intake.alphas.set_index(["scale", "role"])["n"]
    answers = tables["swemwbs.csv"]
    gone = answers.loc[answers["wave"] == "baseline", "person"].iloc[:40]
    people = tables["people.csv"]
    people.loc[people["person"].isin(gone), "consent"] = "no"
    after = made.study({"people.csv": people}).intake.alphas.set_index(["scale", "role"])["n"]
    lost = (before - after)["metric"].sum()
    complete = answers[answers["person"].isin(gone) & (answers["wave"] == "baseline")]
    items = [name for name in answers if name.startswith("q")]
    assert lost == (complete[items].replace("", np.nan).notna().all(axis=1)).sum() > 0


def strict_core(change: Any) -> Study:
    """A strict trial with CORE-10 totals, changed before it is read."""
    people, scores = split(arms(80))
    scores = change(scores.assign(pre=scores["pre"] % 40, post=scores["post"] % 40))
    made = declare(TRIAL, disclosure={"profile": "strict"})
    made["data"]["scores"][0] |= {"measure": "core-10"}
    made["logic_model"]["outcomes"][0]["measure"] = {"id": "core-10"}
    return evaluate(made).study({"people.csv": people, "scores.csv": scores})


def test_the_threshold_is_hidden_where_few_first_scores_are_behind_it() -> None:
    """With neither score somebody counts as not seen twice, and still not as a first score."""

    def few(scores: pd.DataFrame) -> pd.DataFrame:
        scores.loc[8:, ["pre", "post"]] = np.nan
        return scores

    study = strict_core(few)
    assert study.change_basis()[0].threshold is not None
    page = individual_section(release(study), blind=False)
    assert "reliability 0.9" not in str(page["table"])
    many = individual_section(release(strict_core(lambda scores: scores)), blind=False)
    assert "reliability 0.9" in str(many["table"])


def test_bars_are_drawn_where_no_harm_is_hidden() -> None:
    def better(scores: pd.DataFrame) -> pd.DataFrame:
        scores.loc[:49, "post"] = scores.loc[:49, "pre"] - 12
        return scores

    def both(scores: pd.DataFrame) -> pd.DataFrame:
        scores.loc[:39, "post"] = np.clip(scores.loc[:39, "pre"] - 12, 0, 40)
        scores.loc[40:, "post"] = np.clip(scores.loc[40:, "pre"] + 12, 0, 40)
        return scores

    found = [
        individual_section(release(strict_core(change)), blind=False)["picture"]
        for change in (better, both)
    ]
    assert found[0] is None and found[1] is not None
