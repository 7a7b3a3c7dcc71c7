"""Covariate-constrained randomisation: choose at random among the best balanced assignments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations
from math import comb
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record
from evalkit.stats.planning.allocation_keys import NO_STRATUM, key, seed_text
from evalkit.stats.planning.power_solving import share
from evalkit.stats.redrawing.assignments import Reassign, check_whole_number
from evalkit.stats.shared.columns import as_names, check_frame, check_roles, invalid, numeric

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

EXACT = 50_000  # no more schemes than these are gone through, otherwise as many are sampled
SAME = 1e-9
OFTEN, SELDOM = 0.75, 0.25


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ConstrainedSchemes(Record):
    """The schemes that are balanced well enough, one of them chosen at random.

    `schemes` (schemes by clusters) has True where a cluster of `clusters` is treated, `scores`
    their B(l2); `chosen` is the row of the scheme drawn. `gone_through` schemes were scored, all
    there are when `exact`. `pairs` are the pairs of clusters that are in one arm in more than 75%
    or fewer than 25% of the schemes, with that share: such pairs are as good as tied.
    """

    clusters: tuple[Any, ...]
    schemes: NDArray[np.bool_]
    scores: Floats
    chosen: int
    limit: float
    gone_through: int
    exact: bool
    pairs: tuple[tuple[Any, Any, float], ...]
    sentence: str

    def arms(self) -> dict[Any, bool]:
        """Return whether each cluster is treated in the scheme chosen."""
        found = self.schemes[self.chosen].tolist()
        return dict(zip(self.clusters, found, strict=True))

    def reassign(self, cluster: str, *, arms: Sequence[Any] = (1, 0)) -> Reassign:
        """Return a function that draws again from these schemes, for `permutation_test`.

        `cluster` names the column of clusters, `arms` are the treated and the other arm as the
        treatment column codes them.
        """
        place = {label: index for index, label in enumerate(self.clusters)}
        labels = np.empty(2, dtype=object)
        labels[:] = [arms[1], arms[0]]

        def draw(frame: pd.DataFrame, rng: np.random.Generator) -> Any:
            unknown = set(frame[cluster]) - set(place)
            if unknown:
                raise invalid(f"{len(unknown)} cluster(s) were not randomised.", column=cluster)
            scheme = self.schemes[rng.integers(len(self.schemes))]
            return labels[scheme[[place[label] for label in frame[cluster]]].astype(int)]

        return draw


def constrained_schemes(
    data: pd.DataFrame,
    *,
    cluster: str,
    covariates: str | Sequence[str],
    treated: int | None = None,
    best: float = 0.1,
    seed: str | int,
) -> ConstrainedSchemes:
    """Return the best balanced assignments of clusters, and one drawn from them.

    Parameters
    ----------
    data : a frame with one row a cluster
    cluster : name of the column that names them, each once
    covariates : names of numeric columns to balance
    treated : how many clusters are treated; None is half of them, rounded down
    best : share of the schemes, by their score, that are good enough
    seed : text or a whole number; not public until the clusters are allocated

    Returns
    -------
    ConstrainedSchemes
        All schemes are scored where there are at most 50,000, otherwise 50,000 drawn (each once).

    Raises
    ------
    InvalidInput
        For repeated clusters, covariates that are missing, text or do not vary.
    CannotEstimate
        When fewer than two schemes are good enough.

    Notes
    -----
    The score is B(l2), the sum over covariates of (sum of z of the treated - sum of z of the
    others)^2, z being the covariate less its mean over its standard deviation. Schemes as good as
    the last that is good enough are good enough too. Analyse with the same covariates, and test by
    `reassign`.

    The rule, to be derived again anywhere; keys are those of `randomise`, clusters count from 0 in
    the order of the frame. A scheme is written as the rising list of the clusters it treats, and
    schemes stand in the order of these lists. Of more than 50,000, scheme k (from 0 to 49,999)
    treats the clusters j with the smallest keys of "seed|all|constrained|k|j"; repeats count once.
    The scheme drawn is that at place (key of "seed|all|constrained|choice" modulo the number of
    schemes that are good enough, from 0) among these.

    References
    ----------
    Raab and Butcher (2001), Statistics in Medicine 20:351-365; Li, Lokhnygina, Murray, Heagerty
    and DeLong (2016), Statistics in Medicine 35:1565-1579.
    """
    names = as_names(covariates)
    check_roles(cluster=cluster, covariates=names)
    frame = check_frame(data, [cluster, *names])
    labels = frame[cluster]
    if labels.isna().any() or labels.duplicated().any() or len(labels) < 2 or not names:
        raise invalid("clusters are missing or repeated.", column=cluster, allowed="a row each")
    share(best, "best", one=True)
    text = seed_text(seed)
    chosen = len(labels) // 2 if treated is None else treated
    check_whole_number(chosen, "treated", 1)
    if chosen >= len(labels):
        raise invalid(f"treated={treated!r} of {len(labels)}.", allowed="fewer than all")
    every, exact = _schemes(len(labels), chosen, text)
    scores = balance_scores(every, standardised(frame, names))
    limit = float(np.sort(scores)[max(int(best * len(scores)), 1) - 1])
    good = scores <= limit + SAME * max(1.0, limit)
    if good.sum() < 2:
        raise CannotEstimate(
            f"{int(good.sum())} scheme(s) of {len(scores)} are good enough: nothing is left to "
            "chance. Use more clusters or a larger best=."
        )
    kept = every[good]
    return ConstrainedSchemes(
        clusters=tuple(labels.tolist()),
        schemes=kept,
        scores=scores[good],
        chosen=int(key(text, NO_STRATUM, "constrained", "choice"), 16) % len(kept),
        limit=limit,
        gone_through=len(every),
        exact=exact,
        pairs=_tied(kept, labels.tolist()),
        sentence=f"{len(kept):,} of {len(every):,} schemes have a balance score of at most "
        f"{limit:.3g}; one of them was drawn.",
    )


def balance_scores(schemes: Any, covariates: Any) -> Floats:
    """Return B(l2) of each scheme: schemes by clusters (True treated), clusters by covariates."""
    signs = 2.0 * np.asarray(schemes, dtype=float) - 1
    return np.asarray(((signs @ np.asarray(covariates, dtype=float)) ** 2).sum(axis=1))


def standardised(frame: pd.DataFrame, names: Sequence[str]) -> Floats:
    """Return covariates less their mean over their standard deviation."""
    columns = []
    for name in names:
        values = numeric(frame, name)
        if np.isnan(values).any() or np.ptp(values) == 0:
            raise invalid("is missing somewhere or does not vary.", column=name, allowed="numbers")
        columns.append((values - values.mean()) / values.std(ddof=1))
    return np.column_stack(columns)


def _schemes(clusters: int, treated: int, seed: str) -> tuple[Any, bool]:
    """Return all schemes, or a sample without repeats; rows in the order of the treated clusters."""
    exact = comb(clusters, treated) <= EXACT
    if exact:
        rows = np.array(list(combinations(range(clusters), treated)), dtype=np.intp)
    else:
        order = np.argsort(_keys(clusters, seed), axis=1)
        rows = np.unique(np.sort(order[:, :treated], axis=1), axis=0)
    schemes = np.zeros((len(rows), clusters), dtype=bool)
    np.put_along_axis(schemes, rows, True, axis=1)
    return schemes, exact


def _keys(clusters: int, seed: str) -> Any:
    """Return the first 64 bits of the key of each scheme and cluster."""
    start = sha256(f"{seed}|{NO_STRATUM}|constrained|".encode())
    ends = [f"|{cluster}".encode() for cluster in range(clusters)]
    found = bytearray()
    for scheme in range(EXACT):
        one = start.copy()
        one.update(str(scheme).encode())
        for end in ends:
            whole = one.copy()
            whole.update(end)
            found += whole.digest()[:8]
    return np.frombuffer(bytes(found), dtype=">u8").reshape(EXACT, clusters)


def _tied(schemes: Any, labels: list[Any]) -> tuple[tuple[Any, Any, float], ...]:
    """Return the pairs of clusters that are together too often or too seldom."""
    signs = 2.0 * schemes - 1
    together = (1 + signs.T @ signs / len(schemes)) / 2
    return tuple(
        (labels[i], labels[j], float(together[i, j]))
        for i, j in combinations(range(len(labels)), 2)
        if not SELDOM <= together[i, j] <= OFTEN
    )
