"""Read the looks at a running trial: go on, stop for benefit, or stop for harm."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

import numpy as np

from evalkit.results import Record
from evalkit.stats.planning.group_sequential import crossing
from evalkit.stats.planning.power_solving import share
from evalkit.stats.planning.spending import SAME, SPENDING, bounds, read_fractions
from evalkit.stats.shared.columns import choice, invalid, vector

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

GO_ON, BENEFIT, HARM = "continue", "stop for benefit", "stop for harm"
NOTHING = "no boundary crossed"
_ROW = (
    *("fraction", "z", "z_benefit", "z_harm", "alpha_spent", "harm_alpha_spent"),
    *("estimate", "std_error", "conf_low", "conf_high"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class InterimVerdict(Record):
    """What the looks so far say; the tuples have one value a look.

    `verdict` is "continue", "stop for benefit", "stop for harm", or after the last look "no
    boundary crossed"; `look` is the look (from 1) that decided, the first that crossed. `z` is
    towards benefit: positive where the treated do better. The trial stops for benefit where z
    reaches `z_benefit`, for harm where it falls to -`z_harm`; infinite where a look has no
    boundary. `false_benefit` and `false_harm` are the probabilities to stop so by this look when
    there is no effect, the other boundary not heeded. `conf_low` and `conf_high` are repeated
    confidence intervals of the effect in its own direction: all of them hold at once with
    probability `level`.
    """

    verdict: str
    look: int
    fraction: tuple[float, ...]
    z: tuple[float, ...]
    z_benefit: tuple[float, ...]
    z_harm: tuple[float, ...]
    alpha_spent: tuple[float, ...]
    harm_alpha_spent: tuple[float, ...]
    false_benefit: float
    false_harm: float
    estimate: tuple[float, ...] | None
    std_error: tuple[float, ...] | None
    conf_low: tuple[float, ...] | None
    conf_high: tuple[float, ...] | None
    level: float
    alpha: float
    spending: str
    harm_alpha: float
    harm_spending: str
    sentence: str
    notes: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return a pandas frame with one row a look."""
        import pandas as pd

        rows = {name: getattr(self, name) for name in _ROW}
        frame = pd.DataFrame({name: row for name, row in rows.items() if row is not None})
        frame.insert(0, "look", range(1, len(frame) + 1))
        return frame


def interim_verdict(
    *,
    z: Sequence[float] | None = None,
    estimate: Sequence[float] | None = None,
    std_error: Sequence[float] | None = None,
    information: Sequence[float] | None = None,
    planned: float | None = None,
    higher_is_better: bool,
    alpha: float = 0.05,
    spending: str = "obrien-fleming",
    harm_alpha: float = 0.05,
    harm_spending: str = "pocock",
    final: bool = False,
) -> InterimVerdict:
    """Say whether a trial goes on, stops for benefit or stops for harm, from its looks so far.

    Parameters
    ----------
    z : test statistic at each look, earliest first (treated less comparison); or
    estimate, std_error : the effect at each look, from all data until then, and its standard error
    information : at each look, as a fraction of what is planned or, with `planned`, in its unit;
        without it information is 1 / std_error^2, which needs `planned`
    planned : information at the end of the trial
    higher_is_better : whether a higher outcome is good; benefit is in that direction
    alpha, spending : the two-sided boundary, half of alpha for benefit, as `spending_bounds`
    harm_alpha, harm_spending : the one-sided rate of the rule for harm and how it is spent; by
        default more lenient than that for benefit, and early on far more so
    final : whether the last look is the trial's last, with less information than planned

    Returns
    -------
    InterimVerdict

    Raises
    ------
    InvalidInput
        For neither or both of `z` and `estimate`, lengths that differ, a standard error that is
        not positive, or information as `spending_bounds` refuses it.

    Notes
    -----
    The rule for harm is not binding: each boundary keeps its error rate whether or not the other
    is obeyed. The lower half of the two-sided boundary counts as harm too. Where a small trial is
    tested by t, give the z with the same p-value. A verdict informs the people who oversee the
    trial; it does not replace them.

    References
    ----------
    Lan and DeMets (1983), Biometrika 70:659-663; Jennison and Turnbull (1989), JRSS B 51:305-361
    (repeated confidence intervals); Jennison and Turnbull (2000), chapters 7 and 9.
    """
    share(alpha, "alpha")
    share(harm_alpha, "harm_alpha")
    choice(spending, SPENDING, argument="spending")
    choice(harm_spending, SPENDING, argument="harm_spending")
    if not isinstance(higher_is_better, bool):
        raise invalid(f"higher_is_better={higher_is_better!r}.", allowed="True or False")
    raw, effect, error = _read_looks(z, estimate, std_error)
    fractions = _read_information(information, error, planned, len(raw))
    towards = raw if higher_is_better else -raw
    benefit, spent = bounds(fractions, alpha / 2, spending, symmetric=True, final=final)
    rule, harm_spent = bounds(fractions, harm_alpha, harm_spending, symmetric=False, final=final)
    harm = np.minimum(rule, benefit)
    verdict, look = _verdict(towards, benefit, harm, final or fractions[-1] >= 1 - SAME)
    never = np.full(len(fractions), inf)
    return InterimVerdict(
        verdict=verdict,
        look=look + 1,
        fraction=tuple(fractions.tolist()),
        z=tuple(towards.tolist()),
        z_benefit=tuple(benefit.tolist()),
        z_harm=tuple(harm.tolist()),
        alpha_spent=tuple((2 * spent).tolist()),
        harm_alpha_spent=tuple(harm_spent.tolist()),
        false_benefit=float(crossing(fractions, benefit, -never)[0].sum()),
        false_harm=float(crossing(fractions, harm, -never)[0].sum()),
        **_intervals(effect, error, benefit),
        level=1 - alpha,
        alpha=alpha,
        spending=spending,
        harm_alpha=harm_alpha,
        harm_spending=harm_spending,
        sentence=_sentence(verdict, look, towards, benefit, harm, float(fractions[look])),
        notes=_notes(look, len(raw)),
    )


