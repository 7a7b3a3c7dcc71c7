"""How the groups were made alike, on a page: who was matched or weighted, and where they overlap."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.reports.figures import OverlapBin, draw_overlap
from evalkit.reports.page import Picture, drawing
from evalkit.reports.released import Released, part_of
from evalkit.reports.tables import Table
from evalkit.reports.words import NONE, number
from evalkit.sampling import how_weighted
from evalkit.wording import number_free

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray

BINS = 20


def alike(released: Released) -> dict[str, Any]:
    """Return how the groups were made alike: a table, a picture of overlap, and what to note."""
    study = released.study
    design = study.evaluation.declared.design
    empty: dict[str, Any] = {"table": None, "picture": None, "said": []}
    if study.intake.matching is not None:
        return _matched(released)
    if design.weight is not None:
        return _weighted(released)
    return empty


def _matched(released: Released) -> dict[str, Any]:
    study, matching = released.study, released.study.intake.matching
    assert matching is not None
    people, found, rows = study.intake.people, matching.found, []
    pool = people.loc[list(matching.persons)]
    sizes = (found.effective_n.treatment, found.effective_n.comparison)
    for name, value, size in zip(study.evaluation.arm_names, (1.0, 0.0), sizes, strict=True):
        mine = pool[pool["treated"] == value]
        used, left = mine[mine["weight"] > 0], mine[mine["weight"] == 0]
        parts = released.rules.parts(
            [part_of(str(why), group) for why, group in left.groupby("unmatched", sort=True)]
        )
        kept = released.rules.of(part_of("used", used))
        shown = number(size, 1) if released.rules.open else NONE
        if not released.rules.open and not kept.hidden:
            shown = f"{released.rules.rounded(round(size)):,}"
        rows.append((
            name, released.rules.of(part_of("pool", mine)).text, kept.text, shown,
            "; ".join(f"{why}: {n}" for why, n in parts) or NONE,
        ))  # fmt: skip
    unit = "families" if found.unit else "people"
    head = (
        "Arm",
        "Could be matched",
        "Matched",
        f"Effective number of {unit}",
        "Not matched, and why",
    )
    said = [found.sentence, *found.notes] if released.rules.open else []
    said += [note for note in found.notes if not released.rules.open and number_free(note)]
    table = Table("Who was matched (people)", head, tuple(rows), ())
    score = found.distance if found.model is not None or found.matched_on == "propensity" else None
    return {"table": table, "picture": _overlap(released, pool, score), "said": said}


def _weighted(released: Released) -> dict[str, Any]:
    from evalkit.stats import weight

    study = released.study
    declared = study.evaluation.declared.design.weight
    assert declared is not None
    people = study.intake.people
    pool = people[people["entry"].isna() & people["treated"].notna()]
    frame = pool[["treated", *declared.covariates]].reset_index(drop=True)
    try:
        found = weight(frame, treatment="treated", **how_weighted(declared))
    except (CannotEstimate, InvalidInput, NotConverged) as refusal:
        said = [str(refusal)] if released.rules.open else []
        return {"table": None, "picture": None, "said": said}
    rows = []
    for name, arm in zip(study.evaluation.arm_names, ("treatment", "comparison"), strict=True):
        size, most = getattr(found.effective_n, arm), getattr(found.largest_share, arm)
        mine = (pool["treated"] == (arm == "treatment")).to_numpy()
        count = released.rules.of(part_of(arm, pool[mine]))
        weighted = released.rules.of(part_of(arm, pool[mine & (found.weights > 0)]))
        told = _told(released, size, most)
        rows.append(
            (name, count.text, *((NONE, NONE) if count.hidden or weighted.hidden else told))
        )
    head = ("Arm", "People", "Effective number", "Largest share of the weight held by one person")
    said = [
        note for note in (found.sentence, *found.notes) if released.rules.open or number_free(note)
    ]
    table = Table("The weights of everybody allocated", head, tuple(rows), (
        "Each result is weighted afresh among the people analysed, so that they are balanced.",
    ))  # fmt: skip
    return {"table": table, "picture": _overlap(released, pool, found.propensity), "said": said}


def _told(released: Released, size: float, most: float) -> tuple[str, str]:
    """Return an effective number and a largest share; rounded where an exact one would count people."""
    if released.rules.open:
        return number(size, 1), f"{number(100 * most, 1)}%"
    return f"{released.rules.rounded(round(size)):,}", f"up to {5 * math.ceil(20 * most - 1e-9)}%"


def _overlap(
    released: Released, pool: pd.DataFrame, score: NDArray[np.float64] | None
) -> Picture | None:
    """Draw the chance of being on the programme in both groups; small bins are left out."""
    import numpy as np

    if score is None or np.isnan(score).all():
        return None
    known = ~np.isnan(score)
    edges = np.linspace(0.0, 1.0, BINS + 1)
    place = np.clip(np.digitize(score, edges) - 1, 0, BINS - 1)
    bins = []
    for n in range(BINS):
        shares = [
            _share(released, pool[known & (pool["treated"] == value).to_numpy()],
                   pool[known & (place == n) & (pool["treated"] == value).to_numpy()])
            for value in (1.0, 0.0)
        ]  # fmt: skip
        bins.append(OverlapBin(float(edges[n]), float(edges[n + 1]), shares[0], shares[1]))
    svg = draw_overlap(
        bins, names=(released.study.evaluation.arm_names[0], released.study.evaluation.arm_names[-1]),
        title="Where the groups overlap",
        description="Shares of each group by the chance of being on the programme.",
    )  # fmt: skip
    caption = (
        "The chance of being on the programme, by what was known before, in both groups. Where one has "
        "nobody the comparison rests on a model alone."
    )
    if not released.rules.open:
        caption += " Bars for few people are left out."
    return Picture(drawing(svg), caption)


def _share(released: Released, whole: pd.DataFrame, part: pd.DataFrame) -> float | None:
    count = released.rules.of(part_of("bin", part))
    if count.hidden or not len(whole):
        return None
    return float(round(100 * (count.value or 0) / max(1, released.rules.rounded(len(whole)))))
