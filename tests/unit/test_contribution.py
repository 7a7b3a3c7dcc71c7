"""Below level 3: each step of the theory described, and the change that comes by itself beside it."""

from __future__ import annotations

import datetime
import re
from dataclasses import replace
from itertools import product
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest

import evalkit as ek
from evalkit.contribution import words
from evalkit.contribution.records import Agreement, ByItself, Contribution, Reading
from evalkit.errors import CannotEstimate, InvalidEvaluation, InvalidInput
from evalkit.stats.measuring.regression_to_mean import regression_to_mean
from tests.conftest import arms, before_after, declare, evaluate, matched, split, study_of
from tests.unit.test_no_causal_path import CAUSAL

RIVALS = [
    {"name": "other help", "considered": "everyone was asked at the end", "judged": "ruled-out"},
    {"name": "loss", "considered": "those lost had started lower", "judged": "weakens"},
    {"name": "a new law"},
]
GP = {"mean": 12, "sd": 8, "reliability": 0.8, "source": "a GP list"}


def theory(made: dict[str, Any], **outcome: Any) -> dict[str, Any]:
    """Give a declaration a theory with an activity, an output, a measured and an unmeasured outcome."""
    model = made["logic_model"]
    model["activities"] = [
        {"id": "group", "name": "Group", "dose": {"offered": 10, "minimum": 7}, "for": ["survivor"]}
    ]
    model["outputs"] = [{"id": "came", "name": "They came", "from": "group"}]
    model["outcomes"][0] |= {"expected": {"change": -2, "source": "a plan"}} | outcome
    model["outcomes"].append({"id": "free", "name": "Free", "role": "survivor", "measure": "none"})
    model["links"] = [
        {"from": "group", "to": "came", "because": "it is offered"},
        {"from": "group", "to": "mood", "because": "they learn", "assumes": ["they come"],
         "rivals": RIVALS},
        {"from": "group", "to": "free", "because": "they learn"},
    ]  # fmt: skip
    return made


def analysed(made: dict[str, Any], frame: pd.DataFrame) -> ek.Analysis:
    return study_of(made, *split(frame)).analyse(sensitivity=False)


def link(found: ek.Analysis, end: str) -> Contribution:
    return next(row for row in found.contributions if row.end == end)


def test_each_step_of_one_group_is_set_beside_what_was_seen() -> None:
    frame = arms(40).assign(got=["yes", "no"] * 20, n=[8.0, 4.0] * 20)
    flow = {"received": "got", "sessions": "n"}
    found = analysed(theory(before_after(data__flow=flow)), frame)
    assert [(row.end, row.agreement) for row in found.contributions] == [
        ("came", "not-an-outcome"), ("mood", "less-than-expected"), ("free", "not-measured"),
    ]  # fmt: skip
    row, estimate = link(found, "mood"), found.estimate("mood", "end")
    assert (row.change, row.conf_low, row.conf_high) == (
        estimate.estimate, estimate.conf_low, estimate.conf_high,
    )  # fmt: skip
    assert (row.n, row.n_no_first, row.expected, row.direction, row.level) == (
        40,
        0,
        -2,
        "lower",
        1,
    )
    assert row.comparison_change is None and row.assumes == ("they come",)
    assert (row.n_allocated, row.received, row.sessions, row.reached) == (40, 20, 6.0, 20)
    assert [state for _, _, state in row.rivals] == ["ruled-out", "weakens", "open"]
    assert row.unconsidered == ("no comparison", "regression to the mean")
    assert "ruled out: other help" in row.sentence and "Open: a new law" in row.sentence


def test_a_matched_comparison_that_is_not_alike_shows_both_groups() -> None:
    frame = arms(60, gap=4)
    found = analysed(theory(matched(analysis__covariates=["baseline", "tier"])), frame)
    assert found.level("mood", "end").level == 2
    row = link(found, "mood")
    for side, change, n in (
        ("programme", row.change, row.n), ("usual", row.comparison_change, row.n_comparison),
    ):  # fmt: skip
        mine = frame[frame["arm"] == side]
        assert change == pytest.approx((mine["post"] - mine["pre"]).mean())
        assert n == len(mine) == 30
    assert row.comparison_low is not None and not row.sentence.count("Regression")


