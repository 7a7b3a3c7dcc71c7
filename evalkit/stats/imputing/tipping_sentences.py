"""What tipping points mean, in words and figures."""

from __future__ import annotations

from collections.abc import Mapping

from evalkit.stats.imputing.pooling import Pooled
from evalkit.stats.imputing.tipping_curve import TippingDelta
from evalkit.stats.imputing.tipping_study import TippingStudy

UNITS = {"reliable_change": "reliable change", "minimal_change": "smallest change that matters"}


def tipping_sentence(
    start: Pooled,
    tips: TippingDelta,
    arm: str,
    study: TippingStudy,
    units: Mapping[str, float | None],
) -> str:
    """Return the difference without a shift, and who would have to differ by how much."""
    text = (
        f"With missing outcomes imputed as missing at random the difference in "
        f"{study.asked.outcome} is {start.estimate:.3g} ({100 * start.level:g}% interval "
        f"{start.conf_low:.3g} to {start.conf_high:.3g}). "
    )
    if tips.delta_interval is None:
        text += "The interval includes 0 without any shift. "
    else:
        text += f"For the interval to include 0, {_moved(tips.delta_interval, arm, study, units)}. "
    return text + f"For the estimate to be 0, {_moved(tips.delta_zero, arm, study, units)}."


def _moved(delta: float, arm: str, study: TippingStudy, units: Mapping[str, float | None]) -> str:
    """Return who would have to differ from what was imputed, which way and how much."""
    parts = []
    for which, value, sign in (("treatment", 1.0, 1.0), ("comparison", 0.0, -1.0)):
        if arm in (which, "both"):
            way = "higher" if (sign if arm == "both" else 1.0) * delta > 0 else "lower"
            who = f"the {int(study.lost(value).sum())} imputed outcomes of the {which} arm"
            share = f"({100 * study.share(value):.0f}% of it)"
            parts.append(f"{who} {share} would have to be {abs(delta):.3g} points {way}")
    return f"{' and '.join(parts)} than imputed ({_in_units(abs(delta), units)})"


def _in_units(size: float, units: Mapping[str, float | None]) -> str:
    found = [f"{size / float(units['sd'] or 1):.2f} SD"]
    for unit, name in UNITS.items():
        value = units[unit]
        if value is not None:
            found.append(f"{size / value:.2f} times the {name} of {value:g}")
    return "; ".join(found)
