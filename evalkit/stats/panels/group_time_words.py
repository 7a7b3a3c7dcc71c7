"""What is said beside effects by group and period: the method, and what limits it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from evalkit.stats.panels.roll_out_records import Columns, RollOut
from evalkit.stats.panels.summaries import Cells
from evalkit.stats.shared.arm_clusters import FEW_CLUSTERS
from evalkit.stats.shared.model_rows import adjusted_for

FEW_UNITS = 5

MEANING = {
    "simple": "Averaged over groups and periods from the start on, by the groups' sizes",
    "group": "Averaged within each group, then over groups by their sizes",
    "dynamic": "Averaged over groups at each time since the start, then over times from 0 on",
    "calendar": "Averaged over the groups treated in each period, then over periods",
}


def notes(rows: RollOut, cells: Cells, sizes: Mapping[float, int]) -> list[str]:
    found = []
    count = rows.n_units if rows.clusters is None else int(rows.clusters.max()) + 1
    if count < FEW_CLUSTERS:
        what = "units" if rows.clusters is None else "clusters"
        found.append(
            f"{count} {what} are few (below {FEW_CLUSTERS}) for errors that hold in large samples: "
            "intervals and bands are by t with Satterthwaite degrees of freedom, and p-values near "
            "a threshold are not to be relied on"
        )
    small = [f"{group:g} ({size})" for group, size in sizes.items() if size < FEW_UNITS]
    if small:
        found.append(f"Groups with fewer than {FEW_UNITS} units: {', '.join(small)}")
    if not np.any((cells.relative < 0) & ~cells.reference):
        found.append(
            "There is a single period before the start: trends before it cannot be compared"
        )
    return found


def sentence(named: Columns, rows: RollOut, base: str, method: str, sections: bool) -> str:
    words = {"never": "units never treated", "not-yet": "units not yet treated"}
    how = f"{method} estimates" if named.covariates else "differences in changes"
    errors = f"{named.cluster} clusters" if rows.clusters is not None else "units"
    text = f"Effects on {named.outcome} by group and period (Callaway and Sant'Anna 2021): {how}"
    text += (
        adjusted_for(named.covariates) + f", compared with {words[named.comparison]}, {base} base"
    )
    text += f", anticipation of {named.anticipation:g}" if named.anticipation else ""
    text += ", as repeated cross-sections" if sections else ""
    few = (rows.n_units if rows.clusters is None else rows.clusters.max() + 1) < FEW_CLUSTERS
    kind = "t intervals (Satterthwaite)" if few else "normal intervals"
    return f"{text}; errors from the influence of {errors}, {kind}."
