"""What one call of score does: scales, bands and flags in order, and the columns it writes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from evalkit.instruments.parts import Flag
from evalkit.instruments.scale import BandSystem, Scale
from evalkit.instruments.spec import Measure
from evalkit.scoring.engines import Given, Mask, every
from evalkit.scoring.methods import GUARD, SEXES, raised

SEX_WORDS = {
    "male": "male", "m": "male", "man": "male", "boy": "male",
    "female": "female", "f": "female", "woman": "female", "girl": "female",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """A measure and the options of a call, resolved: `columns` of items, `bands` of scales."""

    measure: Measure
    columns: Mapping[str, str]
    bands: Mapping[str, tuple[BandSystem, ...]]
    sex: str | None
    grade: str | None
    age: str | None
    limits: Mapping[str, float]
    on_invalid: str

    @property
    def scales(self) -> list[Scale]:
        """The scales to score; those by norm need to know sex and school grade."""
        normed = self.sex is not None and self.grade is not None
        return [
            x
            for x in self.measure.scales
            if x.method not in ("t-score", "given") or (normed and x.method == "t-score")
        ]

    @property
    def absent(self) -> frozenset[str]:
        """The optional items that have no column."""
        return frozenset(item.id for item in self.measure.items if item.id not in self.columns)

    @property
    def counts_invalid(self) -> bool:
        """Whether answers that are not allowed are blanked and counted."""
        return self.on_invalid == "missing"

    def impossible(self, scale: Scale, given: Given) -> Mask | None:
        """Where the counts contradict each other, as more missed than possible; None if they cannot."""
        if scale.method != "ratio" or math.isinf(scale.high):
            return None
        score, sure = given.scores[scale.id], given.engine.sure
        return sure(score > scale.high + GUARD) | sure(score < scale.low - GUARD)

    def column(self, end: str) -> str:
        """Return the name of a column that is written: `phq_9__flags`."""
        return f"{self.measure.column}__{end}"

    def band_column(self, scale: str) -> str:
        """Return the name of the column of a scale's bands."""
        return f"{self.measure.score_column(scale)}_band"

    @property
    def written(self) -> list[str]:
        """The names of the columns that the call adds, in order."""
        names = []
        for scale in self.scales:
            names.append(self.measure.score_column(scale.id))
            if scale.id in self.bands:
                names.append(self.band_column(scale.id))
        tail = (
            ["n_answered", "n_invalid", "flags"] if self.counts_invalid else ["n_answered", "flags"]
        )
        return names + [self.column(end) for end in tail]

    def bands_of(self, scale: Scale, given: Given) -> list[tuple[str, Mask]]:
        """Return the labels of a scale's bands, each with where its low end has been reached.

        From the lowest up: the last that holds is the band. A missing score reaches none (the mask
        is null or False). Where
        scores go in steps a score between two steps is banded as the nearer, halves up.
        """
        score = given.scores[scale.id]
        slack = scale.step / 2 + GUARD if scale.step else 0.0
        found = []
        for system in self.bands[scale.id]:
            fits = _fitting(system, given)
            for band in sorted(system.bands, key=lambda band: band.range[0]):
                reached = score >= band.range[0] - slack
                found.append((band.label, reached if fits is None else fits & reached))
        return found

    def flags(self, given: Given) -> list[tuple[str, Mask]]:
        """Return what the flags column may say, each with where it does; `answers` as given."""
        found = []
        asked = [item.id for item in self.measure.asked]
        for scale in self.scales:
            if scale.prorated:
                made = given.engine.known(given.scores[scale.id])
                short = given.answered(scale.items) < len(scale.items)
                found.append((f"prorated:{scale.id}", made & short))
        for flag in self.measure.flags:
            if flag.verification == "mem" and flag.kind != "safeguarding":
                continue
            reached, possible = raised(flag, self._limit(flag), given, asked)
            found.append((f"{flag.kind}:{flag.id}", reached))
            if possible is not None:
                found.append((f"{flag.kind}:{flag.id}?", possible))
        return found

    def _limit(self, flag: Flag) -> float:
        return self.limits.get(flag.id, flag.limit[1])


def _fitting(system: BandSystem, given: Given) -> Mask | None:
    """Return whom a band system is for; None where it is for everybody. Ages are completed years."""
    masks = []
    if system.sex is not None:
        masks.append(given.sex == SEXES[system.sex])
    if system.ages is not None:
        low, high = system.ages
        masks += [given.age >= low, given.age < high + 1]  # type: ignore[operator]
    return every(masks) if masks else None
