"""Several effects of each site put together: outcomes, informants or groups that share people."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.errors import CannotEstimate
from evalkit.results import Record, Records
from evalkit.stats.combining.block_model import Block, BlockFit, fit_blocks
from evalkit.stats.combining.meta_results import MetaCoefficient
from evalkit.stats.combining.meta_sites import Sites, as_list, read_sites
from evalkit.stats.shared.arm_clusters import few_clusters
from evalkit.stats.shared.columns import check_level, invalid
from evalkit.stats.shared.intervals import few_df_note

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Codes = NDArray[np.intp]


@dataclass(frozen=True, slots=True, kw_only=True)
class DependentMeta(Record):
    """The average of effects of which several come from one site.

    `std_error` is CR2 by site with Satterthwaite `df`; `model_error` trusts the model.
    `variance_between` is of sites, `variance_within` of effects within one (None where not asked).
    With moderators `estimate` to `conf_high` are None and `coefficients` has a row a term.
    """

    estimate: float | None
    std_error: float | None
    statistic: float | None
    df: float | None
    p_value: float | None
    conf_low: float | None
    conf_high: float | None
    level: float
    model_error: float | None
    variance_between: float
    variance_within: float | None
    correlation: float
    log_likelihood: float
    k: int
    n_clusters: int
    n_dropped: int
    dropped_why: tuple[tuple[str, int], ...]
    coefficients: Records[MetaCoefficient]
    method: str
    notes: tuple[str, ...] = ()


def dependent_meta_analysis(
    effects: Any,
    variances: Any,
    *,
    cluster: Any,
    correlation: float = 0.0,
    within: bool = True,
    moderators: Any = None,
    level: float = 0.95,
) -> DependentMeta:
    """Return the average effect where sites give several effects each.

    Parameters
    ----------
    effects, variances : one value an effect
    cluster : the site (or study) of each effect
    correlation : of the sampling errors of effects from one site: above 0 where they share people;
        0.6 to 0.8 is usual where it is not known, and worth varying
    within : whether effects of one site also differ truly (a third level); False with effects that
        measure the same
    moderators : frame, or dict of columns, of one row an effect
    level : confidence level

    Raises
    ------
    InvalidInput
        For variances that are not positive, columns of different length, or a correlation outside
        0 to below 1.
    CannotEstimate
        With fewer than two sites, or no more effects than coefficients; `within` where no site has
        two effects.
    NotConverged
        When the variances are not found.

    References
    ----------
    Konstantopoulos (2011), Research Synthesis Methods 2:61-76; Hedges, Tipton and Johnson (2010),
    Research Synthesis Methods 1:39-65; Pustejovsky and Tipton (2022), Prevention Science 23:425-438.
    """
    check_level(level)
    if not (isinstance(correlation, int | float) and 0 <= correlation < 1):
        raise invalid(f"correlation={correlation!r}.", allowed="a number from 0 to below 1")
    sites = as_list(cluster, "cluster")
    data = read_sites(effects, variances, moderators, [_known(x) for x in sites], name="cluster")
    codes, count = _codes(data)
    if within and np.bincount(codes).max() == 1:
        raise CannotEstimate(
            "No site has two effects, so effects within sites cannot be told from sites. Use "
            "meta_analysis."
        )
    fit = fit_blocks(_blocks(data, codes, count, float(correlation), within))
    terms = Records(_term(fit, i, name, level) for i, name in enumerate(data.names))
    average = None if data.moderated else terms[0]
    model = None if average is None else sqrt(float(fit.model_vcov[0, 0]))
    return DependentMeta(
        **_numbers(average),
        level=float(level),
        model_error=model,
        variance_between=float(fit.components[0]),
        variance_within=float(fit.components[1]) if within else None,
        correlation=float(correlation),
        log_likelihood=fit.log_likelihood,
        k=len(data.effects),
        n_clusters=count,
        n_dropped=sum(n for _, n in data.dropped),
        dropped_why=data.dropped,
        coefficients=terms,
        method=_method(within, float(correlation), count),
        notes=(*data.notes, *few_clusters(count), *few_df_note(min(t.df or 0.0 for t in terms))),
    )


_NUMBERS = ("estimate", "std_error", "statistic", "df", "p_value", "conf_low", "conf_high")


def _numbers(average: MetaCoefficient | None) -> dict[str, Any]:
    return {name: None if average is None else getattr(average, name) for name in _NUMBERS}


def _known(label: Any) -> Any:
    if label is None or label != label:
        raise invalid("cluster holds an effect without a site.", allowed="a site for every effect")
    return label


def _codes(data: Sites) -> tuple[Codes, int]:
    found, codes = np.unique(np.array(data.labels), return_inverse=True)
    if len(found) < 2:
        raise CannotEstimate("All effects come from one site: there is nothing to put together.")
    return codes, len(found)


def _blocks(data: Sites, codes: Codes, count: int, correlation: float, within: bool) -> list[Block]:
    blocks = []
    for code in range(count):
        here = codes == code
        root = np.sqrt(data.variances[here])
        size = len(root)
        shape = np.full((size, size), correlation) + (1 - correlation) * np.eye(size)
        parts = (np.ones((size, size)), *((np.eye(size),) if within else ()))
        blocks.append(
            Block(data.effects[here], data.matrix[here], np.outer(root, root) * shape, parts)
        )
    return blocks


def _term(fit: BlockFit, place: int, name: str, level: float) -> MetaCoefficient:
    from scipy.stats import t

    estimate, df = float(fit.coefficients[place]), float(fit.df[place])
    error = sqrt(float(fit.robust_vcov[place, place]))
    if not error > 0:
        raise CannotEstimate(f"The standard error of '{name}' is zero: too few sites inform it.")
    half = float(t.ppf(0.5 + level / 2, df)) * error
    return MetaCoefficient(
        term=name,
        estimate=estimate,
        std_error=error,
        statistic=estimate / error,
        df=df,
        p_value=float(2 * t.sf(abs(estimate / error), df)),
        conf_low=estimate - half,
        conf_high=estimate + half,
    )


def _method(within: bool, correlation: float, count: int) -> str:
    kind = "Three-level meta-analysis" if within else "Meta-analysis of dependent effects"
    shared = f", sampling errors of a site correlated {correlation:g}" if correlation else ""
    return (
        f"{kind}, restricted maximum likelihood{shared}; CR2 standard error by {count} sites, "
        "Satterthwaite degrees of freedom."
    )
