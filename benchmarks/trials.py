"""What is run on a trial, beside its R peers in one run: python benchmarks/trials.py

Each call to evalkit is the public one, from a frame. Results must equal the peer's (what is drawn
at random: within its Monte-Carlo error). Only the ratios mean anything from one machine to another.
Where Rscript or a package is missing the table says so; a loop in R stands in for ri2 and coin.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import numpy as np
import pandas as pd

from evalkit.stats import mean_difference, mixed_difference, permutation_test
from evalkit.stats.redrawing.resampling import bootstrap
from evalkit.stats.sizes.effect_sizes import small_sample_factor

RUNS = 9
START = """
d <- read.csv(commandArgs(TRUE)[1])
options(digits = 17)
timed <- function(f, runs) { f(); median(sapply(seq_len(runs), function(i) system.time(f())[["elapsed"]])) }
"""
CLUB_SANDWICH = """
m <- lm(y ~ arm + baseline + age + need, data = d)
f <- function() clubSandwich::coef_test(m, vcov = clubSandwich::vcovCR(m, cluster = d$family, type = "CR2"),
                                        test = "Satterthwaite", coefs = "arm")
r <- f(); cat(timed(f, 3), r$SE, r$df_Satt)
"""
ESTIMATR = """
f <- function() estimatr::lm_robust(y ~ arm + baseline + age + need, data = d, clusters = family, se_type = "CR2")
m <- f(); cat(timed(f, 5), m$std.error[["arm"]], m$df[["arm"]])
"""
RI2 = """
a <- randomizr::declare_ra(N = nrow(d), m = sum(d$arm))
f <- function() ri2::conduct_ri(y ~ arm + baseline, assignment = "arm", declaration = a, sharp_hypothesis = 0,
                                data = d, sims = 2000)
set.seed(1); m <- summary(f()); cat(timed(f, 3), m$estimate, m$two_tailed_p_value)
"""
LM_FIT = """
f <- function() { b <- lm.fit(cbind(1, d$arm, d$baseline), d$y)$coefficients[[2]]
  r <- replicate(2000, lm.fit(cbind(1, sample(d$arm), d$baseline), d$y)$coefficients[[2]])
  c(b, (sum(abs(r) >= abs(b)) + 1) / 2001) }
set.seed(1); m <- f(); cat(timed(f, 3), m)
"""
COIN = """
d$g <- factor(d$arm); library(coin)
f <- function() oneway_test(y ~ g, data = d, distribution = approximate(nresample = 10000))
set.seed(1); p <- pvalue(f()); cat(timed(f, RUNS), diff(tapply(d$y, d$g, mean)), as.numeric(p))
"""
SAMPLE = """
f <- function() { n <- sum(d$arm); all <- sum(d$y); gap <- function(s) s / n - (all - s) / (nrow(d) - n)
  b <- gap(sum(d$y[d$arm == 1])); r <- gap(replicate(10000, sum(sample(d$y, n))))
  c(b, (sum(abs(r) >= abs(b)) + 1) / 10001) }
set.seed(1); m <- f(); cat(timed(f, 3), m)
"""
BOOT = """
g <- function(z, i) { q <- z[i, ]; a <- q$y[q$arm == 1]; b <- q$y[q$arm == 0]; n <- length(a); k <- length(b)
  (mean(a) - mean(b)) / sqrt(((n - 1) * var(a) + (k - 1) * var(b)) / (n + k - 2)) * (1 - 3 / (4 * (n + k - 2) - 1)) }
d <- d[c("y", "arm")]
f <- function() { b <- boot::boot(d, g, R = 2000, strata = d$arm)
  c(b$t0, sd(b$t), boot::boot.ci(b, type = "bca", L = boot::empinf(b, type = "jack"))$bca[4:5]) }
set.seed(1); m <- f(); cat(timed(f, 3), m)
"""
LME4 = """
f <- function() lme4::lmer(y ~ arm + baseline + age + (1 | family), data = d)
m <- f(); v <- as.data.frame(lme4::VarCorr(m))$vcov
cat(timed(f, 5), lme4::fixef(m)[["arm"]], sqrt(vcov(m)["arm", "arm"]), v)
"""


@dataclass(frozen=True)
class Peer:
    """A peer: its R package and code, the ratio to reach, and how near its results must be."""

    package: str
    label: str
    code: str
    target: float
    close: Callable[[Sequence[float]], None]


def trial(clusters: int, size: int, seed: int = 20240401) -> pd.DataFrame:
    """Return a trial of whole families; with one family for each person, of persons."""
    rng = np.random.default_rng(seed)
    family = np.repeat(np.arange(clusters), size)
    frame = pd.DataFrame({"family": family, "arm": family % 2})
    for name in ("baseline", "age", "need"):
        frame[name] = rng.normal(size=len(family))
    shared = rng.normal(size=clusters)[family]
    frame["y"] = 0.2 * frame["arm"] + 0.5 * frame["baseline"] + 0.5 * shared
    frame["y"] += rng.normal(size=len(family))
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


def installed(package: str) -> bool:
    """Return whether R is there with the package."""
    if shutil.which("Rscript") is None:
        return False
    code = f"quit(status = !requireNamespace('{package}', quietly = TRUE))"
    return subprocess.run(["Rscript", "-e", code], capture_output=True, check=False).returncode == 0


def run_r(frame: pd.DataFrame, code: str) -> list[float]:
    """Return the numbers that R code prints for a frame: seconds, then results."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "trial.csv"
        frame.to_csv(path, index=False)
        text = START + code.replace("RUNS", str(RUNS))
        command = ["Rscript", "-e", text, str(path)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"R failed: {done.stderr}")
    return [float(word) for word in done.stdout.split()]


