"""Growing Together has a stated truth; the whole pipeline must find it, and naive reading must not.

The full form (200 seeds) is marked slow: `python -m pytest -m slow`. A smaller form runs always,
with its bands widened by Monte-Carlo error.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from pathlib import Path
from types import ModuleType

import pytest

import evalkit as ek

EXAMPLE = Path(__file__).parents[2] / "examples" / "growing-together"
KEYS = [
    ("child-wellbeing", "end", "adult-survivor"),
    ("child-wellbeing", "6-months", "adult-survivor"),
    ("survivor-wellbeing", "end", "self"),
    ("survivor-wellbeing", "6-months", "self"),
]


def load_maker() -> ModuleType:
    """Load the example's own script, which is not part of the package."""
    spec = importlib.util.spec_from_file_location("make_growing_together", EXAMPLE / "make_data.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def simulate(seeds: range) -> dict[tuple[str, str, str], list[tuple[float, float, bool, bool]]]:
    """Run the declared evaluation on each seed; errors in SD, and whether intervals hold the truth."""
    maker = load_maker()
    evaluation = ek.load(EXAMPLE / "evaluation.yaml")
    found: dict[tuple[str, str, str], list[tuple[float, float, bool, bool]]] = {k: [] for k in KEYS}
    for seed in seeds:
        tables = {f"{name}.csv": table for name, table in maker.make_tables(seed).items()}
        study = evaluation.study(tables)
        analysis = study.analyse(sensitivity=False)
        for key in KEYS:
            truth = maker.TRUTH[key[0]][key[1]]
            reported = analysis.estimate(*key)
            rows = study.trail(*key).query("step == 'analysed'")
            naive = ek.stats.mean_difference(
                rows, outcome="score", treatment="treated", cluster="set"
            )
            found[key].append((
                (reported.estimate - truth["effect"]) / truth["sd"],
                (naive.estimate - truth["effect"]) / truth["sd"],
                reported.conf_low <= truth["effect"] <= reported.conf_high,
                naive.conf_low <= truth["effect"] <= naive.conf_high,
            ))  # fmt: skip
    return found


def summarise(rows: list[tuple[float, float, bool, bool]]) -> tuple[float, float, float, float]:
    """Return bias and coverage as reported, then unadjusted."""
    n = len(rows)
    return (
        sum(row[0] for row in rows) / n, sum(row[2] for row in rows) / n,
        sum(row[1] for row in rows) / n, sum(row[3] for row in rows) / n,
    )  # fmt: skip


@pytest.mark.slow
def test_two_hundred_seeds() -> None:
    for key, rows in simulate(range(200)).items():
        bias, coverage, naive_bias, naive_coverage = summarise(rows)
        print(f"{key}: bias {bias:+.4f}, coverage {coverage:.3f}; "
              f"unadjusted {naive_bias:+.4f}, {naive_coverage:.3f}")  # fmt: skip
        assert abs(bias) < 0.03, (key, bias)
        assert 0.91 <= coverage <= 0.98, (key, coverage)
        assert abs(naive_bias) > 0.08, (key, naive_bias)
        assert naive_coverage < 0.93, (key, naive_coverage)


def test_eight_seeds() -> None:
    seeds = range(1000, 1008)
    for key, rows in simulate(seeds).items():
        bias, coverage, naive_bias, _ = summarise(rows)
        spread = math.sqrt(sum((row[0] - bias) ** 2 for row in rows) / (len(rows) - 1) / len(rows))
        assert abs(bias) < 0.03 + 3 * spread, (key, bias)
        assert coverage >= 0.95 - 3 * math.sqrt(0.95 * 0.05 / len(rows)), (key, coverage)
        assert abs(naive_bias) > abs(bias), (key, naive_bias, bias)
