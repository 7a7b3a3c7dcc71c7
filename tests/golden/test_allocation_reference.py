"""Allocation: check values of the notes on methods, randomizr, and the rule derived again in R.

allocation.json is from r/allocation.R, which has its own code and the SHA-256 of package digest.
"""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from evalkit.stats.planning.allocation_counts import allocation_chances
from evalkit.stats.planning.allocation_keys import block_order, key
from evalkit.stats.planning.constrained import balance_scores, constrained_schemes
from evalkit.stats.planning.minimising import chances, imbalances
from evalkit.stats.planning.randomising import randomise

OWN = json.loads((Path(__file__).parent / "allocation.json").read_text(encoding="utf-8"))
FRAME = pd.DataFrame({"site": OWN["site"], "risk": OWN["risk"]})


@pytest.mark.parametrize("case_id", ["randomizr_probabilities"])
def test_randomizr(reference: Any, case_id: str) -> None:
    v = reference.case(case_id).values
    blocks = allocation_chances([10, 20, 30], [5, 8, 12])
    table = np.array(v["block_probs"]["matrix"], dtype=float)
    np.testing.assert_allclose(blocks.probability, table[:, 1], rtol=1e-12)
    assert blocks.assignments == pytest.approx(v["n_perms_block"], rel=1e-15)
    clusters = allocation_chances([10], [4])
    assert clusters.probability == (v["cluster_prob"],)
    assert clusters.assignments == v["n_perms_cluster"]


def test_keys_of_the_notes() -> None:
    text = "evalkit|trial=DEMO|seed=20240601|stratum=siteA|block=1"
    digest = "8d6cfff69b9ae1f2949209f01325343d2e3139b8b3eec744fd90509d340affc4"
    assert key(*text.split("|")) == sha256(text.encode()).hexdigest() == digest
    keys = [key("s1", "A", 1, index)[:8] for index in range(4)]
    assert keys == ["67913ec6", "0f230fa7", "94a00fd9", "d890802c"]
    assert [index for index, _ in block_order("s1", "A", 1, [0, 1, 2, 3])] == [1, 0, 2, 3]
    assert [arm for arm, _ in block_order("s1", "A", 1, list("TTCC"))] == list("TTCC")
    frame = pd.DataFrame({"site": ["A"] * 4})
    found = randomise(frame, arms=("T", "C"), strata="site", block=4, seed="s1")
    assert list(found["arm"]) == list("TTCC")


def test_imbalance_of_the_notes() -> None:
    """A case at site A, high risk, with a child; treatment and comparison so far 4/3, 3/2, 4/4."""
    counts = [[4, 3], [3, 2], [4, 4]]
    np.testing.assert_array_equal(imbalances(counts, (1, 1)), [5, 1])
    np.testing.assert_allclose(imbalances(counts, (1, 1), imbalance="variance"), [4.5, 0.5])
    sd = imbalances(counts, (1, 1), imbalance="sd")
    np.testing.assert_allclose(sd, [2 * 2**0.5 + 0.5**0.5, 0.5**0.5])
    assert np.sum(counts, axis=0).tolist() == [11, 9]  # Altman and Bland's marginal sums
    for found in (imbalances(counts, (1, 1)), sd):
        np.testing.assert_allclose(chances(found, (1, 1), 0.8), [0.2, 0.8])


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("blocks", {"strata": ["site", "risk"], "block": [6, 4], "seed": "s1"}),
        (
            "blocks_none",
            {"arms": "ABC", "ratio": (2, 1, 1), "block": (4, 8), "seed": 20240601},
        ),
        (
            "simple",
            {"arms": "ABC", "ratio": (2, 1, 1), "strata": "site", "seed": "s2", "method": "simple"},
        ),
        ("minimise", {"strata": ["site", "risk"], "method": "minimise", "seed": "s3"}),
        (
            "minimise_sd",
            {
                "arms": "ABC",
                "ratio": (2, 1, 1),
                "strata": ["site", "risk"],
                "method": "minimise",
                "imbalance": "sd",
                "probability": 0.9,
                "seed": "s4",
            },
        ),
        (
            "minimise_variance",
            {
                "arms": "ABC",
                "strata": ["site", "risk"],
                "method": "minimise",
                "imbalance": "variance",
                "probability": 0.85,
                "seed": "s5",
            },
        ),
    ],
)
def test_derived_again_in_r(name: str, options: dict[str, Any]) -> None:
    if options.get("arms") == "ABC":
        options = options | {"arms": ("A", "B", "C")}
    assert list(randomise(FRAME, **options)["arm"]) == OWN[name]


def test_balance_score_by_hand() -> None:
    """Four clusters, two covariates: (1 - 2 + 3 - 5)^2 + (1 + 1 - 1 - 1)^2 = 9, and so on."""
    z = [[1, 1], [2, -1], [3, -1], [5, 1]]
    schemes = [[1, 0, 1, 0], [1, 1, 0, 0], [0, 1, 0, 1]]
    np.testing.assert_array_equal(balance_scores(schemes, z), [9 + 0 + 0, 25 + 0, 9 + 0])
    np.testing.assert_array_equal(balance_scores([[1, 0, 0, 1]], z), [1 + 16])


def test_schemes_by_enumeration() -> None:
    frame = pd.DataFrame({"c": list("abcdef"), "x": [1.0, 2, 3, 4, 5, 6]})
    found = constrained_schemes(frame, cluster="c", covariates="x", best=0.2, seed=1)
    totals = {int(row) for row in found.schemes @ frame["x"].to_numpy(int)}
    assert totals == {10, 11}  # of 21: as near to a half as whole numbers get
    assert (found.exact, found.gone_through, len(found.schemes)) == (True, 20, 6)
    z = (10 - 11) / frame["x"].std()
    np.testing.assert_allclose(found.scores, z**2)
