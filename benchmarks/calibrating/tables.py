"""The tables of the page: titles, what was simulated in words, and the share of runs each gets."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.calibrating import cells
from benchmarks.calibrating.cells import Cell


@dataclass(frozen=True, slots=True)
class Table:
    """One table; slow methods get a `share` of the runs asked for."""

    title: str
    simulated: str
    cells: tuple[Cell, ...]
    share: float = 1.0

    def runs(self, asked: int) -> int:
        """Return the runs each of its cells gets."""
        return max(round(asked * self.share), 1)


SITES = (
    "Half the sites are treated; each has 5 to 35 people (evenly spread), correlated by the ICC."
)
TABLES = (
    Table(
        "People randomised one by one",
        "A score with SD 1, correlated 0.6 with a baseline score; effect 0.5. Spread is that of what "
        "the baseline does not explain; skewed means lognormal.",
        cells.individual(),
    ),
    Table(
        "Sites or families randomised whole",
        f"The same score and effect. {SITES} Families have 1 to 5 people, and the baseline is a "
        "person's own.",
        cells.clustered(),
    ),
    Table(
        "Sites, by a random intercept",
        f"The same score and effect, without a baseline. {SITES}",
        cells.mixed(),
        0.5,
    ),
    Table(
        "Yes or no",
        "Risk in the comparison arm (at an average baseline) as stated, log odds 0.8 higher if "
        "treated; adjusted rows have a baseline with log odds 1 for each SD. The truth is the "
        "difference of risks averaged over baselines. Sites: ICC 0.05; families of 1 to 5: 0.3 "
        "(of the normal score behind the answer).",
        cells.risks(),
        0.5,
    ),
    Table(
        "Counts",
        "2 events expected of an untreated person, exp(0.5) times as many if treated. Rates differ "
        "between people not at all (Poisson), or by a gamma or a lognormal factor with mean 1 and "
        "the variance stated; families of 1 to 5 share it. Exposure runs from a quarter to the whole "
        "of the time.",
        cells.rates(),
    ),
    Table(
        "One group, before and after",
        "Scores correlated 0.6, changed by 0.5 SD; families of 1 to 5, sites of 5 to 35.",
        cells.changes(),
    ),
    Table(
        "Several waves",
        "Three waves; correlations fade, spread grows from 1 to 1.6, what families share moves, and 0, "
        "10 and 20 in 100 answers are lost, so that no working correlation is right; effect 0.5.",
        cells.repeated(),
        0.25,
    ),
    Table(
        "Effect sizes",
        "The score of the first table; the interval is that of the effect size, in SDs.",
        cells.sizes(),
        0.5,
    ),
    Table(
        "Stepped wedges",
        "Clusters cross over in three steps over four periods, 5 to 15 other people each period; SD 1 "
        "within, 0.3 between clusters, and each cluster drifts by a random step with the SD stated "
        "from period to period; effect 0.5.",
        cells.wedges(),
        0.25,
    ),
    Table(
        "Ordered categories",
        "Four categories with 20, 30, 30 and 20 in 100 of the untreated; log odds 0.5 higher if "
        "treated. Sites of 5 to 35, families of 1 to 5.",
        cells.bands(),
    ),
    Table(
        "Time to an event",
        "Exponential times, hazard exp(0.5) times as high if treated, watched for 0.5 to 1.5 mean "
        "times. Sites of 5 to 35, families of 1 to 5.",
        cells.hazards(),
    ),
    Table(
        "Permutation tests",
        "The score of the first table without effect; sites of 5 to 35. Shares of p-values at or "
        "below each threshold; they should not be above it.",
        cells.permutations(),
        0.25,
    ),
)
CELLS = tuple(cell for table in TABLES for cell in table.cells)
