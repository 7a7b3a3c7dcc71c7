"""Effect sizes of yes-or-no outcomes in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log, pi, sqrt

from evalkit.errors import CannotEstimate
from evalkit.results import Estimate
from evalkit.stats.shared.columns import check_level, invalid
from evalkit.stats.sizes.summary_sizes import finite

COX = 1.65  # Cox (1970): logits over 1.65 are close to normal deviates


@dataclass(frozen=True, slots=True, kw_only=True)
class CoxIndex(Estimate):
    """A difference in log odds over 1.65, in standard deviations of a latent outcome.

    `corrected` is the same times 1 - 3 / (4N - 9), as the What Works Clearinghouse reports it.
    """

    corrected: float | None = None


def cox_index(
    events_t: float, n_t: int, events_c: float, n_c: int, *, level: float = 0.95
) -> CoxIndex:
    """Return the Cox index of a yes-or-no outcome: the difference in log odds over 1.65.

    Parameters
    ----------
    events_t, events_c : people with the outcome in the treatment and the comparison arm; not
        whole where they are a mean over imputations
    n_t, n_c : people in each arm
    level : confidence level

    Returns
    -------
    CoxIndex
        `estimate` in standard deviations, positive where the outcome is commoner in treatment;
        `std_error` by the delta method, a normal interval; `effect_size` and its interval are the
        estimate's times 1 - 3/(4N - 9), and `corrected` is that effect size.

    Raises
    ------
    InvalidInput
        For counts that are negative or above the number of people, or people that are not whole.
    CannotEstimate
        Where an arm has no events or nothing but events: the log odds are not finite.

    References
    ----------
    Cox (1970), Analysis of Binary Data; What Works Clearinghouse procedures 4.1 and 5.0.
    """
    from scipy.stats import norm

    check_level(level)
    cells = []
    for name, events, people in (("treatment", events_t, n_t), ("comparison", events_c, n_c)):
        found, whole = finite(events, f"events in {name}"), finite(people, f"people in {name}")
        if whole != int(whole) or not 0 <= found <= whole or whole < 1:
            raise invalid(
                f"{events!r} events of {people!r} in the {name} arm.",
                allowed="a whole number of people, and events between 0 and them",
            )
        if found in (0, whole):
            raise CannotEstimate(
                f"In the {name} arm {found:g} of {whole:.0f} have the outcome, so its log odds "
                "are not finite. Use risk_difference, which can be told here."
            )
        cells += [found, whole - found]
    estimate = (log(cells[0] / cells[1]) - log(cells[2] / cells[3])) / COX
    error = sqrt(sum(1 / cell for cell in cells)) / COX
    half = float(norm.ppf(0.5 + level / 2)) * error
    shrink = 1 - 3 / (4 * sum(cells) - 9) if sum(cells) > 2 else 1.0
    return CoxIndex(
        term="cox-index",
        estimate=estimate,
        std_error=error,
        statistic=estimate / error,
        p_value=float(2 * norm.sf(abs(estimate / error))),
        conf_low=estimate - half,
        conf_high=estimate + half,
        level=level,
        effect_size=shrink * estimate,
        effect_low=shrink * (estimate - half),
        effect_high=shrink * (estimate + half),
        n_treatment=int(cells[0] + cells[1]),
        n_comparison=int(cells[2] + cells[3]),
        method="Cox index: difference in log odds over 1.65, normal interval; the effect size is "
        "corrected for small samples.",
        corrected=shrink * estimate,
    )


def odds_ratio_to_d(odds_ratio: float) -> float:
    """Return log(odds ratio) sqrt(3)/pi, a standardised mean difference (Chinn 2000)."""
    value = finite(odds_ratio, "odds_ratio")
    if value <= 0:
        raise invalid(f"odds_ratio={odds_ratio!r}.", allowed="a number above 0")
    return log(value) * sqrt(3) / pi


def d_to_odds_ratio(d: float) -> float:
    """Return exp(d pi / sqrt 3), the odds ratio that goes with a standardised difference."""
    return exp(finite(d, "d") * pi / sqrt(3))
