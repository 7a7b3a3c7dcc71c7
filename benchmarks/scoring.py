"""The SDQ for a million people, beside the same by hand and beside R, in one run.

python benchmarks/scoring.py

25 items of which 5 are reversed, 5 scales and the total, up to two blanks a scale made up for, halves up, three
bands. By hand nothing is checked, counted or flagged; evalkit does all three and four scores more.
R's psych, where Rscript and psych are installed, scores without bands. Only the ratios mean
anything from one machine to another.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

import evalkit as ek

ROWS, RUNS = 1_000_000, 9
SCALES = {
    "emotional": (3, 8, 13, 16, 24), "conduct": (5, 7, 12, 18, 22),
    "hyperactivity": (2, 10, 15, 21, 25), "peer": (6, 11, 14, 19, 23), "prosocial": (1, 4, 9, 17, 20),
}  # fmt: skip
DIFFICULTIES = ("emotional", "conduct", "hyperactivity", "peer")
REVERSED = (7, 11, 14, 21, 25)
CUTS = {
    "emotional": (3, 4),
    "conduct": (2, 3),
    "hyperactivity": (5, 6),
    "peer": (2, 3),
    "total": (13, 16),
}
BANDS = ("normal", "borderline", "abnormal")
MEASURE = "sdq-parent-4-17"

PSYCH = """
d <- as.data.frame(matrix(readBin(commandArgs(TRUE)[1], "double", 25e6), ncol = 25))
names(d) <- paste0("q", 1:25)
keys <- list(emotional = paste0("q", c(3, 8, 13, 16, 24)), conduct = c("q5", "-q7", "q12", "q18", "q22"),
             hyperactivity = c("q2", "q10", "q15", "-q21", "-q25"), peer = c("q6", "-q11", "-q14", "q19", "q23"),
             prosocial = paste0("q", c(1, 4, 9, 17, 20)))
seconds <- function(f) median(sapply(1:3, function(i) system.time(suppressMessages(f()))[["elapsed"]]))
slow <- seconds(function() psych::scoreItems(keys, d, totals = TRUE, impute = "none", missing = TRUE))
fast <- seconds(function() psych::scoreFast(keys, d, totals = TRUE, impute = "none", missing = TRUE))
cat(slow, fast)
"""


def answers(seed: int = 20240401) -> pd.DataFrame:
    """Return a million rows of answers, one in twenty blank."""
    draw = np.random.default_rng(seed)
    values = draw.integers(0, 3, (ROWS, 25)).astype(float)
    values[draw.random(values.shape) < 0.05] = np.nan
    return pd.DataFrame(values, columns=[f"q{n}" for n in range(1, 26)])


def by_hand_in_pandas(frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with scales, total and bands, as vectorised pandas."""
    made: dict[str, Any] = {}
    for name, items in SCALES.items():
        part = pd.DataFrame(
            {n: 2 - frame[f"q{n}"] if n in REVERSED else frame[f"q{n}"] for n in items}
        )
        score = np.floor(part.mean(axis=1) * 5 + 0.5)
        made[name] = score.where(part.notna().sum(axis=1) >= 3)
    scores = pd.DataFrame(made)
    scores["total"] = scores[list(DIFFICULTIES)].sum(axis=1, skipna=False)
    for name, cuts in CUTS.items():
        scores[f"{name}_band"] = pd.cut(scores[name], [-1, *cuts, 99], labels=list(BANDS))
    return pd.concat([frame, scores], axis=1)


def by_hand_in_polars(frame: Any) -> Any:
    """Return the same as a lazy polars expression, collected."""
    import polars as pl

    made = []
    for name, items in SCALES.items():
        values = [2 - pl.col(f"q{n}") if n in REVERSED else pl.col(f"q{n}") for n in items]
        known = pl.sum_horizontal([pl.col(f"q{n}").is_not_null().cast(pl.Int64) for n in items])
        score = (pl.sum_horizontal(values) * 5 / known + 0.5).floor()
        made.append(pl.when(known >= 3).then(score).alias(name))
    complete = pl.all_horizontal([pl.col(name).is_not_null() for name in DIFFICULTIES])
    total = pl.when(complete).then(pl.sum_horizontal(*DIFFICULTIES)).alias("total")
    bands = [
        pl.when(pl.col(name).is_null()).then(None)
        .when(pl.col(name) <= low).then(pl.lit(BANDS[0]))
        .when(pl.col(name) <= middle).then(pl.lit(BANDS[1]))
        .otherwise(pl.lit(BANDS[2])).alias(f"{name}_band")
        for name, (low, middle) in CUTS.items()
    ]  # fmt: skip
    return frame.lazy().with_columns(made).with_columns(total).with_columns(bands).collect()