def equal(*expected: float, rtol: float) -> Callable[[Sequence[float]], None]:
    """Return a check that results equal what evalkit gives."""

    def check(results: Sequence[float]) -> None:
        np.testing.assert_allclose(results, expected, rtol=rtol)

    return check


def same_p(estimate: float, p_value: float, draws: int) -> Callable[[Sequence[float]], None]:
    """Return a check of an estimate, and of a p-value drawn from as many assignments."""

    def check(results: Sequence[float]) -> None:
        np.testing.assert_allclose(results[0], estimate, rtol=1e-9)
        chance = 5 * np.sqrt(2 * p_value * (1 - p_value) / draws) + 2 / draws
        np.testing.assert_allclose(results[1], p_value, atol=chance)

    return check


def show(
    what: str, frame: pd.DataFrame, call: Callable[[], object], *choices: Sequence[Peer]
) -> None:
    """Print one case: evalkit, and the first peer of each choice that is installed."""
    own = timed(call)
    print(f"\n{what}\n  {'evalkit':44s} {own:9.4f} s")
    for peers in choices:
        for peer in peers:
            if not installed(peer.package):
                print(f"  {peer.label:44s} not installed here")
                continue
            seconds, *results = run_r(frame, peer.code)
            peer.close(results)
            ratio = seconds / own
            met = "met" if ratio >= peer.target else "MISSED"
            print(
                f"  {peer.label:44s} {seconds:9.4f} s {ratio:8.1f} x  (target {peer.target:g}: {met})"
            )
            break


def clustered() -> None:
    frame = trial(2_000, 20)

    def call() -> object:
        return mean_difference(
            frame,
            outcome="y",
            treatment="arm",
            covariates=("baseline", "age", "need"),
            cluster="family",
        )

    found = call()
    close = equal(found.std_error, found.df, rtol=1e-6)
    show(
        "CR2 and Satterthwaite df, 2,000 clusters of 20, mean_difference",
        frame,
        call,
        [Peer("clubSandwich", "R clubSandwich vcovCR + coef_test", CLUB_SANDWICH, 20, close)],
        [Peer("estimatr", "R estimatr lm_robust", ESTIMATR, 4, close)],
    )


def rerandomised() -> None:
    frame = trial(400, 1)
    options = {"outcome": "y", "treatment": "arm", "seed": 1}

    def adjusted() -> object:
        return permutation_test(frame, covariates="baseline", permutations=2_000, **options)

    found = adjusted()
    close = same_p(found.estimate, found.p_value, 2_000)
    show(
        "2,000 re-randomisations of an adjusted difference, n = 400, permutation_test",
        frame,
        adjusted,
        [
            Peer("ri2", "R ri2 conduct_ri", RI2, 5, close),
            Peer("stats", "R loop of lm.fit (in place of ri2)", LM_FIT, 5, close),
        ],
    )

    def simple() -> object:
        return permutation_test(frame, permutations=10_000, **options)

    found = simple()
    close = same_p(found.estimate, found.p_value, 10_000)
    show(
        "10,000 permutations of a difference, n = 400, permutation_test",
        frame,
        simple,
        [
            Peer("coin", "R coin oneway_test(approximate)", COIN, 1, close),
            Peer("stats", "R loop of sample (in place of coin)", SAMPLE, 1, close),
        ],
    )


def resampled() -> None:
    frame = trial(400, 1)

    def call() -> object:
        return bootstrap(frame, outcome="y", treatment="arm", statistic="g", seed=1)

    found = call()
    approximate = (1 - 3 / (4 * 398 - 1)) / small_sample_factor(398)  # R's J over the exact one

    def close(results: Sequence[float]) -> None:
        g, error, low, high = np.array(results) / approximate
        np.testing.assert_allclose(g, found.estimate, rtol=1e-9)
        np.testing.assert_allclose(error, found.std_error, rtol=0.1)
        ends = [found.conf_low, found.conf_high]
        np.testing.assert_allclose([low, high], ends, atol=0.3 * found.std_error)

    show(
        "2,000 draws of Hedges' g with a BCa interval, n = 400, bootstrap",
        frame,
        call,
        [Peer("boot", "R boot + empinf + boot.ci", BOOT, 10, close)],
    )


def mixed() -> None:
    frame = trial(500, 40)

    def call() -> object:
        return mixed_difference(
            frame, outcome="y", treatment="arm", covariates=("baseline", "age"), group="family"
        )

    found = call()
    numbers = (found.estimate, found.std_error, found.variance_between, found.variance_within)
    show(
        "Random intercept by REML, 20,000 rows in 500 clusters, mixed_difference",
        frame,
        call,
        [Peer("lme4", "R lme4 lmer (no df)", LME4, 3, equal(*numbers, rtol=1e-4))],
    )


def main() -> None:
    for case in (clustered, rerandomised, resampled, mixed):
        case()


if __name__ == "__main__":
    main()