def test_what_may_be_credited_has_no_such_analysis() -> None:
    assert not analysed(theory(declare()), arms(60)).contributions
    sound = theory(matched(analysis__covariates=["baseline", "tier"]))
    assert not analysed(sound, arms(60)).contributions


@pytest.mark.parametrize(
    ("effect", "expected", "agreement"),
    [(-4, -2, "less-than-expected"), (-12, -2, "as-expected"), (-12, None, "expected-way"),
     (12, -2, "other-way"), (0, -2, "no-clear-change")],
)  # fmt: skip
def test_agreement_with_the_plan(effect: float, expected: float | None, agreement: str) -> None:
    said = {"change": expected, "source": "s"} if expected is not None else None
    made = theory(before_after())
    made["logic_model"]["outcomes"][0]["expected"] = said
    if said is None:
        made["logic_model"]["outcomes"][0].pop("expected")
    assert link(analysed(made, arms(40, effect=effect)), "mood").agreement == agreement


def test_the_word_of_those_who_harm_is_not_read() -> None:
    made = theory(before_after(roles=["perpetrator"]), recruited=GP)
    for outcome in made["logic_model"]["outcomes"]:
        outcome["role"] = "perpetrator"
    made["logic_model"]["activities"][0].pop("for")
    found = analysed(made, arms(40, effect=-12))
    assert link(found, "mood").agreement == "own-report-only"
    (row,) = found.by_itself
    assert row.reading == "not-known" and row.expected_change is not None
    said = " ".join([link(found, "mood").sentence, row.sentence, *found.findings[0].caveats])
    assert not re.search(r"better|worse|as expected|way expected", said)


def test_a_yes_or_no_outcome_is_in_shares_and_an_indicator_is_counted() -> None:
    cut = {"id": "bdi-ii", "at_most": 20}
    made = theory(matched(), measure=cut, expected={"change": 10, "source": "s"})
    found = analysed(made, arms(60, gap=4))
    row = link(found, "mood")
    frame = arms(60, gap=4)
    mine = frame[frame["arm"] == "programme"]
    assert row.unit == "share"
    assert row.change == pytest.approx((mine["post"] <= 20).mean() - (mine["pre"] <= 20).mean())
    indicators = [{"id": "calls", "kind": "call", "unit": "person", "window": "6 months"}]
    made = theory(before_after(indicators=indicators, data__as_of=datetime.date(2025, 1, 1)))
    made["programme"]["start"], made["data"]["events"] = (
        datetime.date(2024, 1, 1),
        {"file": "events.csv"},
    )
    made["logic_model"]["outcomes"][1] = {
        "id": "free", "name": "Free", "role": "survivor", "indicator": "calls", "when": ["end"],
    }  # fmt: skip
    events = pd.DataFrame({"person": ["p000"], "date": ["2024-02-01"], "kind": ["call"]})
    study = study_of(made, *split(arms(40)), events=events)
    row = link(study.analyse(sensitivity=False), "free")
    assert (row.agreement, row.observed_as, row.unit) == ("counted", "rate", "rate")
    assert row.change == pytest.approx(100 * 365.25 / (40 * 182.625), rel=1e-2)


@pytest.mark.parametrize("agreement", get_args(Agreement))
def test_no_sentence_of_a_step_credits_anything(agreement: Any) -> None:
    states = ("ruled-out", "weakens", "open")
    for n, basis, reading in product(range(4), ("norm", "comparison", None), get_args(Reading)):
        rivals = tuple((f"rival {state}", "it was looked into", state) for state in states[:n])
        alone = ByItself(outcome="o", wave="w", informant="self", basis=basis, reading=reading)
        row = Contribution(
            start="a", end="b", agreement=agreement, rivals=rivals, unconsidered=("loss",)[: n % 2]
        )
        for said in (words.sentence(row), words.sentence(row, words.by_itself(alone))):
            assert not CAUSAL.search(said), said
            assert said.endswith(words.CLOSING) and not re.search(r"\d", said)


