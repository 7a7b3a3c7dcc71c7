"""Multiple imputation beside R's mice, in one run: python benchmarks/impute.py

2,000 people by 10 variables with a fifth missing, predictive mean matching, 20 imputations of five
rounds, one worker: at least 4 times as fast as mice, where Rscript and mice are installed. Then 25
items at three waves of 2,000 children, with two workers. Exits with 1 where mice is less than 4 times slower.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

from evalkit.stats.imputing.chained import impute

PEOPLE, VARIABLES, ITEMS, WAVES, M, ROUNDS, RUNS, RATIO = 2_000, 10, 25, 3, 20, 5, 5, 4.0

MICE = """
suppressMessages(library(mice))
d <- read.csv(commandArgs(TRUE)[1])
a <- commandArgs(TRUE)
seconds <- sapply(1:3, function(k) system.time(
  mice(d, m = as.integer(a[2]), maxit = as.integer(a[3]), method = "pmm", seed = k, printFlag = FALSE))[["elapsed"]])
cat(median(seconds), as.character(packageVersion("mice")))
"""


def people(seed: int = 20240401) -> pd.DataFrame:
    """Return correlated variables (0.5), a fifth of the values missing at random places."""
    draw = np.random.default_rng(seed)
    values = np.sqrt(0.5) * (
        draw.standard_normal((PEOPLE, 1)) + draw.standard_normal((PEOPLE, VARIABLES))
    )
    values[draw.random(values.shape) < 0.2] = np.nan
    return pd.DataFrame(values, columns=[f"v{n}" for n in range(1, VARIABLES + 1)])


def items(seed: int = 20240402) -> pd.DataFrame:
    """Return answers of 0, 1 and 2 to every item at every wave, a fifth missing."""
    draw = np.random.default_rng(seed)
    child = draw.standard_normal((PEOPLE, 1))
    wide = (PEOPLE, ITEMS * WAVES)
    answers = np.clip(np.round(1 + 0.6 * child + 0.7 * draw.standard_normal(wide)), 0, 2)
    answers[draw.random(wide) < 0.2] = np.nan
    names = [f"q{item}_{wave}" for wave in range(1, WAVES + 1) for item in range(1, ITEMS + 1)]
    return pd.DataFrame(answers, columns=names)


def seconds(frame: pd.DataFrame, runs: int, **options: object) -> float:
    """Return the median seconds of a call."""
    taken = []
    for seed in range(runs):
        start = time.perf_counter()
        impute(frame, m=M, iterations=ROUNDS, seed=seed, **options)  # type: ignore[arg-type]
        taken.append(time.perf_counter() - start)
    return median(taken)


def by_mice(frame: pd.DataFrame) -> tuple[float, str] | None:
    """Return the median seconds and the version of mice; None where it is not installed."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        file, script = Path(folder) / "people.csv", Path(folder) / "mice.R"
        frame.to_csv(file, index=False)
        script.write_text(MICE, encoding="utf-8")
        command = ["Rscript", str(script), str(file), str(M), str(ROUNDS)]
        done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode:
        return None
    taken, version = done.stdout.split()[-2:]
    return float(taken), version


def main() -> int:
    """Print the times and the ratio; return 1 where it is too small."""
    frame = people()
    impute(frame, m=1, iterations=1, seed=0)  # imports
    own = seconds(frame, RUNS)
    print(f"evalkit, {PEOPLE:,} x {VARIABLES}, m {M}, {ROUNDS} rounds, one worker: {own:.3f} s")
    wide = items()
    for workers in (1, 2):
        taken = seconds(wide, 1, workers=workers)
        print(f"evalkit, {PEOPLE:,} x {wide.shape[1]} items, {workers} worker(s): {taken:.1f} s")
    found = by_mice(frame)
    if found is None:
        print("mice: Rscript or the package mice is absent, so there is no ratio.")
        return 0
    taken, version = found
    print(
        f"mice {version}, {PEOPLE:,} x {VARIABLES}: {taken:.3f} s, {taken / own:.1f} times as long"
    )
    return int(taken / own < RATIO)


if __name__ == "__main__":
    sys.exit(main())
