"""What losing people does to an answer: python benchmarks/missing.py

--runs 200         trials a row with an effect, and as many without
--seed 1           the same seed gives the same page, whatever the number of workers
--workers 2        processes
--write FILE       write the page there (docs/missing-calibration.md); otherwise it is printed
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))


def options(arguments: list[str] | None = None) -> argparse.Namespace:
    """Return what was asked for on the command line."""
    from benchmarks.calibration import positive

    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--runs", type=positive, default=200)
    parser.add_argument("--seed", type=positive, default=1)
    parser.add_argument("--workers", type=positive, default=2)
    parser.add_argument("--write", type=Path)
    asked = parser.parse_args(arguments)
    if asked.write is not None and not asked.write.resolve().parent.is_dir():
        parser.error(f"--write: there is no folder {asked.write.parent}; make it first.")
    return asked


def main(arguments: list[str] | None = None) -> None:
    from benchmarks.losing.page import page
    from benchmarks.losing.runs import CELLS, study

    asked = options(arguments)
    start = time.perf_counter()
    found = study(CELLS, runs=asked.runs, seed=asked.seed, workers=asked.workers)
    took = time.perf_counter() - start
    print(f"{len(CELLS)} kinds of trial, {asked.runs} of each, {took:.0f} s", file=sys.stderr)
    text = page(found, runs=asked.runs, seed=asked.seed)
    if asked.write is None:
        print(text)
        return
    asked.write.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
