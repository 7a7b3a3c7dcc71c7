"""Matching in strata: exactly alike, alike once coarsened, or of one subclass of the score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.shared.columns import invalid
from evalkit.stats.shared.level_columns import Covariate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Codes = NDArray[np.intp]


def combined(codes: Sequence[Codes], n: int) -> Codes:
    """Return the number of each combination of codes; one for all where there are none."""
    total = np.zeros(n, dtype=np.intp)
    for one in codes:
        total = np.unique(total * (int(one.max(initial=0)) + 1) + one, return_inverse=True)[1]
    return total


def coarsened(covariate: Covariate, cutpoints: Mapping[str, Any] | None) -> Codes:
    """Return the interval of each value: closed on the left, open on the right.

    `cutpoints` holds for a covariate its cut points, a number of intervals of equal width, or
    "exact"; otherwise there are as many as Sturges's rule says: log2(n) + 1, rounded up.

    References
    ----------
    Iacus, King and Porro (2012), Political Analysis 20:1-24.
    """
    values = covariate.values
    cuts = None if cutpoints is None else cutpoints.get(covariate.name)
    if isinstance(cuts, str) and cuts == "exact":
        return np.unique(values, return_inverse=True)[1]
    if cuts is None:
        cuts = int(np.ceil(np.log2(len(values)) + 1))
    if isinstance(cuts, int | np.integer) and not isinstance(cuts, bool):
        if cuts < 1:
            raise _bad(covariate.name, cuts)
        cuts = np.linspace(values.min(), values.max(), int(cuts) + 1)[1:-1]
    try:
        edges = np.sort(np.asarray(list(cuts), dtype=np.float64))
    except (TypeError, ValueError):
        raise _bad(covariate.name, cuts) from None
    if not np.isfinite(edges).all():
        raise _bad(covariate.name, cuts)
    return np.searchsorted(edges, values, side="right")


def _bad(name: str, cuts: Any) -> Exception:
    return invalid(
        f"cutpoints holds {cuts!r} for it.",
        column=name,
        allowed='a list of cut points, a number of intervals from 1, or "exact"',
    )


def subclasses(
    score: Floats, treated: Floats, number: int, estimand: str
) -> tuple[Codes, tuple[str, ...]]:
    """Return the subclass of each unit, from quantiles of the score of those the estimand is about.

    Neighbours are joined where a subclass lacks an arm, with a note. Cochran (1968), Biometrics
    24:295-313; Rosenbaum and Rubin (1984), Journal of the American Statistical Association
    79:516-524.
    """
    about = {"ATT": treated == 1, "ATC": treated == 0, "ATE": np.ones(len(score), bool)}[estimand]
    edges = np.unique(np.quantile(score[about], np.arange(1, number) / number))
    while True:
        codes = np.searchsorted(edges, score, side="right")
        counts = [np.bincount(codes[treated == arm], minlength=len(edges) + 1) for arm in (0, 1)]
        lacking = np.flatnonzero((counts[0] == 0) | (counts[1] == 0))
        if not lacking.size or not len(edges):
            break
        edges = np.delete(edges, min(int(lacking[0]), len(edges) - 1))
    if len(edges) + 1 == number:
        return codes, ()
    return codes, (
        f"{len(edges) + 1} subclasses are left of {number}: neighbours were joined where one had "
        "units of one arm only or scores tied.",
    )


def both_arms(codes: Codes, treated: Floats) -> Codes:
    """Return the sets numbered from 1 by first appearance, 0 where one lacks an arm."""
    import pandas as pd

    n = int(codes.max(initial=0)) + 1
    full = np.bincount(codes[treated == 1], minlength=n) > 0
    full &= np.bincount(codes[treated == 0], minlength=n) > 0
    kept = full[codes]
    sets = np.zeros(len(codes), dtype=np.intp)
    sets[kept] = pd.factorize(codes[kept])[0] + 1
    return sets
