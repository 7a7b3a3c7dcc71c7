"""CR2 with Satterthwaite degrees of freedom on 2,000 clusters, beside its peers, in one run.

python benchmarks/cr2.py

statsmodels has no CR2: its clustered covariance is CR1S, less work. R's estimatr, where Rscript
is installed, does the same work. Only the ratios mean anything from one machine to another.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from evalkit.stats import mean_difference
from evalkit.stats.linear import fit

CLUSTERS, SIZE, RUNS = 2_000, 10, 9
TERMS = ("arm", "baseline", "age", "need")

ESTIMATR = """
d <- read.csv(commandArgs(TRUE)[1])
f <- function() estimatr::lm_robust(y ~ arm + baseline + age + need, data = d, clusters = family,
                                    se_type = "CR2")
invisible(f())
times <- sapply(1:5, function(i) system.time(f())[["elapsed"]])
m <- f()
cat(median(times), m$std.error[["arm"]], m$df[["arm"]])
"""


def trial(seed: int = 20240401) -> pd.DataFrame:
    """Return a cluster-randomised trial with clusters of 2 to 18 people."""
    rng = np.random.default_rng(seed)
    sizes = rng.integers(2, 2 * SIZE - 1, CLUSTERS)
    family = np.repeat(np.arange(CLUSTERS), sizes)
    n = len(family)
    frame = pd.DataFrame({"family": family, "arm": (family % 2).astype(float)})
    for name in TERMS[1:]:
        frame[name] = rng.normal(size=n)
    shared = rng.normal(size=CLUSTERS)[family]
    frame["y"] = 0.2 * frame["arm"] + 0.5 * frame["baseline"] + shared + rng.normal(size=n)
    return frame


def timed(call: Callable[[], object], runs: int = RUNS) -> float:
    """Return the median seconds of a call, after one call to warm up."""
    call()
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return median(seconds)


def estimatr(frame: pd.DataFrame) -> tuple[float, float, float] | None:
    """Return estimatr's seconds, standard error and df, or None where R cannot run it."""
    if shutil.which("Rscript") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.csv"
        frame.to_csv(path, index=False)
        command = ["Rscript", "-e", ESTIMATR, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        return None
    seconds, error, df = (float(word) for word in done.stdout.split())
    return seconds, error, df


def main() -> None:
    import statsmodels.api as sm

    frame = trial()
    matrix = np.column_stack([np.ones(len(frame)), frame[list(TERMS)].to_numpy()])
    y, family = frame["y"].to_numpy(), frame["family"].to_numpy()
    names = ("(intercept)", *TERMS)
    groups = {"groups": family}
    rows = {
        "evalkit fit, CR2, df of one term": timed(
            lambda: fit(matrix, y, names, cluster=family, terms=("arm",))
        ),
        "evalkit fit, CR2, df of every term": timed(lambda: fit(matrix, y, names, cluster=family)),
        "evalkit mean_difference, from a frame": timed(
            lambda: mean_difference(
                frame, outcome="y", treatment="arm", covariates=TERMS[1:], cluster="family"
            )
        ),
        "statsmodels OLS, CR1S, no df": timed(
            lambda: sm.OLS(y, matrix).fit(cov_type="cluster", cov_kwds=groups).bse
        ),
    }
    model = fit(matrix, y, names, cluster=family, terms=("arm",))
    peer = estimatr(frame)
    if peer is not None:
        rows["R estimatr lm_robust, CR2, df of every term"] = peer[0]
        np.testing.assert_allclose([model.std_errors[1], model.df[1]], peer[1:], rtol=1e-5)
    base = rows["evalkit fit, CR2, df of every term"]
    print(f"{len(frame):,} rows, {CLUSTERS:,} clusters, {matrix.shape[1]} coefficients")
    for name, seconds in rows.items():
        print(f"{name:45s} {seconds:9.4f} s  {seconds / base:7.2f} x")


if __name__ == "__main__":
    main()
