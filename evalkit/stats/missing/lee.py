"""Lee's bounds on an effect when some outcomes were lost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from evalkit.errors import CannotEstimate
from evalkit.stats.missing.bound_rows import ARMS, BoundRows, read_bound_rows
from evalkit.stats.missing.bounds_interval import figures, imbens_manski, percent
from evalkit.stats.missing.lee_bootstrap import bootstrap_errors
from evalkit.stats.missing.lee_results import (
    LeeBounds,
    arm_name,
    cell_records,
    trimmed_shares,
)
from evalkit.stats.missing.lee_trimming import (
    CellBounds,
    Side,
    averaged,
    bound_cell,
    cell_sides,
    influences,
)
from evalkit.stats.redrawing.assignments import check_whole_number
from evalkit.stats.shared.columns import as_names, check_level, choice
from evalkit.stats.shared.model_rows import listed

TRIMS = ("quantile", "fractional")


def lee_bounds(
    data: Any,
    *,
    outcome: str,
    treatment: str,
    treated: Any = None,
    within: str | Sequence[str] | None = (),
    trim: str | None = None,
    cluster: str | None = None,
    se: str = "analytic",
    draws: int = 999,
    seed: int | None = None,
    level: float = 0.95,
) -> LeeBounds:
    """Return bounds on the effect among people whose outcome would be seen in either arm.

    The arm with the higher response rate is trimmed, by its excess over the other rate, of its
    highest outcomes for one bound and of its lowest for the other. It is assumed that being in one
    arm rather than the other never both brings some people back and loses others (within a cell).

    Parameters
    ----------
    data : any frame narwhals knows (pandas, polars, pyarrow), one row a person assigned, seen or
        lost; never changed
    outcome : name of a numeric column, missing where the person was lost
    treatment : name of a 0/1 or true/false column, or of a two-valued column with `treated`
    treated : the value of `treatment` that names the treated arm
    within : names of baseline columns with few values: bounds within each cell of them, averaged,
        are tighter. Each cell trims its own arm; cells count by how many of all their people would
        be seen in either arm (people times the lower rate)
    trim : "quantile" keeps what is not above (below) the type-7 quantile; "fractional" keeps
        exactly the share, the person at the cut counting in part. By default "quantile", except
        where ties keep it from leaving anybody out although a person or more should go, as with
        yes-or-no outcomes: then "fractional", which a note says
    cluster : name of the column of clusters (the unit of assignment)
    se : "analytic" (Lee 2009, proposition 3, with the estimated trimmed share; by clusters where
        they are given) or "bootstrap", people or clusters redrawn within arms
    draws, seed : of the bootstrap, which needs a seed; the same seed and rows, in any order, give the
        same answer
    level : confidence level

    Returns
    -------
    LeeBounds
        Bounds in outcome units. The interval is Imbens and Manski's, for the effect itself, with
        the normal distribution, or with clusters Student's (`df`, Satterthwaite by arm). Where
        the response rates are equal nobody is trimmed: both bounds are the complete-case difference,
        and the errors take the equality as known. Errors are those of exact trimming. People assigned and `n_dropped` add up to the rows
        that came in.

    Raises
    ------
    InvalidInput
        For a column that is missing or of the wrong kind, infinite values, or an unknown option.
    CannotEstimate
        When an arm has fewer than two outcomes (in all, or in a cell) or clusters, or the outcome
        does not vary.

    References
    ----------
    Lee (2009), Review of Economic Studies 76:1071-1102; Imbens and Manski (2004), Econometrica
    72:1845-1857.
    """
    check_level(level)
    if trim is not None:
        choice(trim, TRIMS, argument="trim")
    choice(se, ("analytic", "bootstrap"), argument="se")
    if se == "bootstrap":
        check_whole_number(draws, "draws", 50)
        check_whole_number(seed, "seed", 0)
    rows = read_bound_rows(data, outcome, treatment, treated, within, cluster)
    pairs = cell_sides(rows)
    _check_cells(rows, pairs)
    exact = _bounded(pairs, "fractional")
    cells, rule, notes = _trimmed(pairs, exact, trim)
    lower, upper = averaged(cells)
    errors = [rows.error(influence) for influence in influences(pairs, exact, len(rows.arm))]
    df = min(found for _, found in errors)
    spread = [error for error, _ in errors]
    if se == "bootstrap":
        spread = bootstrap_errors(rows, pairs, rule, draws, int(seed or 0))
    interval = imbens_manski(lower, upper, spread[0], spread[1], level, df)
    return LeeBounds(
        outcome=outcome,
        term=treatment,
        estimand="effect among those seen in either arm",
        lower=lower,
        upper=upper,
        se_lower=spread[0],
        se_upper=spread[1],
        df=df if rows.clusters is not None else None,
        level=level,
        **interval,
        **trimmed_shares(cells),
        trim=rule,
        **rows.counts(),
        cells=cell_records(rows, cells) if as_names(within) else (),
        method=_method(outcome, treatment, as_names(within), rule, se, draws, rows),
        notes=(*notes, *_on_rates(cells), *rows.notes()),
        sentence=_sentence(outcome, rows, cells, (lower, upper), interval, level),
    )


def _check_cells(rows: BoundRows, pairs: Sequence[tuple[Side, Side]]) -> None:
    for label, pair in zip(rows.cells, pairs, strict=True):
        for side, (_, arm) in zip(pair, ARMS, strict=True):
            if len(side.seen) < 2:
                raise CannotEstimate(
                    f"The cell {label} has {len(side.seen)} outcome(s) among {len(side.rows)} people "
                    f"of the {arm} arm, so it cannot be bounded; at least 2 are needed in each arm. "
                    "Merge it with another cell, or leave a column out of within=."
                )


def _trimmed(
    pairs: Sequence[tuple[Side, Side]], exact: list[CellBounds], trim: str | None
) -> tuple[list[CellBounds], str, tuple[str, ...]]:
    """Return the cells' bounds, the rule used, and what ties did to it."""
    if trim == "fractional":
        return exact, trim, ()
    cells = _bounded(pairs, "quantile")
    if trim is None and any(_untouched(cell) for cell in cells):
        note = (
            "So many people share the value at the cut that the quantile rule would leave nobody out: "
            "trimmed by the exact share instead, the people at the cut counting in part"
        )
        return exact, "fractional", (note,)
    if any(kept.kept > cell.keep * kept.of + 1 for cell in cells for kept in cell.sides):
        ends = figures(*averaged(exact))
        note = (
            "Several people share the value at the cut, so the quantile rule leaves out too few and "
            f'the bounds are too close; with trim="fractional" they are {ends[0]} and {ends[1]}'
        )
        return cells, "quantile", (note,)
    return cells, "quantile", ()


