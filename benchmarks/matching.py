"""Matching, its balance table and weighting, beside R's MatchIt: python benchmarks/matching.py

Where R has MatchIt (and optmatch for optimal and full) both run on the same table and the ratio is of
this run. Otherwise the peer's seconds are those once measured with MatchIt 4.7.1 and optmatch 0.10.8
on two cores (marked "stored"): between machines such a ratio is only a rough guide.

Exits with 1 where a limit is not met: seconds, or memory of the process (the last column, MiB).
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import resource

import numpy as np
import pandas as pd

from benchmarks.trials import installed, run_r, timed
from evalkit.stats.matching.matched import Matched
from evalkit.stats.matching.matching import match
from evalkit.stats.matching.narrowing import narrow_pool
from evalkit.stats.weighting.weights import weight

COVARIATES = [f"x{i}" for i in range(8)]
MOMENTS = [f"x{i}" for i in range(12)]
FORMULA = f"arm ~ {' + '.join(COVARIATES)}"
MOST_MIB = 1024


@dataclass(frozen=True)
class Case:
    """What is run: here and in R, the peer's stored seconds, and the most seconds allowed."""

    name: str
    sizes: tuple[int, int]
    call: Callable[[pd.DataFrame], Callable[[], object]]
    code: str = ""
    stored: float | None = None
    most: float | None = None
    package: str = "MatchIt"
    runs: int = 5


def people(treated: int, comparison: int, seed: int = 20240401) -> pd.DataFrame:
    """Return two arms that differ, with numbers, a yes or no and a count as covariates."""
    rng = np.random.default_rng(seed)
    arm = rng.permutation(np.arange(treated + comparison) < treated).astype(int)
    frame = pd.DataFrame({name: rng.normal(size=len(arm)) + 0.3 * arm for name in COVARIATES})
    frame["x6"] = (frame["x6"] > 0).astype(int)
    frame["x7"] = np.rint(3 * frame["x7"])
    for name in MOMENTS[len(COVARIATES) :]:
        frame[name] = rng.normal(size=len(arm)) + 0.3 * arm
    return frame.assign(arm=arm, id=np.arange(len(arm)))


def matching(**options: object) -> Callable[[pd.DataFrame], Callable[[], object]]:
    """Return what makes the call that is timed."""
    asked: dict[str, object] = {"treatment": "arm", "covariates": COVARIATES, **options}
    return lambda frame: lambda: match(frame, **asked)  # type: ignore[arg-type]


def table(frame: pd.DataFrame) -> Callable[[], object]:
    """Return the call for the balance table of a matched sample, before and after."""
    found: Matched = match(frame, treatment="arm", covariates=COVARIATES)
    return found.balance


def balancing(frame: pd.DataFrame) -> Callable[[], object]:
    """Return the call that weights the comparison to the treated in twelve means."""
    return lambda: weight(frame, treatment="arm", covariates=MOMENTS, method="entropy")


def narrowing(frame: pd.DataFrame) -> Callable[[], object]:
    """Return the call that narrows a pool in DuckDB, by an exact column and two distances."""
    import duckdb

    data = duckdb.connect().from_df(frame)
    return lambda: narrow_pool(
        data, treatment="arm", identity="id", exact="x7", near={"x0": 0.02, "x1": 0.02}
    )


def in_r(options: str) -> str:
    """Return the R code that times a call of matchit."""
    return f"f <- function() MatchIt::matchit({FORMULA}, data = d, {options})\ncat(timed(f, 3))"


SUMMARY = (f'm <- MatchIt::matchit({FORMULA}, data = d, method = "nearest")\n'
           "cat(timed(function() summary(m), 3))")  # fmt: skip
EBAL = (f'f <- function() WeightIt::weightit(arm ~ {" + ".join(MOMENTS)}, data = d, method = "ebal", '
        'estimand = "ATT")\ncat(timed(f, 3))')  # fmt: skip
BIG, SMALL, HUGE = (5_000, 200_000), (1_000, 10_000), (5_000, 1_000_000)
CASES = (
    Case("nearest, propensity", BIG, matching(), in_r('method = "nearest"'), 0.5446, 0.13),
    Case("nearest, caliper 0.2", BIG, matching(caliper=0.2, caliper_scale="score"),
         in_r('method = "nearest", caliper = 0.2'), 0.4880, 0.13),
    Case("nearest, Mahalanobis", BIG, matching(distance="mahalanobis"),
         in_r('method = "nearest", distance = "mahalanobis"'), 3.24, runs=1),
    Case("balance table", BIG, table, SUMMARY, 1.18, 0.118),
    Case("optimal pairs", SMALL, matching(method="optimal"), in_r('method = "optimal"'), 1.23,
         1.23, "optmatch"),
    Case("full", SMALL, matching(method="full"), in_r('method = "full"'), 38.66, 1.23, "optmatch"),
    Case("entropy balancing, 12", BIG, balancing, EBAL, most=2.0, package="WeightIt"),
    Case("nearest, propensity", HUGE, matching(caliper=0.2), runs=3),
    Case("narrowed in DuckDB", HUGE, narrowing, runs=3),
    Case("full", BIG, matching(method="full"), runs=1),
)  # fmt: skip


def row(case: Case, frame: pd.DataFrame, peers: dict[str, bool]) -> tuple[str, bool]:
    """Return a line of the table, and whether the limits are met."""
    seconds = timed(case.call(frame), case.runs)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    peer, note = case.stored, "stored"
    needs = {case.package} if case.package == "WeightIt" else {"MatchIt", case.package}
    if case.code and all(peers[p] for p in needs):
        peer, note = run_r(frame, case.code)[0], "this run"
    beside = "" if peer is None else f"{peer:9.3f} {peer / seconds:8.1f}  {note}"
    fine = (case.most is None or seconds <= case.most) and memory <= MOST_MIB
    size = f"{case.sizes[0]:,}/{case.sizes[1]:,}"
    return f"{case.name:22} {size:>17} {seconds:9.3f} {beside:30} {memory:6.0f}", fine


def main() -> int:
    """Print a line for each case; return 1 where a limit is not met."""
    peers = {name: installed(name) for name in ("MatchIt", "optmatch", "WeightIt")}
    print(
        f"{'':22} {'treated/comparison':>17} {'seconds':>9} {'R':>9} {'ratio':>8} {'':11} {'MiB':>6}"
    )
    slow = []
    for case in sorted(CASES, key=lambda c: sum(c.sizes)):
        line, fine = row(case, people(*case.sizes), peers)
        print(line)
        slow += [] if fine else [case.name]
    if slow:
        print(f"over the limit: {', '.join(slow)}")
    return int(bool(slow))


if __name__ == "__main__":
    sys.exit(main())
