"""Allocate 100,000 units: the function, and the whole command with reading, log and list.

python benchmarks/randomise.py

Exits with 1 where a command takes 5 seconds or more.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd

from evalkit.stats import randomise

UNITS, LIMIT = 100_000, 5.0
METHODS = ("blocks", "simple", "minimise")


def units() -> pd.DataFrame:
    """Return units with two strata, of seven and three values."""
    numbers = range(UNITS)
    rows = [(f"u{n}", str(n % 7), str(n * 7919 % 3)) for n in numbers]
    return pd.DataFrame(rows, columns=["unit", "area", "risk"])


def by_function(frame: pd.DataFrame, method: str) -> float:
    """Return the seconds of one call."""
    start = time.perf_counter()
    randomise(frame, method=method, strata=["area", "risk"], seed="a seed")
    return time.perf_counter() - start


def by_command(file: Path, method: str) -> tuple[float, float]:
    """Return the seconds to allocate and to verify, each a process of its own."""
    log = file.with_name(f"{method}.jsonl")
    out = file.with_name(f"{method}.csv")
    base = [sys.executable, "-m", "evalkit", "randomise"]
    first = [
        str(file),
        "--method",
        method,
        "--strata",
        "area,risk",
        "--log",
        str(log),
        "--out",
        str(out),
    ]
    seconds = []
    for more in (first, ["--verify", str(log)]):
        start = time.perf_counter()
        subprocess.run([*base, *more, "--seed", "20240401"], check=True, capture_output=True)
        seconds.append(time.perf_counter() - start)
    return seconds[0], seconds[1]


def main() -> int:
    """Print a row a method; return 1 where one is too slow."""
    frame = units()
    slow = 0
    print(f"{'method':10} {'function':>9} {'command':>9} {'verify':>9}  seconds, {UNITS:,} units")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "units.csv"
        frame.to_csv(file, index=False)
        for method in METHODS:
            alone = by_function(frame, method)
            command, verified = by_command(file, method)
            slow += command >= LIMIT
            print(f"{method:10} {alone:9.2f} {command:9.2f} {verified:9.2f}")
    return int(slow > 0)


if __name__ == "__main__":
    sys.exit(main())
