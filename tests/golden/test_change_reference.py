"""Reliable and clinically significant change: R's results, published counts, and R arithmetic."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.persons.individual_change import ReliableChange, reliable_change

GOLDEN = json.loads(Path(__file__).with_name("individual_change.json").read_text(encoding="utf-8"))
STATUS = {
    "Recovered": "recovered",
    "Improved": "improved",
    "Unchanged": "unchanged",
    "Deteriorated": "deteriorated",
    "Harmed": "deteriorated-clinically",
}
BDI: dict[str, Any] = {"higher_is_better": False, "reliability": 0.801}
NORMS: dict[str, Any] = {"functional": (8, 7)}
CLAUS = ("id", "time", (1, 4))


def close(found: Any, expected: Any, rtol: float = 1e-9) -> None:
    found, expected = (np.asarray(x, dtype=float) for x in (found, expected))
    np.testing.assert_allclose(found, expected, rtol=rtol, atol=1e-12)


def wide(frame: pd.DataFrame, person: str, time: str, times: Any, score: str) -> pd.DataFrame:
    scores = frame.pivot(index=person, columns=time, values=score)
    return pd.DataFrame({"pre": scores[times[0]], "post": scores[times[1]]})


def counts(found: ReliableChange) -> dict[str, int]:
    return {rate.status: rate.n for rate in found.rates}


def same_people(found: ReliableChange, scores: pd.DataFrame, expected: dict[str, Any]) -> None:
    """Compare everybody, by id, with every column R gives."""
    seen = {"id", "pre", "post", "change", "rci", "pct_change", "category"}
    flags = {name.lower(): status for name, status in STATUS.items()}
    assert set(expected) <= seen | set(flags)
    whole = found.to_frame().set_index(scores.index)
    people = whole.loc[expected["id"]]
    assert whole.drop(expected["id"])["status"].tolist() == [None] * (len(whole) - len(people))
    for name in ("pre", "post", "change", "rci"):
        if name in expected:
            close(people[name], expected[name])
    if "pct_change" in expected:
        close(people["change_share"], expected["pct_change"])
    assert people["status"].tolist() == [STATUS[name] for name in expected["category"]]
    for name in set(expected) & set(flags):
        assert (people["status"] == flags[name]).tolist() == expected[name]


def same_rates(found: ReliableChange, v: dict[str, Any]) -> None:
    by_status = {rate.status: rate for rate in found.rates}
    rates = [by_status[STATUS[name]] for name in v["counts"]["category"]]
    assert [rate.n for rate in rates] == v["counts"]["n"]
    shares = [rate.share for rate in rates if rate.share is not None]
    np.testing.assert_allclose(shares, v["counts"]["percent"], atol=5.1e-5, rtol=0)
    assert len(shares) == len(by_status)
    assert [found.n_all, found.n_used] == [v["n"]["n_original"], v["n"]["n_used"]]
    close(found.n_used / found.n_all, v["n"]["percent_used"])


def same_cutoff(found: ReliableChange, expected: dict[str, Any]) -> None:
    assert found.clinical is not None
    close(found.clinical, [expected["m_clinical"], expected["sd_clinical"]])
    if "m_functional" in expected:
        assert found.functional is not None
        close(found.functional, [expected["m_functional"], expected["sd_functional"]])
    assert found.cutoff_rule == expected["type"]
    close(found.cutoff, expected["value"])


DEPRESSED = ("patient", "measurement", ("Before", "After"))
COMBINED: dict[str, tuple[Any, str, dict[str, Any]]] = {
    "jt_claus_bdi_cutoff_a": (CLAUS, "bdi", {**BDI, "cutoff": "a"}),
    "jt_claus_bdi_cutoff_c": (CLAUS, "bdi", {**BDI, **NORMS, "cutoff": "c"}),
    "jt_claus_hamd_PA_only_cutoff_c": (
        CLAUS,
        "hamd",
        {"higher_is_better": False, "reliability": 0.85, "functional": (7, 5), "cutoff": "c"},
    ),
    "who5_higher_better_cutoff_a": (
        CLAUS,
        "who",
        {"higher_is_better": True, "reliability": 0.85, "cutoff": "a"},
    ),
    "jt_antidepressants_waitlist_a": (
        DEPRESSED,
        "mom_di",
        {"higher_is_better": False, "reliability": 0.8, "cutoff": "a"},
    ),
}


@pytest.mark.parametrize("name", COMBINED)
def test_recovered(reference: Any, name: str) -> None:
    (person, time, times), score, options = COMBINED[name]
    case = reference.case(name)
    frame, v = case.frame, case.values
    assert set(v) == {"rci_scalars", "cutoff", "counts", "n", "per_person"}
    if name.startswith("jt_claus_hamd_PA"):
        frame = frame[frame["treatment"] == "PA"]
    if name.startswith("jt_antidepressants"):
        frame = frame[frame["condition"] == "Wait List"]
    scores = wide(frame, person, time, times, score)
    found = reliable_change(scores["pre"], scores["post"], **options)
    close(found.s_diff, v["rci_scalars"]["s_diff"])
    same_cutoff(found, v["cutoff"])
    same_rates(found, v)
    same_people(found, scores, v["per_person"])


@pytest.mark.parametrize("name", ["jt_claus_bdi_cutoff_b"])
def test_cutoff_b_has_the_functional_sd(reference: Any, name: str) -> None:
    """R takes 8 + 2 x the clinical SD = 24.3; the definition is 8 + 2 x 7 = 22.

    Given R's value as a number, everything else of the case agrees.
    """
    case = reference.case(name)
    v, scores = case.values, wide(case.frame, *CLAUS, "bdi")
    found = reliable_change(scores["pre"], scores["post"], **BDI, **NORMS, cutoff="b")
    assert found.cutoff == 22
    on_it = [k for k, score in enumerate(found.post) if score == 22]
    assert [found.status[k] for k in on_it] == ["improved", "improved"]
    assert counts(found)["recovered"] == 10
    assert found.clinical is None
    theirs = v["cutoff"]
    close(theirs["value"], 8 + 2 * theirs["sd_clinical"])
    assert v["counts"]["n"][0] == 14
    found = reliable_change(scores["pre"], scores["post"], **BDI, **NORMS, cutoff=theirs["value"])
    close(found.s_diff, v["rci_scalars"]["s_diff"])
    same_rates(found, v)
    same_people(found, scores, v["per_person"])


INDEX = {
    "rci_JT_claus_bdi": ("jacobson-truax", "s_diff"),
    "rci_GLN_claus_bdi": ("gulliksen-lord-novick", "se_prediction"),
    "rci_EN_claus_bdi": ("edwards-nunnally", "se_measurement"),
}


@pytest.mark.parametrize("name", INDEX)
def test_index(reference: Any, name: str) -> None:
    method, error = INDEX[name]
    case = reference.case(name)
    v, scores = case.values, wide(case.frame, *CLAUS, "bdi")
    assert set(v) == {"rci_scalars", "counts", "n", "per_person"}
    found = reliable_change(scores["pre"], scores["post"], method=method, **BDI)
    assert list(v["rci_scalars"]) == [error]
    close(found.standard_error, v["rci_scalars"][error])
    same_rates(found, v)
    same_people(found, scores, v["per_person"])


LEAST: dict[str, dict[str, Any]] = {
    "percentage_change_claus_bdi_50": {"method": "percentage", "minimal_change": (0.5, 0.25)},
    "anchor_mid_claus_bdi_7": {"method": "anchor", "minimal_change": 7},
}


@pytest.mark.parametrize("name", LEAST)
def test_minimal_change(reference: Any, name: str) -> None:
    case = reference.case(name)
    v, scores = case.values, wide(case.frame, *CLAUS, "bdi")
    assert set(v) == {"counts", "n", "per_person"}
    found = reliable_change(scores["pre"], scores["post"], higher_is_better=False, **LEAST[name])
    same_rates(found, v)
    same_people(found, scores, v["per_person"])
    assert np.isnan(found.rci).all()


@pytest.mark.parametrize("name", ["statistical_only_claus_bdi_c"])
def test_crossing_alone(reference: Any, name: str) -> None:
    """Crossing the cut-off without an index is no method here: an anchor next to nothing is it."""
    case = reference.case(name)
    v, scores = case.values, wide(case.frame, *CLAUS, "bdi")
    assert set(v) == {"cutoff", "counts", "n", "per_person"}
    options: dict[str, Any] = {"method": "anchor", "minimal_change": 1e-6, **NORMS, "cutoff": "c"}
    found = reliable_change(scores["pre"], scores["post"], higher_is_better=False, **options)
    same_cutoff(found, v["cutoff"])
    people = found.to_frame().set_index(scores.index).loc[v["per_person"]["id"]]
    for ours in ("pre", "post", "change"):
        close(people[ours], v["per_person"][ours])
    crossed = {"recovered": "Improved", "deteriorated-clinically": "Deteriorated"}
    category = [crossed.get(status, "Unchanged") for status in people["status"]]
    assert category == v["per_person"]["category"]
    assert [category.count(name) for name in v["counts"]["category"]] == v["counts"]["n"]
    by_status = {rate.status: rate for rate in found.rates}
    assert by_status["recovered"].n_could == sum(v["per_person"]["clinical_pre"])
    swapped = reliable_change(scores["post"], scores["post"], higher_is_better=False, **{
        **options, "cutoff": found.cutoff})  # fmt: skip
    started = {rate.status: rate.n_could for rate in swapped.rates}
    assert started["deteriorated-clinically"] == sum(v["per_person"]["functional_post"])
    assert [found.n_all, found.n_used] == [v["n"]["n_original"], v["n"]["n_used"]]


# --- Jacobson et al. (1989), marital adjustment of 30 couples: counts recomputed from the paper --

COUPLES = [
    *((90.5, 97), (74, 124), (97, 97.5), (73.5, 88), (61, 96.5), (66.5, 62.5), (68.5, 112.5)),
    *((86.5, 103.5), (88.5, 90), (68.5, 82.5), (98, 105), (80.5, 99.5), (89.5, 112.5)),
    *((91.5, 101), (83.5, 99.5), (60.5, 79.5), (83, 88), (88, 100.5), (98.5, 119), (78.5, 116)),
    *((99.5, 116), (79.5, 129), (84.5, 113), (92.5, 118), (93, 92), (85, 114), (64, 68), (61, 52)),
    *((80, 60.5), (82.5, 104.5)),
]
JACOBSON = {
    "jacobson-truax": [14, 5, 10, 1, 0],
    "gulliksen-lord-novick": [14, 5, 9, 2, 0],
    "hsu-linn-lord": [7, 0, 15, 8, 0],
    "edwards-nunnally": [15, 6, 7, 2, 0],
    "nunnally-kotsch": [14, 5, 9, 2, 0],
    "hageman-arrindell": [10, 10, 9, 1, 0],
}


def couples(method: str, **options: Any) -> ReliableChange:
    pre, post = zip(*COUPLES, strict=True)
    given: dict[str, Any] = {
        "reliability": 0.88,
        "reliability_post": 0.88,
        "functional": (114.8, 17.8),
        "cutoff": "c",
        **options,
    }
    return reliable_change(pre, post, method=method, higher_is_better=True, **given)


@pytest.mark.parametrize("method", JACOBSON)
def test_jacobson_1989(method: str) -> None:
    assert list(counts(couples(method)).values()) == JACOBSON[method]


def test_jacobson_1989_scalars() -> None:
    found = couples("jacobson-truax")
    assert found.clinical is not None
    close(found.clinical, [81.583333, 11.825661], rtol=1e-7)
    close([found.sem, found.s_diff], [4.096529, 5.793367], rtol=2e-7)
    close(found.threshold, 11.355, rtol=5e-5)
    close(found.rci[:3], [1.121973, 8.630559, 0.086306], rtol=1e-5)
    cutoffs = [couples("jacobson-truax", cutoff=rule).cutoff for rule in ("a", "b", "c")]
    close(cutoffs, [105.2347, 79.2, 94.84241], rtol=5e-7)
    hageman = couples("hageman-arrindell")
    close([hageman.reliability_change, hageman.cutoff], [0.8777218, 94.5511], rtol=5e-7)


def test_claus_2020_as_the_package_prints_it(reference: Any) -> None:
    """The README of clinicalsignificance: BDI, 40 people, norms 7.69 (7.52)."""
    frame = pd.read_csv(reference.folder / "data/claus_2020.csv")
    scores = wide(frame, *CLAUS, "bdi")
    found = reliable_change(
        scores["pre"], scores["post"], **BDI, sd=8.16, clinical=(35.48, 8.16),
        functional=(7.69, 7.52), cutoff="c",
    )  # fmt: skip
    close([found.cutoff, found.s_diff], [21.01786, 5.147919], rtol=5e-7)
    for clinical, sd in ((None, None), ((35.48, 8.16), 8.16)):
        found = reliable_change(
            scores["pre"], scores["post"], **BDI, sd=sd, clinical=clinical,
            functional=(7.69, 7.52), cutoff="c",
        )  # fmt: skip
        assert list(counts(found).values()) == [10, 8, 22, 0, 0]


# --- R arithmetic (r/individual_change.R): every index and cut-off on six tables -----------------


@pytest.mark.parametrize("case", GOLDEN["cases"], ids=lambda case: case["id"])
def test_against_r_arithmetic(reference: Any, case: dict[str, Any]) -> None:
    frame = pd.read_csv(reference.folder / "data" / case["input_csv"])
    c, v = case["columns"], case["values"]
    scores = wide(frame, c["id"], c["time"], c["times"], c["score"])
    options = {name: case[name] for name in ("reliability", "reliability_post", "method")}
    for rule in ("a", "b", "c"):
        found = reliable_change(
            scores["pre"],
            scores["post"],
            higher_is_better=case["higher_is_better"],
            functional=tuple(case["functional"]),
            cutoff=rule,
            **options,
        )
        people = found.to_frame()[lambda d: d["status"].notna()]
        assert found.n_used == v["n"] == len(people)
        close(people["rci"], v["index"])
        close(found.cutoff, v["cutoffs"][rule])
        assert people["status"].tolist() == v["status"][rule]
        assert found.rates[0].n_could == v["clinical"][rule]


def test_r_cases_show_every_status() -> None:
    seen = {
        s for case in GOLDEN["cases"] for rule in case["values"]["status"].values() for s in rule
    }
    assert seen == set(STATUS.values())


@pytest.mark.parametrize("case", GOLDEN["wilson"], ids=lambda case: f"{case['n']} of {case['of']}")
def test_wilson(case: dict[str, Any]) -> None:
    post = [7.0] * case["n"] + [0.0] * (case["of"] - case["n"])
    found = reliable_change(
        [0.0] * case["of"], post, method="anchor", minimal_change=7, higher_is_better=True,
        level=case["level"],
    )  # fmt: skip
    rate = found.rates[0]
    assert (rate.status, rate.n, rate.n_used) == ("improved", case["n"], case["of"])
    close([rate.conf_low, rate.conf_high], case["limits"])
