"""Multiple imputation by chained equations: each column with gaps drawn in turn from all the others.

Van Buuren and Groothuis-Oudshoorn 2011, Journal of Statistical Software 45(3); van Buuren 2018,
Flexible Imputation of Missing Data, 2nd ed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.imputing.equation_chain import Chain, Dropped, run_chain
from evalkit.stats.imputing.imputed_columns import METHODS, Arm, Lost
from evalkit.stats.imputing.imputing_arms import (
    Asked,
    check_bounds,
    check_whole_roles,
    prepared_arms,
    read_columns,
)
from evalkit.stats.imputing.imputing_notes import about, left_out
from evalkit.stats.imputing.predictor_choice import check_predictors
from evalkit.stats.redrawing.assignments import check_whole_number
from evalkit.stats.shared.columns import (
    as_names,
    check_frame,
    check_roles,
    choice,
    invalid,
    optional_name,
)

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


class Imputations(list[Any]):
    """Completed frames, one an imputation, of the kind that came in.

    Attributes
    ----------
    trace : pandas frame of `column, arm, chain, iteration, mean, sd`: the values imputed in each
        round (their SD is 0 for one value); categories are counted from 1 in their order. Chains
        that have settled cross one another without a trend.
    counts : values imputed, by column with gaps
    methods : how, by column with gaps
    notes : what was left out or assumed, in sentences
    """

    def __init__(
        self, frames: Iterable[Any], *, trace: pd.DataFrame, counts: dict[str, int],
        methods: dict[str, str], notes: tuple[str, ...], rows: int,
    ) -> None:  # fmt: skip
        super().__init__(frames)
        self.trace = trace
        self.counts = counts
        self.methods = methods
        self.notes = notes
        self._rows = rows

    def __reduce__(self) -> tuple[Any, ...]:
        return _again, (list(self), self.__dict__)

    def to_frame(self) -> pd.DataFrame:
        """Return a row for each column imputed: `column, method, n_imputed, n_observed, share`."""
        import pandas as pd

        columns = ["column", "method", "n_imputed", "n_observed", "share"]
        rows = [
            (name, self.methods[name], n, self._rows - n, n / self._rows)
            for name, n in self.counts.items()
        ]
        return pd.DataFrame(rows, columns=columns)


def _again(frames: list[Any], parts: dict[str, Any]) -> Imputations:
    named = {name.lstrip("_"): value for name, value in parts.items()}
    return Imputations(frames, **named)


def impute(
    data: Any,
    *,
    m: int = 20,
    method: str = "pmm",
    iterations: int = 10,
    seed: int,
    by: str | None = None,
    cluster: str | None = None,
    treatment: str | None = None,
    bounds: Mapping[str, tuple[float, float]] | None = None,
    methods: Mapping[str, str] | None = None,
    predictors: str | int | Mapping[str, Sequence[str]] | None = None,
    ignore: str | Sequence[str] = (),
    workers: int = 1,
) -> Imputations:
    """Return `m` completed copies of the data, drawn by chained equations.

    Each gap is first filled with a value drawn from those observed. Then, round after round, each
    column with gaps is drawn from a model of it given all the others: the model's parameters from
    their posterior, then the missing values. Every imputation is a chain of its own.

    Parameters
    ----------
    data : any frame narwhals knows, one row a person; never changed
    m : imputations
    method : of columns of numbers: "pmm" (or "auto"), predictive mean matching, a value observed
        for one of the five people predicted nearest; or "norm", a normal linear model (columns of
        a whole-number type are rounded). Columns of two values are drawn by "logreg", categories
        by "polyreg" (multinomial logistic), ordered categoricals by "polr" (proportional odds)
    iterations : rounds
    seed : whole number, 0 or more; the same seed gives the same bytes for any number of workers
    by : column of arms: each is imputed apart, so that every relation may differ between arms
    cluster : column of clusters (families): a random intercept is drawn for numbers, and cluster
        means of the predictors are predictors too; for categories also the shares of the column's
        categories among the others of the cluster
    treatment : column of arms that is a predictor, where arms are not imputed apart; with gaps it
        is refused, as `by` is: no arm is ever imputed
    bounds : lowest and highest value by column. PMM stays inside because the observed values do;
        "norm" draws from the normal distribution cut off at the bounds
    methods : "pmm", "norm", "logreg", "polyreg" or "polr" by column, before `method`. A column of
        two values may be matched by "pmm"
    predictors : None, all other columns; "auto", for each column those with a correlation of 0.1
        or more with it or with its being missing, at most 25 and one for five values; a number,
        the strongest so many; or names by column (columns not named there: all others)
    ignore : columns carried over as they are and used for nothing
    workers : processes at once

    Returns
    -------
    Imputations
        A list of frames with `trace`, `counts`, `methods` and `notes`. Where a model cannot tell
        a predictor from others, or it has one value among the rows with the column, it is left out
        of that model, and a note says so.

    Raises
    ------
    InvalidInput
        For a column or option that cannot be used; gaps in `by`, `treatment` or `cluster`; values
        observed outside the bounds.
    CannotEstimate
        For a column nobody (in an arm) has a value of; one that others fix exactly; too few values
        for the number of predictors; a column that belongs to the cluster; fewer than 3 clusters.
    NotConverged
        When a logistic model does not settle. No other model is put in its place.
    """
    frame, asked = _asked(
        data, by=by, cluster=cluster, treatment=treatment, bounds=bounds, methods=methods,
        method=method, predictors=predictors, ignore=ignore,
    )  # fmt: skip
    check_whole_number(m, "m", 1)
    check_whole_number(iterations, "iterations", 1)
    check_whole_number(seed, "seed", 0)
    check_whole_number(workers, "workers", 1)
    check_whole_roles(frame, asked)
    columns, notes = read_columns(frame, asked)
    check_bounds(columns, asked.bounds)
    check_predictors(asked.predictors, [column.name for column in columns])
    arms, used, more = prepared_arms(frame, columns, asked)
    chains = _chains(arms, iterations, int(seed), int(m), int(workers))
    said: list[str] = []
    for number, arm in enumerate(arms):
        dropped: Dropped = sum((chain[number].dropped for chain in chains), Counter())
        said += left_out(arm, dropped, m * iterations)
    first = [*about(m, used, asked), *notes, *more]
    return Imputations(
        _completed(data, frame, columns, arms, chains),
        trace=_trace(arms, chains),
        counts={c.name: int(c.missing.sum()) for c in columns if c.missing.any()},
        methods=used,
        notes=(*first, *said),
        rows=len(frame),
    )


def _asked(
    data: Any, *, by: Any, cluster: Any, treatment: Any, bounds: Any, methods: Any, method: Any,
    predictors: Any, ignore: Any,
) -> tuple[pd.DataFrame, Asked]:  # fmt: skip
    named = dict(methods or {})
    limits = {name: _limits(name, edges) for name, edges in dict(bounds or {}).items()}
    single = [optional_name(name) for name in (by, cluster, treatment)]
    frame = check_frame(data, [n for s in single for n in s] + [*as_names(ignore), *named, *limits])
    check_frame(frame, map(str, frame.columns))
    check_roles(by=by, cluster=cluster, treatment=treatment, ignore=ignore)
    if len(frame) == 0:
        raise invalid("the data hold no rows.", allowed="one row a person")
    choice(method, ("pmm", "norm", "auto"), argument="method")
    for name, one in named.items():
        choice(one, METHODS, argument=f"methods[{name!r}]")
        if name in {by, cluster, *as_names(ignore)}:
            raise invalid("has a method but is not imputed.", column=name)
    asked = Asked(
        by=by, cluster=cluster, treatment=treatment, whole=_whole_numbers(data),
        method="pmm" if method == "auto" else method, methods=named, bounds=limits,
        predictors=predictors, ignore=as_names(ignore),
    )  # fmt: skip
    return frame, asked


def _limits(name: str, edges: Any) -> tuple[float, float]:
    try:
        low, high = (float(edge) for edge in edges)
    except (TypeError, ValueError):
        low, high = 1.0, 0.0
    if not low < high:
        raise invalid(f"bounds={edges!r}.", column=name, allowed="the lowest and the highest value")
    return low, high


def _whole_numbers(data: Any) -> frozenset[str]:
    """Return the columns whose type holds whole numbers only."""
    import narwhals as nw

    schema = nw.from_native(data).collect_schema()
    return frozenset(str(name) for name, dtype in schema.items() if dtype.is_integer())


def _chains(
    arms: Sequence[Arm], iterations: int, seed: int, m: int, workers: int
) -> list[list[Chain]]:
    """Return for each imputation the chain of each arm; every chain has a seed of its own."""
    seeds = [own.spawn(len(arms)) for own in np.random.SeedSequence(seed).spawn(m)]
    if workers == 1:
        return [_one(arms, iterations, own) for own in seeds]
    import joblib

    parallel = joblib.Parallel(n_jobs=workers)
    return list(parallel(joblib.delayed(_one)(arms, iterations, own) for own in seeds))


def _one(
    arms: Sequence[Arm], iterations: int, seeds: Sequence[np.random.SeedSequence]
) -> list[Chain]:
    return [run_chain(arm, iterations, seed) for arm, seed in zip(arms, seeds, strict=True)]


def _completed(
    data: Any, frame: pd.DataFrame, columns: Sequence[Lost], arms: Sequence[Arm],
    chains: Sequence[Sequence[Chain]],
) -> list[Any]:  # fmt: skip
    """Return one completed frame an imputation."""
    from evalkit.stats.imputing.completed_frames import completed

    made = []
    for chain in chains:
        filled = {column.name: column.values.copy() for column in columns if column.missing.any()}
        for arm, part in zip(arms, chain, strict=True):
            for target in arm.targets:
                name = target.block.column.name
                filled[name][arm.rows[target.missing]] = part.values[name]
        made.append(completed(data, frame, columns, filled))
    return made


def _trace(arms: Sequence[Arm], chains: Sequence[Sequence[Chain]]) -> pd.DataFrame:
    import pandas as pd

    rows = [
        (target.block.column.name, arm.label, number, step, float(mean), float(sd))
        for place, arm in enumerate(arms)
        for which, target in enumerate(arm.targets)
        for number, chain in enumerate(chains, start=1)
        for step, (mean, sd) in enumerate(chain[place].trace[which], start=1)
    ]
    return pd.DataFrame(rows, columns=["column", "arm", "chain", "iteration", "mean", "sd"])