def test_designs_that_ask_no_change_describe_a_level_and_a_wait_that_ended_has_no_comparison() -> (
    None
):
    row = link(
        analysed(theory(before_after(design={"type": "descriptive-monitoring"})), arms(40)), "mood"
    )
    frame = arms(40)
    assert (row.agreement, row.observed_as, row.change) == (
        "described",
        "level",
        frame["post"].mean(),
    )
    norm = {"outcome": "mood", "mean": 12, "sd": 8, "source": "a list"}
    made = theory(before_after(design={"type": "benchmark", "norms": [norm]}))
    assert link(analysed(made, frame), "mood").agreement == "described"
    made = theory(declare(design__type="rct-waitlist"))
    made["design"]["comparison_ends"] = "end"
    made["waves"].append({"id": "later", "due": "26 weeks"})
    made["data"]["scores"][0]["columns"]["later"] = "late"
    made["logic_model"]["outcomes"][0]["when"] = ["end", "later"]
    people, scores = split(frame)
    found = study_of(made, people, scores.assign(late=frame["post"])).analyse(sensitivity=False)
    row = link(found, "mood")
    assert (row.wave, row.level, row.n, row.comparison_change) == ("later", 0, 20, None)


def test_weighted_people_carry_their_weights_here_too() -> None:
    design = {
        "type": "weighted-comparison", "because": "b",
        "arm": {"column": "arm", "treated": "programme", "comparison": "usual"},
        "weight": {"covariates": ["tier"]},
    }  # fmt: skip
    frame = arms(80, gap=4)
    frame["tier"] = [1 + (i // 2 + (i % 3 == 0)) % 4 for i in range(80)]
    found = analysed(theory(declare(design=design)), frame)
    row = link(found, "mood")
    mine = frame[frame["arm"] == "usual"]
    assert found.level("mood", "end").level < 3 and row.comparison_low is None
    plain = (mine["post"] - mine["pre"]).mean()
    assert row.comparison_change is not None
    assert row.comparison_change == pytest.approx(plain, abs=1) and row.comparison_change != plain
    assert (row.n_comparison, row.conf_low is not None) == (40, True)


# The change that comes by itself


def test_what_comes_by_itself_stands_beside_what_was_seen() -> None:
    frame = arms(40)
    found = analysed(theory(before_after(), recruited=GP | {"at_least": 20}), frame)
    (row,) = found.by_itself
    assert row.expected_change == pytest.approx(0.2 * (12 - frame["pre"].mean()))
    assert row.expected_by_cutoff == pytest.approx(-2.440216441857569)
    assert row.observed_change == pytest.approx((frame["post"] - frame["pre"]).mean())
    assert row.beyond == pytest.approx(row.observed_change - row.expected_change)
    assert row.reading == "no-more" and row.basis == "declared"
    assert row.sentence in found.findings[0].caveats
    assert row.sentence in link(found, "mood").sentence
    assert "regression to the mean" not in link(found, "mood").unconsidered


@pytest.mark.parametrize(("effect", "reading"), [(-14, "more"), (-4, "no-more"), (6, "less")])
def test_more_or_less_than_comes_by_itself(effect: float, reading: str) -> None:
    made = theory(before_after(), recruited=GP)
    (row,) = analysed(made, arms(40, effect=effect)).by_itself
    assert row.reading == reading


def test_without_a_mean_or_a_reliability_it_is_said_not_to_be_known() -> None:
    (row,) = analysed(theory(before_after()), arms(40)).by_itself
    assert row.reading == "not-known" and "recruited" in row.notes[0]
    bare = {"mean": 12, "source": "a GP list"}
    (row,) = analysed(theory(before_after(), recruited=bare), arms(40)).by_itself
    assert row.reading == "not-known" and "no reliability" in row.notes[0]


def test_every_verified_norm_is_set_beside_and_the_least_kind_is_said() -> None:
    made = before_after()
    made["data"]["scores"][0]["measure"] = "core-10"
    outcome = made["logic_model"]["outcomes"][0]
    outcome |= {
        "measure": {"id": "core-10"},
        "recruited": {"reliability": 0.8, "source": "a study"},
    }
    frame = arms(40)
    found = analysed(made, frame)
    assert [row.basis for row in found.by_itself] == ["norm", "norm"]
    assert [row.population_mean for row in found.by_itself] == [4.7, 19.7]
    for row in found.by_itself:
        assert row.expected_change == pytest.approx(
            0.2 * (row.population_mean - frame["pre"].mean())
        )
    general, counselling = found.by_itself
    assert (general.reading, counselling.reading) == ("less", "more")
    assert general.sentence in found.findings[0].caveats


def test_people_recruited_by_a_score_are_set_beside_the_comparison() -> None:
    found = analysed(theory(declare(), recruited={"at_least": 20}), arms(60))
    (row,) = found.by_itself
    frame = arms(60).assign(moved=lambda x: x["post"] - x["pre"])
    means = frame.groupby("arm")["moved"].mean()
    assert row.basis == "comparison"
    assert row.expected_change == pytest.approx(means["usual"])
    assert row.beyond == pytest.approx(means["programme"] - means["usual"])
    assert row.sentence not in found.findings[0].caveats  # level 5: the trial answers it
    assert not analysed(theory(declare()), arms(60)).by_itself


def page(made: dict[str, Any], frame: pd.DataFrame, folder: Any) -> str:
    ek.report(analysed(made, frame), folder / "page.html")
    return str((folder / "page.html").read_text(encoding="utf-8"))


def test_the_page_shows_both_and_a_strict_page_of_few_people_shows_neither(tmp_path: Any) -> None:
    made = theory(before_after(), recruited=GP | {"at_least": 20})
    shown = page(made, arms(40), tmp_path)
    assert "Change seen, and change that comes by itself" in shown
    assert "−2.6 (−2.8 to −2.4)" in shown and "everyone was asked at the end" in shown
    strict = made | {"disclosure": {"profile": "strict"}}
    section = page(strict, arms(8), tmp_path).split('id="described"')[1].split("</section>")[0]
    assert "not shown" in section and "way expected" not in section
    assert not re.search(r"−?\d+\.\d \(|\d people", section)
    section = page(strict, arms(40), tmp_path).split('id="described"')[1].split("</section>")[0]
    assert "40 people" in section and "−1.9 (" in section


def test_people_without_a_first_score_do_not_come_out_by_subtraction(tmp_path: Any) -> None:
    frame = arms(80).astype({"pre": object})
    frame.loc[frame.index[:2], "pre"] = ""
    made = theory(declare(design__faults=["measurement"]))
    made["disclosure"] = {"profile": "strict"}
    found = analysed(made, frame)
    assert link(found, "mood").n_no_first == 1
    section = page(made, frame, tmp_path).split('id="described"')[1].split("</section>")[0]
    assert "not shown" in section and "Too few people for what was seen" in section


def test_a_page_whose_results_are_all_lowered_does_not_say_what_the_design_allows(
    tmp_path: Any,
) -> None:
    made = theory(matched(analysis__covariates=["baseline", "tier"]))
    lowered, sound = page(made, arms(60, gap=4), tmp_path), page(made, arms(60), tmp_path)
    may = "A difference may be credited to the programme"
    assert may not in lowered and "nothing is credited to the programme" in lowered
    assert may in sound
    credit = re.compile(r"programme made|have made things|because of the programme|\bled to\b")
    assert credit.search(sound) and not credit.search(lowered)


@pytest.mark.parametrize(
    ("part", "value", "said"),
    [
        ("rivals", [{"name": "x", "judged": "ruled-out"}], "nothing says how it was looked into"),
        ("rivals", [{"name": "x"}, {"name": "x"}], "listed twice"),
        ("recruited", {"at_least": 10, "at_most": 20}, "one of at_least and at_most"),
        ("recruited", {"at_least": 70}, "not on the scale"),
        ("recruited", {"mean": 12}, "needs its source"),
        ("recruited", {"reliability": 0.8}, "needs its source"),
        ("recruited", {"sd": 3}, "without a mean"),
        ("recruited", {"source": "s"}, "without a mean"),
    ],
)
def test_what_is_declared_wrongly_is_refused(part: str, value: Any, said: str) -> None:
    made = theory(before_after())
    place = "links" if part == "rivals" else "outcomes"
    made["logic_model"][place][1 if part == "rivals" else 0][part] = value
    with pytest.raises(InvalidEvaluation, match=said):
        evaluate(made)


# The number


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"reliability": 1.0}, "reliability"), ({"reliability": -0.1}, "reliability"),
        ({"reliability": True}, "reliability"), ({"population_mean": float("nan")}, "population_mean"),
        ({"population_sd": 0.0}, "population_sd"), ({"at_least": 3.0}, "population_sd"),
        ({"at_least": 3.0, "at_most": 4.0, "population_sd": 1.0}, "both"),
        ({"at_least": 9e9, "population_sd": 1.0}, "too far"), ({"post": [1.0]}, "2 values|values"),
        ({"level": 1.5}, "level"), ({"baseline": ["a", "b", "c"]}, "baseline"),
    ],
)  # fmt: skip
def test_wrong_arguments_are_refused(change: dict[str, Any], said: str) -> None:
    given = {"baseline": [1.0, 2, 4], "population_mean": 0.0, "reliability": 0.5} | change
    with pytest.raises(InvalidInput, match=said):
        regression_to_mean(given.pop("baseline"), **given)