def timed(call: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median seconds of a call, after one call to warm up."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def in_r(frame: pd.DataFrame) -> tuple[float, float] | None:
    """Return the seconds of psych's scoreItems and scoreFast, or None where R has no psych."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        place, script = Path(folder) / "answers.bin", Path(folder) / "psych.R"
        place.write_bytes(frame.to_numpy().T.tobytes())
        script.write_text(PSYCH, encoding="utf-8")
        done = subprocess.run(
            ["Rscript", str(script), str(place)], capture_output=True, text=True, check=False
        )
    if done.returncode:
        return None
    slow, fast = (float(word) for word in done.stdout.split()[-2:])
    return slow, fast


def resident(kind: str) -> int:
    """Return the bytes of memory held now (VmRSS) or at most so far (VmHWM), as Linux counts them."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(kind))


def peak() -> None:
    """Print the peak of memory while scoring, the input included, as a multiple of the input."""
    ek.score(pd.DataFrame({f"q{n}": [1.0] for n in range(1, 26)}), MEASURE)
    empty = resident("VmRSS")
    frame = answers()
    size = frame.to_numpy().nbytes
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    ek.score(frame, MEASURE)
    print(f"{(resident('VmHWM') - empty) / size:.2f}")


def same(frame: pd.DataFrame) -> None:
    """Raise where evalkit and the hand-written scoring differ in any score or band."""
    ours, theirs = ek.score(frame, MEASURE), by_hand_in_pandas(frame)
    stem = "sdq_parent_4_17__"
    for name in (*SCALES, "total"):
        np.testing.assert_array_equal(ours[stem + name], theirs[name])
    for name in CUTS:
        mine = ours[f"{stem}{name}_band"].astype(object).fillna("")
        assert (mine == theirs[f"{name}_band"].astype(object).fillna("")).all(), name


def main() -> None:
    """Time all of them and print the ratios."""
    frame = answers()
    same(frame.head(50_000))
    hand, ours = timed(lambda: by_hand_in_pandas(frame)), timed(lambda: ek.score(frame, MEASURE))
    print(f"pandas by hand        {hand:.3f} s")
    print(f"evalkit, pandas       {ours:.3f} s   {ours / hand:.2f} of by hand (at most 1.25)")
    try:
        import polars as pl
    except ImportError:
        print("polars is not installed")
    else:
        table = pl.from_pandas(frame)
        lazy = timed(lambda: by_hand_in_polars(table))
        eager = timed(lambda: ek.score(table, MEASURE))
        through = timed(lambda: ek.score(table.lazy(), MEASURE).collect())
        print(f"polars by hand, lazy  {lazy:.3f} s")
        print(f"evalkit, polars       {eager:.3f} s   {eager / lazy:.2f} of by hand (at most 1.5)")
        print(
            f"evalkit, lazy polars  {through:.3f} s   {through / lazy:.2f} of by hand (at most 1.5)"
        )
    found = in_r(frame)
    if found is None:
        print("R with psych is not installed")
    else:
        slow, fast = found
        print(f"psych::scoreItems     {slow:.3f} s   {slow / ours:.1f} times evalkit (at least 10)")
        print(f"psych::scoreFast      {fast:.3f} s   {fast / ours:.1f} times evalkit (at least 2)")
    if Path("/proc/self/clear_refs").exists():
        this = [sys.executable, __file__, "--peak"]
        done = subprocess.run(this, capture_output=True, text=True, check=True)
        print(
            f"peak of memory        {done.stdout.strip()} of the input, itself included (under 3)"
        )


if __name__ == "__main__":
    peak() if "--peak" in sys.argv else main()