def _bounded(pairs: Sequence[tuple[Side, Side]], trim: str) -> list[CellBounds]:
    return [cell for pair in pairs if (cell := bound_cell(pair, None, trim)) is not None]


def _untouched(cell: CellBounds) -> bool:
    """Return whether a person or more should go from a side and nobody does."""
    return any(
        kept.kept == kept.of and (1 - cell.keep) * kept.of >= 1 - 1e-9 for kept in cell.sides
    )


def _on_rates(cells: Sequence[CellBounds]) -> tuple[str, ...]:
    arms = {arm_name(cell) for cell in cells}
    if arms == {"none"}:
        lost = any(sum(cell.seen) < sum(cell.assigned) for cell in cells)
        return (
            (
                "The arms' response rates are equal, so nobody is trimmed; that they may differ in a "
                "larger sample is not in the interval",
            )
            if lost
            else ("Nobody was lost, so the bounds are the difference itself",)
        )
    if {"treatment", "comparison"} <= arms:
        return (
            "Some cells trim the treatment arm and others the comparison: the assumption then holds "
            "within cells only",
        )
    return ()


def _method(
    outcome: str, treatment: str, within: tuple[str, ...], trim: str, se: str, draws: int,
    rows: BoundRows,
) -> str:  # fmt: skip
    text = f"Lee's bounds on the difference in {outcome} by {treatment}"
    text += f", averaged over cells of {listed(within)}" if within else ""
    text += (
        ", trimmed at the type-7 quantile" if trim == "quantile" else ", trimmed by the exact share"
    )
    unit = "clusters" if rows.clusters is not None else "people"
    text += f"; {'standard errors' if se == 'analytic' else f'bootstrap of {draws} draws'}"
    text += f" by {unit}, the trimmed share estimated; Imbens and Manski's interval"
    return text + (" with Student's t." if rows.clusters is not None else ".")


def _sentence(
    outcome: str,
    rows: BoundRows,
    cells: Sequence[CellBounds],
    ends: tuple[float, float],
    interval: dict[str, Any],
    level: float,
) -> str:
    counts = rows.counts()
    lower, upper, low, high, plain = figures(
        *ends, interval["conf_low"], interval["conf_high"], counts["estimate"]
    )
    rates = [percent(counts[f"response_{arm}"]) for _, arm in ARMS]
    seen = (
        f"{outcome} was seen for {rates[0]} of the treatment arm and {rates[1]} of the comparison"
    )
    span = f"{level:.0%} interval {low} to {high}"
    who = "among people who would be seen in either arm"
    trimming = trimmed_shares(cells)
    if trimming["trimmed_arm"] == "none":
        return f"{seen}, so nobody is left out and the difference {who} is estimated as {lower} ({span})."
    arm = trimming["trimmed_arm"]
    where = "arm with more returns in each cell" if arm == "by cell" else f"{arm} arm"
    return (
        f"{seen}; leaving out the highest, or the lowest, {percent(trimming['trimmed_share'])} of the "
        f"outcomes seen in the {where}, the difference {who} lies between {lower} and {upper} "
        f"({span}), where those seen alone give {plain}; this supposes that being in one arm rather "
        "than the other does not bring some people back while it loses others."
    )