def test_what_cannot_be_told_is_refused() -> None:
    with pytest.raises(CannotEstimate, match="at least 2"):
        regression_to_mean([1.0, None], population_mean=0, reliability=0.5)
    with pytest.raises(CannotEstimate, match="one cluster"):
        regression_to_mean([1.0, 2, 3], population_mean=0, reliability=0.5, cluster=["a"] * 3)
    with pytest.raises(CannotEstimate, match="as foretold"):
        regression_to_mean([2.0, 4], [1.0, 2], population_mean=0, reliability=0.5)


def test_turning_or_stretching_the_scale_turns_or_stretches_every_number() -> None:
    rng = np.random.default_rng(3)
    x = rng.normal(20, 5, 50)
    y = 0.6 * x + rng.normal(3, 4, 50)
    one = regression_to_mean(
        x, y, population_mean=15, population_sd=6, reliability=0.7, at_least=14
    )
    for a, b in ((-1.0, 0.0), (2.5, 7.0)):
        side = {"at_least" if a > 0 else "at_most": a * 14 + b}
        other = regression_to_mean(
            a * x + b, a * y + b, population_mean=a * 15 + b, population_sd=abs(a) * 6,
            reliability=0.7, **side,
        )  # fmt: skip
        for name in ("expected_change", "expected_by_cutoff", "observed_change", "beyond"):
            assert getattr(other, name) == pytest.approx(a * getattr(one, name), rel=1e-9)
        assert other.std_error == pytest.approx(abs(a) * float(one.std_error or 0), rel=1e-9)
        assert other.p_value == pytest.approx(one.p_value, rel=1e-9)


