"""Give units to arms from a seed, so that other code can derive the same list again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.planning.allocation_keys import (
    NO_STRATUM,
    block_order,
    block_size,
    key,
    seed_text,
    stratum_text,
    uniform,
    weighted,
)
from evalkit.stats.planning.minimising import check_arms_and_ratio, check_rule, minimised
from evalkit.stats.shared.columns import as_names, check_frame, check_roles, choice, invalid

if TYPE_CHECKING:
    import pandas as pd

METHODS = ("blocks", "simple", "minimise")
ADDED = ("arm", "allocation_stratum", "allocation_block", "allocation_place", "allocation_key")


@dataclass(frozen=True, slots=True)
class _Given:
    """What one unit was given: arm, stratum, block, place in it (from 1), key."""

    arm: Any
    stratum: str
    block: str
    place: int
    digest: str


def randomise(
    units: Any,
    *,
    arms: Sequence[Any] = ("treatment", "comparison"),
    ratio: Sequence[int] | None = None,
    strata: str | Sequence[str] = (),
    cluster: str | None = None,
    method: str = "blocks",
    block: int | Sequence[int] | None = None,
    probability: float = 0.8,
    imbalance: str = "range",
    seed: str | int,
) -> pd.DataFrame:
    """Allocate units to arms at random, by a rule that the seed determines entirely.

    Parameters
    ----------
    units : a frame with one row a unit in order of enrolment, or a list of ids
    arms : names of the arms
    ratio : units in each arm, as whole numbers; None is one to one
    strata : names of columns; each combination is allocated by itself (for "minimise": the
        factors to balance)
    cluster : name of the column of clusters, which are allocated whole, in order of appearance
    method : "blocks" (permuted blocks), "simple" (each unit by itself) or "minimise" (Pocock and
        Simon's minimisation)
    block : size of the blocks, or the sizes to choose from at random, each a multiple of the sum
        of the ratio; None is two and three times that sum
    probability, imbalance : of "minimise": how probable the arms are that leave the least
        imbalance, and how it is measured ("range", "sd", "variance")
    seed : text or a whole number, not public until everyone is allocated: who knows it knows
        every allocation to come

    Returns
    -------
    pandas frame
        The units with `arm`, `allocation_stratum`, `allocation_block` ("stratum|number"),
        `allocation_place` (in the block from 1; else in the stratum) and `allocation_key`.

    Raises
    ------
    InvalidInput
        For repeated ids, missing strata, a cluster in two strata, block sizes that the ratio does
        not divide, or columns of these names already there.

    Notes
    -----
    The rule, to be derived again anywhere. A key is SHA-256 of UTF-8 text, in hexadecimal. A
    stratum is written as its values joined by "/" in the order of `strata` (within values "%" is
    "%25", "|" "%7C", "/" "%2F"; whole numbers without decimals), or "all" without strata.

    Blocks are numbered from 1 in each stratum. The size of a block is that at place (key of
    "seed|stratum|block|size" modulo the number of sizes, from 0) among the sizes in rising order.
    Its labels are the arms in their order, each repeated ratio x size / sum of the ratio times; the
    label at index i, from 0, has the key of "seed|stratum|block|i"; they are given out sorted by
    key. A last block may stay incomplete.

    Simple: unit i of a stratum, from 0, has the key of "seed|stratum|simple|i". Minimise: unit i of
    all has the key of "seed|all|minimise|i". The first 13 hexadecimal digits over 16^13 are a
    number u from 0 to below 1; the arms lie side by side from 0 to 1 in their order, as wide as
    their chances: the ratio, or for minimise as `minimisation` says.

    References
    ----------
    Pocock and Simon (1975), Biometrics 31:103-115; Rosenberger and Lachin (2016).
    """
    names = as_names(strata)
    frame = _read(units, names, cluster)
    labels, shares = check_arms_and_ratio(arms, ratio)
    choice(method, METHODS, argument="method")
    text = seed_text(seed)
    whole, strata_of = _units(frame, names, cluster)
    if method == "minimise":
        if not names:
            raise invalid("minimise without strata.", allowed="the factors to balance as strata=")
        check_rule(probability, imbalance, None, len(names))
    sizes = block_sizes(block, shares, method)
    if method == "blocks":
        given = _by_blocks(strata_of, labels, shares, sizes, text)
    elif method == "simple":
        given = _one_by_one(strata_of, labels, shares, text)
    else:
        levels = factor_levels(frame.iloc[_first(whole)], names)
        given = _minimised(levels, strata_of, labels, shares, probability, imbalance, text)
    rows = [given[unit] for unit in whole]
    values = zip(*((r.arm, r.stratum, r.block, r.place, r.digest) for r in rows), strict=True)
    return frame.assign(**{name: list(column) for name, column in zip(ADDED, values, strict=True)})


def _read(units: Any, strata: tuple[str, ...], cluster: str | None) -> pd.DataFrame:
    """Return the units as a frame that can be allocated."""
    import pandas as pd

    if isinstance(units, list | tuple | pd.Series | np.ndarray) and np.ndim(units) == 1:
        ids = pd.Series(list(units))
        if ids.isna().any() or ids.duplicated().any():
            found = int(ids.isna().sum() + ids.duplicated().sum())
            raise invalid(f"{found} id(s) missing or repeated.", allowed="each unit once")
        units = pd.DataFrame({"unit": ids})
    check_roles(strata=strata, cluster=cluster)
    frame = check_frame(units, [*strata, *([cluster] if cluster else [])])
    taken = [name for name in ADDED if name in frame.columns]
    if taken:
        raise invalid("this column is there already.", column=taken[0], next_step="Rename it.")
    if not len(frame):
        raise invalid("there are no units.", allowed="one row a unit")
    for name in (*strata, *([cluster] if cluster else [])):
        missing = int(frame[name].isna().sum())
        if missing:
            raise invalid(f"{missing} value(s) missing.", column=name, allowed="a value for each")
    return frame


def _units(
    frame: pd.DataFrame, strata: tuple[str, ...], cluster: str | None
) -> tuple[list[int], list[str]]:
    """Return the unit of each row, and the stratum of each unit, units in order of appearance."""
    import pandas as pd

    texts = [NO_STRATUM] * len(frame)
    if strata:
        columns = frame[list(strata)].itertuples(index=False, name=None)
        known: dict[tuple[Any, ...], str] = {}
        for place, row in enumerate(columns):
            kind = (*row, *map(type, row))
            if kind not in known:
                known[kind] = stratum_text(row)
            texts[place] = known[kind]
    if cluster is None:
        return list(range(len(frame))), texts
    whole = [int(code) for code in pd.factorize(frame[cluster])[0]]
    found: dict[int, str] = {}
    for unit, text, label in zip(whole, texts, frame[cluster], strict=True):
        if found.setdefault(unit, text) != text:
            raise invalid(
                f"cluster {label!r} is in the strata {found[unit]!r} and {text!r}.",
                column=cluster,
                allowed="one stratum a cluster",
            )
    return whole, list(found.values())


def _first(whole: Sequence[int]) -> list[int]:
    return [int(row) for row in np.unique(np.asarray(whole), return_index=True)[1]]


def factor_levels(frame: pd.DataFrame, factors: Sequence[str]) -> Any:
    """Return numbers for the levels of each factor, units by factors."""
    import pandas as pd

    return np.column_stack([pd.factorize(frame[name])[0] for name in factors]).astype(np.intp)


def block_sizes(block: Any, ratio: tuple[int, ...], method: str) -> list[int]:
    """Return the sizes of blocks to choose from, rising; None is two and three times the ratio's sum."""
    unit = sum(ratio)
    if block is None:
        return [2 * unit, 3 * unit]
    if method != "blocks":
        raise invalid(f"block with method={method!r}.", allowed='block with method="blocks" only')
    sizes = [block] if np.ndim(block) == 0 else list(block)
    for value in sizes:
        whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        if not whole or value < unit or value % unit:
            raise invalid(f"block={block!r}.", allowed=f"multiples of {unit}, the sum of the ratio")
    if not sizes:
        raise invalid("block is empty.", allowed=f"multiples of {unit}")
    return sorted({int(value) for value in sizes})


def _by_blocks(
    strata: list[str], arms: tuple[Any, ...], ratio: tuple[int, ...], sizes: list[int], seed: str
) -> list[_Given]:
    waiting: dict[str, list[_Given]] = {}
    number: dict[str, int] = {}
    given = []
    for stratum in strata:
        if not waiting.get(stratum):
            number[stratum] = number.get(stratum, 0) + 1
            waiting[stratum] = _block(stratum, number[stratum], arms, ratio, sizes, seed)
        given.append(waiting[stratum].pop(0))
    return given


def _block(
    stratum: str,
    block: int,
    arms: tuple[Any, ...],
    ratio: tuple[int, ...],
    sizes: list[int],
    seed: str,
) -> list[_Given]:
    times = block_size(seed, stratum, block, sizes) // sum(ratio)
    labels = [arm for arm, share in zip(arms, ratio, strict=True) for _ in range(share * times)]
    ordered = block_order(seed, stratum, block, labels)
    return [
        _Given(arm, stratum, f"{stratum}|{block}", place, digest)
        for place, (arm, digest) in enumerate(ordered, start=1)
    ]


def _one_by_one(
    strata: list[str], arms: tuple[Any, ...], ratio: tuple[int, ...], seed: str
) -> list[_Given]:
    count: dict[str, int] = {}
    given = []
    for stratum in strata:
        index = count.get(stratum, 0)
        count[stratum] = index + 1
        digest = key(seed, stratum, "simple", index)
        arm = arms[weighted(uniform(digest), ratio)]
        given.append(_Given(arm, stratum, f"{stratum}|simple", index + 1, digest))
    return given


def _minimised(
    levels: Any,
    strata: list[str],
    arms: tuple[Any, ...],
    ratio: tuple[int, ...],
    probability: float,
    imbalance: str,
    seed: str,
) -> list[_Given]:
    digests = [key(seed, NO_STRATUM, "minimise", index) for index in range(len(strata))]
    draws = np.array([[uniform(digest) for digest in digests]])
    chosen = minimised(levels, draws, ratio=ratio, probability=probability, imbalance=imbalance)[0]
    return [
        _Given(arms[arm], stratum, f"{NO_STRATUM}|minimise", index + 1, digest)
        for index, (arm, stratum, digest) in enumerate(zip(chosen, strata, digests, strict=True))
    ]