def _read_looks(z: Any, estimate: Any, std_error: Any) -> tuple[Floats, Floats | None, Any]:
    """Return the statistic at each look, with effect and standard error where these were given."""
    if (z is None) == (estimate is None) or (estimate is None) != (std_error is None):
        raise invalid(
            "z, estimate and std_error.",
            allowed="either z, or estimate and std_error, look by look",
        )
    if z is not None:
        return _complete(z, "z"), None, None
    effect, error = _complete(estimate, "estimate"), _complete(std_error, "std_error")
    if len(effect) != len(error) or not np.all(error > 0):
        raise invalid(
            f"{len(effect)} estimates and {len(error)} standard errors.",
            allowed="as many of both, and standard errors above 0",
        )
    return effect / error, effect, error


def _complete(values: Any, name: str) -> Floats:
    found = vector(values, name)
    if not found.size or np.isnan(found).any():
        raise invalid(f"{name} is empty or has missing values.", allowed="a number a look")
    return found


def _read_information(information: Any, error: Any, planned: Any, looks: int) -> Floats:
    if information is None:
        if error is None or planned is None:
            raise invalid(
                "information is left out.",
                allowed="information=, or std_error= with planned= as 1 / variance",
            )
        return read_fractions(1 / error**2, planned)
    fractions = read_fractions(information, planned)
    if len(fractions) != looks:
        raise invalid(
            f"information has {len(fractions)} value(s) for {looks} look(s).", allowed="one a look"
        )
    return fractions


def _verdict(z: Floats, benefit: Floats, harm: Floats, ended: bool) -> tuple[str, int]:
    """Return the verdict of the first look that crossed a boundary, else of the last look."""
    for look in range(len(z)):
        if z[look] <= -harm[look]:
            return HARM, look
        if z[look] >= benefit[look]:
            return BENEFIT, look
    return (NOTHING if ended else GO_ON), len(z) - 1


def _intervals(effect: Any, error: Any, limits: Floats) -> dict[str, Any]:
    if effect is None:
        return dict.fromkeys(("estimate", "std_error", "conf_low", "conf_high"))
    half = limits * error
    return {
        "estimate": tuple(effect.tolist()),
        "std_error": tuple(error.tolist()),
        "conf_low": tuple((effect - half).tolist()),
        "conf_high": tuple((effect + half).tolist()),
    }


def _sentence(
    verdict: str, look: int, z: Floats, benefit: Floats, harm: Floats, fraction: float
) -> str:
    return (
        f"Look {look + 1}, with {fraction:.0%} of the planned information: {verdict}. z towards "
        f"benefit is {z[look]:.3f}; the boundary for benefit is {benefit[look]:.3f}, that for harm "
        f"{-harm[look]:.3f}."
    )


def _notes(look: int, looks: int) -> tuple[str, ...]:
    if look + 1 == looks:
        return ()
    return (f"The boundary was crossed at look {look + 1}, before the last of {looks}",)