def test_people_chosen_at_their_worst_for_whom_nothing_was_done() -> None:
    """Of 400 made groups chosen by a cut-off, the interval of what is beyond holds zero in 95%."""
    rng = np.random.default_rng(20240611)
    held, gaps = 0, []
    for _ in range(400):
        true = rng.normal(50, 8, 400)
        first, second = (true + rng.normal(0, 6, 400) for _ in range(2))
        in_need = first >= 60
        found = regression_to_mean(
            first[in_need], second[in_need], population_mean=50, population_sd=10,
            reliability=0.64, at_least=60,
        )  # fmt: skip
        held += float(found.conf_low or 0) <= 0 <= float(found.conf_high or 0)
        gaps.append(float(found.observed_change or 0) - float(found.expected_by_cutoff or 0))
    assert 0.925 <= held / 400 <= 0.975
    assert abs(np.mean(gaps)) < 4 * np.std(gaps) / 20


def test_rows_left_out_are_counted() -> None:
    found = regression_to_mean(
        [1.0, 2, None, 4], [2.0, None, 3, 5], population_mean=0, reliability=0.5,
        cluster=["a", "b", "c", "d"],
    )  # fmt: skip
    assert (found.n, found.n_dropped) == (2, 2)
    assert replace(found, level=0.9).level == 0.9
