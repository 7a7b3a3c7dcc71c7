"""Roll-outs and fixed effects, beside their peers in one run: python benchmarks/panels.py

Each call to evalkit is the public one, from a frame. Results must equal the peer's. A peer that is
not installed has its seconds of an earlier measurement, on another day and perhaps another machine,
and the table says "stored": such a ratio is a rough guide only.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from contextlib import redirect_stdout
from dataclasses import dataclass
from importlib.util import find_spec
from io import StringIO
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from evalkit.stats.panels.fixed_effects import two_way_fixed_effects
from evalkit.stats.panels.group_time import group_time_effects

RUNS = 9
START = """
d <- read.csv(commandArgs(TRUE)[1])
options(digits = 17)
timed <- function(f, runs) { f(); median(sapply(seq_len(runs), function(i) system.time(f())[["elapsed"]])) }
"""
DID = """
f <- function() did::aggte(did::att_gt("y", "t", "id", "g", ~x, d, bstrap = FALSE, cband = FALSE),
                           type = "dynamic", bstrap = FALSE, cband = FALSE)
r <- f(); cat(timed(f, 5), r$overall.att, r$overall.se)
"""
FIXEST = """
f <- function() fixest::feols(y ~ on + x1 + x2 | id + t, d, cluster = ~id)
r <- f(); cat(timed(f, 5), coef(r)[["on"]], fixest::se(r)[["on"]])
"""


@dataclass(frozen=True)
class Peer:
    """A peer: how it is run here (seconds, estimate, error; None where absent), stored seconds."""

    name: str
    run: Callable[[pd.DataFrame], tuple[float, ...] | None]
    stored: float | None


@dataclass(frozen=True)
class Work:
    """What is timed: the table, our call, the estimate and error to agree on, and the peers."""

    name: str
    frame: Callable[[int], pd.DataFrame]
    size: int
    ours: Callable[[pd.DataFrame], Any]
    numbers: Callable[[Any], tuple[float, float]]
    peers: tuple[Peer, ...]


def roll_out(units: int, seed: int = 20240401) -> pd.DataFrame:
    """Return units over five years, a covariate, and starts in three of them or never."""
    rng = np.random.default_rng(seed)
    unit, year = np.repeat(np.arange(units), 5), np.tile(np.arange(2003, 2008), units)
    starts = rng.choice([0, 2004, 2006, 2007], units, p=[0.4, 0.2, 0.2, 0.2])[unit]
    x, level = rng.normal(size=units)[unit], rng.normal(size=units)[unit]
    y = level + 0.3 * x * (year - 2003) + ((starts > 0) & (year >= starts))
    y = y + rng.normal(size=len(unit))
    return pd.DataFrame({"id": unit, "t": year, "g": starts, "x": x, "y": y})


def panel(units: int, seed: int = 20240402) -> pd.DataFrame:
    """Return units over ten periods with two covariates and a staggered treatment."""
    rng = np.random.default_rng(seed)
    unit, period = np.repeat(np.arange(units), 10), np.tile(np.arange(10), units)
    on = period >= rng.choice([4, 6, 8, 99], units)[unit]
    frame = pd.DataFrame({"id": unit, "t": period, "on": on.astype(int)})
    frame["x1"], frame["x2"] = rng.normal(size=(2, len(unit)))
    frame["y"] = frame["on"] + frame["x1"] + rng.normal(size=units)[unit]
    frame["y"] += rng.normal(size=len(unit))
    return frame


def timed(call: Callable[[], Any], runs: int = RUNS) -> float:
    """Return the median seconds of a call, after one call to warm up."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def in_r(package: str, code: str) -> Callable[[pd.DataFrame], tuple[float, ...] | None]:
    """Return a way to run R code that prints seconds, estimate and error."""

    def run(frame: pd.DataFrame) -> tuple[float, ...] | None:
        if shutil.which("Rscript") is None:
            return None
        there = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
        if subprocess.run(["Rscript", "-e", there], capture_output=True, check=False).returncode:
            return None
        with tempfile.TemporaryDirectory() as folder:
            table, script = Path(folder) / "d.csv", Path(folder) / "run.R"
            frame.to_csv(table, index=False)
            script.write_text(START + code, encoding="utf-8")
            done = subprocess.run(
                ["Rscript", str(script), str(table)], capture_output=True, text=True, check=True
            )
        return tuple(float(x) for x in done.stdout.split())

    return run


