"""Make the SYNTHETIC data of "Growing Together across ten areas (synthetic example)".

No area in these tables exists. Every count is drawn from the model below, so that what the programme
changed is known (truth.yaml) and an analysis can be held against it.

How the table is made
---------------------
1. Each area has a level of its own. A common trend, the season and a common shock of each month move
   all areas alike, in rates; a passing shock of each area is its own.
2. From its start on, an area's rate changes by a step for every month of the programme, so that
   effects grow, and by a larger step in the areas that start first.
3. Households are built and people move in, at a pace of each area's own: denominators change.
4. Counts are Poisson draws of rate times denominator.
5. One area stops sending its records half a year before the end.

Run `python make_data.py --seed 20240401 --out .` to write the files again.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20240401
LABEL = "SYNTHETIC: no area, household or person in these files exists"
FIRST, MONTHS = "2022-04", 36
STARTS = {"2023-01": 3, "2024-01": 4, "never": 3}
LOST = ("area-05", 30)  # sends nothing from this month on, counted from 0


@dataclass(frozen=True)
class Indicator:
    """One indicator: its rate per `per` households or people, and what a month of programme adds."""

    id: str
    per: float
    people: float  # of the denominator in a household
    rate: float
    season: float
    trend: float
    shock: float
    steps: dict[str, float]


INDICATORS = (
    Indicator("police-callouts", 1000, 1.0, 9.0, 0.8, -0.02, 0.25,
              {"2023-01": -0.10, "2024-01": 0.04}),
    Indicator("assault-injuries", 10_000, 2.3, 16.0, 0.9, 0.02, 0.25,
              {"2023-01": -0.20, "2024-01": -0.24}),
)  # fmt: skip


def months() -> list[str]:
    """Return the months of the series."""
    return [str(month) for month in pd.period_range(FIRST, periods=MONTHS, freq="M")]


def areas() -> dict[str, str]:
    """Return the start of each area."""
    starts = [start for start, count in STARTS.items() for _ in range(count)]
    return {f"area-{n + 1:02d}": start for n, start in enumerate(starts)}


def effect(indicator: Indicator, start: str) -> np.ndarray:
    """Return what the programme changes in an area, by month, in rates."""
    if start == "never":
        return np.zeros(MONTHS)
    since = np.arange(MONTHS) - months().index(start) + 1
    return indicator.steps[start] * np.clip(since, 0, None)


def make_table(seed: int) -> pd.DataFrame:
    """Return the synthetic series: a row an area, month and indicator."""
    rng = np.random.default_rng(seed)
    time = np.arange(MONTHS)
    first = rng.integers(60_000, 110_000, len(areas()))
    households = first[:, None] * (1 + rng.uniform(0.0, 0.004, len(first)))[:, None] ** time
    made = []
    for indicator in INDICATORS:
        alike = indicator.season * np.cos(2 * np.pi * (time - 3) / 12) + indicator.trend * time
        alike = alike + rng.normal(0, indicator.shock, MONTHS)
        own = rng.normal(0, 1.2, len(first))[:, None]
        passing = rng.normal(0, 0.6 * indicator.shock, (len(first), MONTHS))
        changed = np.array([effect(indicator, start) for start in areas().values()])
        rate = indicator.rate + own + alike + passing + changed
        denominator = np.round(households * indicator.people).astype(int)
        made.append(_rows(indicator, denominator, rng.poisson(rate * denominator / indicator.per)))
    table = pd.concat(made, ignore_index=True)
    area, month = LOST
    return table[(table["unit"] != area) | (table["period"] < months()[month])]


def _rows(indicator: Indicator, denominator: np.ndarray, counts: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame({
        "unit": np.repeat(list(areas()), MONTHS), "period": np.tile(months(), len(areas())),
        "indicator": indicator.id, "value": counts.ravel(), "denominator": denominator.ravel(),
    })  # fmt: skip


def truth(indicator: Indicator, *, without: tuple[str, ...] = ()) -> dict[str, float]:
    """Return each group's mean effect over its months with the programme, and that of all areas."""
    started = {a: s for a, s in areas().items() if s != "never" and a not in without}
    groups = {s: float(np.mean(effect(indicator, s)[months().index(s) :])) for s in indicator.steps}
    return {**groups, "all": float(np.mean([groups[s] for s in started.values()]))}


def truth_text() -> str:
    """Return truth.yaml."""
    lines = [
        f"# {LABEL}.",
        f'label: "{LABEL}"',
        f"seed: {SEED}",
        "meaning: >-",
        "  What a month of the programme changed on average, by the month in which areas started: each",
        "  group's mean over its months, then the groups by how many areas they have. Police call-outs",
        "  per 1,000 households a month, people treated for assault per 10,000 people a month. all_areas",
        f"  are the seven that started, seen_throughout the six without {LOST[0]}.",
        "effects:",
    ]
    for indicator in INDICATORS:
        whole = truth(indicator)
        seen = truth(indicator, without=LOST[:1])["all"]
        groups = ", ".join(f"{start}: {whole[start]:.4f}" for start in indicator.steps)
        lines.append(f"  {indicator.id}:")
        lines.append(f"    groups: {{{groups}}}")
        lines.append(f"    all_areas: {whole['all']:.4f}")
        lines.append(f"    seen_throughout: {seen:.4f}")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the table and truth.yaml."""
    parser = argparse.ArgumentParser(description="Make the SYNTHETIC series of ten areas.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path("."))
    choice = parser.parse_args()
    choice.out.mkdir(parents=True, exist_ok=True)
    table = make_table(choice.seed)
    table.to_csv(choice.out / "monthly.csv", index=False, lineterminator="\n", encoding="utf-8")
    (choice.out / "truth.yaml").write_text(truth_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
