"""The options of matching: which words are known, and which go together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from evalkit.stats.matching.match_methods import Choices
from evalkit.stats.matching.propensity import LINKS
from evalkit.stats.matching.scores import CALIPER_SCALES
from evalkit.stats.shared.columns import check_frame, choice, invalid

METHODS = ("nearest", "optimal", "full", "exact", "coarsened-exact", "subclass")
DISTANCES = ("propensity", "logit", "mahalanobis")
ORDERS = ("largest", "smallest", "random", "data")
ESTIMANDS = ("ATT", "ATE", "ATC")
STRATA = ("exact", "coarsened-exact")


def check_words(
    method: str,
    distance: str,
    data: Any,
    caliper_scale: str,
    estimand: str,
    link: str,
    order: str | None,
) -> None:
    choice(method, METHODS, argument="method")
    choice(caliper_scale, CALIPER_SCALES, argument="caliper_scale")
    choice(estimand, ESTIMANDS, argument="estimand")
    choice(link, LINKS, argument="link")
    if order is not None:
        choice(order, ORDERS, argument="order")
    if distance not in DISTANCES and distance not in [
        str(c) for c in check_frame(data, ()).columns
    ]:
        choice(distance, (*DISTANCES, "the name of a column of scores"), argument="distance")
    if estimand == "ATE" and method in ("nearest", "optimal"):
        raise invalid(
            f"estimand='ATE' with method={method!r}: pairs are made for one arm.",
            allowed='"ATT" or "ATC", or method "full", "subclass", "exact", "coarsened-exact"',
        )


def score_column(method: str, distance: str) -> str | None:
    if method == "subclass" and distance == "mahalanobis":
        raise invalid(
            "method='subclass' with distance='mahalanobis', which is no score.",
            allowed='"propensity", "logit" or a column of scores',
        )
    return None if distance in DISTANCES or method in STRATA else distance


def read_choices(
    method: str,
    distance: str,
    ratio: int,
    replace: bool,
    order: str | None,
    estimand: str,
    seed: int | None,
    subclasses: int,
    cutpoints: Mapping[str, Any] | None,
    caliper: float | None,
) -> Choices:
    for argument, value, low in (("ratio", ratio, 1), ("subclasses", subclasses, 2)):
        if isinstance(value, bool) or not isinstance(value, int | np.integer) or value < low:
            raise invalid(f"{argument}={value!r}.", allowed=f"a whole number from {low}")
    if ratio > 1 and method not in ("nearest", "optimal"):
        raise invalid(f"ratio={ratio} with method={method!r}.", allowed='"nearest" or "optimal"')
    if replace and method != "nearest":
        raise invalid(f"replace=True with method={method!r}.", allowed='method="nearest"')
    if order is None:
        order = "data" if distance == "mahalanobis" and caliper is None else "largest"
    if order == "random" and seed is None:
        raise invalid("order='random' without seed=.", allowed="a whole number as seed=")
    return Choices(
        method=method,
        estimand=estimand,
        ratio=int(ratio),
        replace=bool(replace),
        order=order,
        seed=seed,
        subclasses=int(subclasses),
        cutpoints=cutpoints,
    )


def check_caliper(caliper: float | None, method: str) -> None:
    if caliper is None:
        return
    number = isinstance(caliper, int | float | np.number) and not isinstance(caliper, bool)
    if not number or not np.isfinite(caliper) or caliper <= 0:
        raise invalid(f"caliper={caliper!r}.", allowed="a number above 0, or None")
    if method not in ("nearest", "optimal", "full"):
        raise invalid(
            f"caliper={caliper} with method={method!r}.", allowed='"nearest", "optimal" or "full"'
        )


def check_cutpoints(cutpoints: Mapping[str, Any] | None, names: Sequence[str], method: str) -> None:
    if cutpoints is None:
        return
    if method != "coarsened-exact":
        raise invalid(f"cutpoints with method={method!r}.", allowed='method="coarsened-exact"')
    for name in cutpoints:
        if name not in names:
            raise invalid("named in cutpoints.", column=str(name), allowed=", ".join(names))