def by_csdid(frame: pd.DataFrame) -> tuple[float, ...] | None:
    """Run csdid, where it is installed."""
    if find_spec("csdid") is None:
        return None
    from csdid.att_gt import ATTgt

    def call() -> Any:
        found = ATTgt(yname="y", gname="g", idname="id", tname="t", xformla="y~x", data=frame)
        return found.fit(est_method="dr", bstrap=False).aggte(
            typec="dynamic", bstrap=False, cband=False
        )

    with redirect_stdout(StringIO()):
        result, seconds = call().atte, timed(call, 5)
    return seconds, float(result["overall_att"]), float(np.squeeze(result["overall_se"]))


def by_pyfixest(frame: pd.DataFrame) -> tuple[float, ...] | None:
    """Run pyfixest, where it is installed."""
    if find_spec("pyfixest") is None:
        return None
    import pyfixest

    def call() -> Any:
        return pyfixest.feols("y ~ on + x1 + x2 | id + t", frame, vcov={"CRV1": "id"})

    result = call()
    return timed(call, 5), float(result.coef()["on"]), float(result.se()["on"])


def by_pandas(frame: pd.DataFrame) -> tuple[float, ...] | None:
    """Take means out with pandas and fit with statsmodels: no library for panels at all."""
    from statsmodels.api import OLS

    names = ["y", "on", "x1", "x2"]
    units, periods = frame["id"].nunique(), frame["t"].nunique()

    def call() -> Any:
        left = frame[names] - frame.groupby("id")[names].transform("mean")
        left = left - left.groupby(frame["t"]).transform("mean")
        return OLS(left["y"], left[names[1:]]).fit(
            cov_type="cluster", cov_kwds={"groups": frame["id"].to_numpy()}
        )

    result, rows = call(), len(frame)
    factor = (rows - 3) / (rows - 3 - periods)  # statsmodels does not count the periods
    assert units * periods == rows
    return timed(call, 3), float(result.params["on"]), float(result.bse["on"] * np.sqrt(factor))


def effects(frame: pd.DataFrame, draws: int) -> Any:
    """Return the event study of effects by group and period."""
    found = group_time_effects(
        frame, outcome="y", unit="id", period="t", first_treated="g", covariates="x",
        bootstrap=draws, seed=1,
    )  # fmt: skip
    return found.event_study()


def two_way(frame: pd.DataFrame) -> Any:
    """Return the two-way estimate."""
    return two_way_fixed_effects(
        frame, outcome="y", treatment="on", unit="id", period="t", covariates=["x1", "x2"]
    )


WORK = (
    Work(
        "effects by group and period, 50,000 rows",
        roll_out, 10_000, lambda d: effects(d, 0),
        lambda e: (e.overall.estimate, e.overall.std_error),
        (Peer("csdid", by_csdid, 0.0547), Peer("R did", in_r("did", DID), 0.4082)),
    ),
    Work(
        "the same with 1,000 draws for bands",
        roll_out, 10_000, lambda d: effects(d, 1000),
        lambda e: (e.overall.estimate, e.overall.std_error),
        (Peer("csdid", lambda _: None, 0.4244), Peer("R did", lambda _: None, 0.8783)),
    ),
    Work(
        "two-way fixed effects, 1,000,000 rows",
        panel, 100_000, two_way, lambda e: (e.estimate, e.std_error),
        (
            Peer("pandas and statsmodels", by_pandas, None),
            Peer("R fixest", in_r("fixest", FIXEST), 0.1487),
            Peer("pyfixest", by_pyfixest, 0.3383),
        ),
    ),
)  # fmt: skip


def peak(call: Callable[[], Any]) -> float:
    """Return the MiB that a call holds at most."""
    tracemalloc.start()
    call()
    held = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return held / 2**20


def compared(work: Work) -> None:
    """Print our seconds, each peer's, and how memory grows when the table is twice as long."""
    frame = work.frame(work.size)
    seconds, own = timed(lambda: work.ours(frame)), work.numbers(work.ours(frame))
    twice = work.frame(2 * work.size)
    held = [peak(lambda table=table: work.ours(table)) for table in (frame, twice)]
    print(
        f"{work.name}: {seconds:.3f} s, {held[0]:.0f} MiB ({held[1] / held[0]:.2f}x for twice the rows)"
    )
    for peer in work.peers:
        found = peer.run(frame)
        if found is None and peer.stored is not None:
            print(
                f"  {peer.name}: stored {peer.stored:.3f} s, ratio {peer.stored / seconds:.1f} (stored)"
            )
        elif found is not None:
            np.testing.assert_allclose(own, found[1:], rtol=1e-5)
            print(f"  {peer.name}: {found[0]:.3f} s, ratio {found[0] / seconds:.1f}, same results")


if __name__ == "__main__":
    for item in WORK:
        compared(item)
