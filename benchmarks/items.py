"""Items of the SDQ imputed, scored and pooled, in one run.

python benchmarks/items.py [workers]

2,000 children with 25 items at three waves: 3 in 100 answers blank, and a quarter of the sheets lost
after the baseline. Twenty imputations of ten rounds apart in each arm, each scored, analysed and
pooled. To be done within 60 seconds on two workers; the answer is the same for any number.
"""

from __future__ import annotations

import hashlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import numpy as np
import pandas as pd

import evalkit as ek

CHILDREN, LIMIT = 2000, 60.0
MEASURE = "sdq-parent-4-17"
TOTAL = "sdq_parent_4_17__total"
WAVES = ("baseline", "end", "6-months")
REVERSED = (7, 11, 14, 21, 25)
STRENGTHS = (1, 4, 9, 17, 20)


def answers(children: int = CHILDREN, seed: int = 20240401) -> pd.DataFrame:
    """Return a row a child and wave: `person, wave, arm, sdq_1, ...`."""
    rng = np.random.default_rng(seed)
    arm, own = rng.integers(0, 2, children), rng.normal(size=children)
    made = []
    for wave in WAVES:
        after = wave != "baseline"
        now = own + rng.normal(0, 0.5, children) - 0.4 * arm * after
        items = np.round(1 + 0.6 * now[:, None] + rng.normal(0, 0.7, (children, 25)))
        items = items.clip(0, 2)
        for item in (*REVERSED, *STRENGTHS):
            items[:, item - 1] = 2 - items[:, item - 1]
        items[rng.random(items.shape) < 0.03] = np.nan
        items[(rng.random(children) < 0.25) & after] = np.nan
        sheet = pd.DataFrame(items, columns=[f"sdq_{n}" for n in range(1, 26)])
        sheet.insert(0, "person", np.arange(children))
        sheet.insert(1, "wave", wave)
        made.append(sheet.assign(arm=arm))
    return pd.concat(made, ignore_index=True)


def effect(frame: pd.DataFrame) -> ek.stats.MeanDifference:
    """Return the difference of total scores at the end, adjusted for the baseline."""
    baseline = frame[frame["wave"] == "baseline"].set_index("person")[TOTAL]
    end = frame[frame["wave"] == "end"].set_index("person")
    analysed = pd.DataFrame({"score": end[TOTAL], "baseline": baseline, "arm": end["arm"]})
    return ek.stats.mean_difference(
        analysed.dropna(subset=["baseline"]), outcome="score", treatment="arm",
        covariates=["baseline"],
    )  # fmt: skip


def timed(frame: pd.DataFrame, workers: int) -> tuple[float, float, str, pd.DataFrame]:
    """Return seconds to impute and score, and to analyse and pool, a digest, and the comparison."""
    start = time.perf_counter()
    found = ek.impute_items(frame, MEASURE, seed=1, wave="wave", by="arm", workers=workers)
    scored = time.perf_counter()
    table = found.compare(effect).to_frame()
    pooled = time.perf_counter()
    digest = hashlib.sha256()
    for one in found.frames:
        digest.update(pd.util.hash_pandas_object(one).to_numpy().tobytes())
    digest.update(repr(table.drop(columns="notes").to_dict("list")).encode())
    return scored - start, pooled - scored, digest.hexdigest(), table


def main() -> None:
    asked = [int(text) for text in sys.argv[1:]] or [1, 2]
    frame, seen = answers(), set()
    for workers in asked:
        first, second, digest, table = timed(frame, workers)
        seen.add(digest)
        print(
            f"{CHILDREN:,} children x {len(WAVES)} waves, {workers} worker(s): imputed and scored in "
            f"{first:.1f} s, analysed and pooled in {second:.1f} s (at most {LIMIT:.0f} s)"
        )
    print(table[["method", "estimate", "std_error", "n", "fmi"]].to_string(index=False))
    if len(seen) > 1:
        raise SystemExit("The answer differs between numbers of workers.")
    if len(asked) > 1:
        print(f"The same to the byte for {' and '.join(map(str, asked))} workers.")


if __name__ == "__main__":
    main()
