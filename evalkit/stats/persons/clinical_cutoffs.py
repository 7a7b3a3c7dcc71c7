"""Clinical cut-offs: the two populations, and the score between them."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.stats.persons.change_indices import (
    HAIR,
    Ruler,
    check_pairs,
    number,
    past,
    read_sd,
    sample_sd,
)
from evalkit.stats.shared.columns import choice, invalid
from evalkit.stats.sizes.effect_sizes import accurate_mean

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Bools = NDArray[np.bool_]
    Norm = tuple[float, float]

CUTOFFS = ("a", "b", "c")


def read_norms(
    clinical: Any, functional: Any, cutoff: Any, before: Floats, sign: float
) -> tuple[Norm | None, Norm | None]:
    """Return the populations (higher is better), the sample's first scores by default."""
    _check_cutoff(cutoff)
    sick, well = _norm(clinical, "clinical", sign), _norm(functional, "functional", sign)
    if cutoff is None and (sick or well):
        raise invalid(
            "clinical or functional is given without a cutoff, so nothing would use it.",
            allowed=", ".join(CUTOFFS) + " or a number",
            next_step='With both populations cutoff="c" is usual.',
        )
    if cutoff in ("b", "c") and well is None:
        raise invalid(
            f"cutoff={cutoff!r} needs functional.",
            allowed="functional=(mean, SD) of people without the problem",
            next_step='Give it, or use cutoff="a", which needs the clinical group alone.',
        )
    if sick is None and cutoff in ("a", "c"):
        check_pairs(len(before))
        sick = accurate_mean(before), sample_sd(before, "pre")
    _check_order(sick, well, sign, "clinical" if clinical is not None else "pre")
    return sick, well


def _norm(given: Any, name: str, sign: float) -> Norm | None:
    if given is None:
        return None
    if not isinstance(given, tuple | list | np.ndarray) or len(given) != 2:
        raise invalid(f"{name}={given!r}.", allowed="(mean, standard deviation)")
    mean = number(given[0], f"the mean of {name}", "a number")
    return sign * mean, read_sd(given[1], f"the SD of {name}")


def _check_cutoff(cutoff: Any) -> None:
    if isinstance(cutoff, str):
        choice(cutoff, CUTOFFS, argument="cutoff")
    elif cutoff is not None:
        number(cutoff, "cutoff", f"{', '.join(CUTOFFS)} or a number")


def _check_order(sick: Norm | None, well: Norm | None, sign: float, whose: str) -> None:
    if sick is None or well is None or well[0] > sick[0]:
        return
    raise invalid(
        f"the functional mean ({sign * well[0]:g}) is not on the better side of the mean of "
        f"{whose} ({sign * sick[0]:g}), with higher_is_better={sign > 0}.",
        allowed="a functional mean that is " + ("higher" if sign > 0 else "lower"),
        next_step="Check higher_is_better and the order of clinical and functional.",
    )


def turned(norm: Norm | None, sign: float) -> Norm | None:
    """Return a population in the direction of the scores."""
    return None if norm is None else (sign * norm[0] + 0.0, norm[1])


def read_edge(
    cutoff: Any, sick: Norm | None, well: Norm | None, ruler: Ruler | None, sign: float
) -> float | None:
    """Return the cut-off, higher is better; between true scores for hageman-arrindell."""
    if cutoff is None:
        return None
    if not isinstance(cutoff, str):
        return sign * float(cutoff)
    if ruler is not None and ruler.method == "hageman-arrindell":
        sick, well = _true(sick, ruler, "clinical"), _true(well, ruler, "functional")
    edge = _between(cutoff, sick, well)
    size = max(abs(norm[0]) for norm in (sick, well) if norm is not None)
    return edge if abs(edge) > HAIR * size else 0.0


def _between(cutoff: str, sick: Norm | None, well: Norm | None) -> float:
    if sick is not None and cutoff == "a":
        return sick[0] + 2 * sick[1]
    if well is not None and cutoff == "b":
        return well[0] - 2 * well[1]
    assert sick is not None and well is not None
    return (sick[1] * well[0] + well[1] * sick[0]) / (sick[1] + well[1])


def _true(norm: Norm | None, ruler: Ruler, whose: str) -> Norm | None:
    if norm is None:
        return None
    return norm[0], norm[1] * sqrt(ruler.true_share(norm[1], f"the {whose} group"))


def sides(before: Floats, edge: float) -> tuple[Bools, Bools]:
    """Return who started on the clinical side, and who on the functional."""
    functional = past(before, edge)
    return ~functional, functional


def crossed(before: Floats, after: Floats, edge: float, ruler: Ruler | None) -> tuple[Bools, Bools]:
    """Return who went past the cut-off, and who went back over it."""
    clinical, functional = sides(before, edge)
    over = past(after, edge)
    under = ~over
    if ruler is not None and ruler.method == "hageman-arrindell":
        kept = ruler.true_share(ruler.sd_post, "post")
        true = ruler.mean_post + (after - ruler.mean_post) * kept
        index = (true - edge) / (sqrt(kept) * ruler.sem)
        over, under = past(index, ruler.critical), past(-index, ruler.critical)
    return clinical & over, functional & under
