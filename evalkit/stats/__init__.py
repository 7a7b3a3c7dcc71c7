"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.balancing import balance
    from evalkit.stats.loss import attrition
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.over_time.growth import GrowthDifference, growth_difference
    from evalkit.stats.sizes.variance_shares import OneWayEffects, one_way_effects

_HOME = {
    "GrowthDifference": "over_time.growth",
    "OneWayEffects": "sizes.variance_shares",
    "adjust_p": "multiplicity",
    "attrition": "loss",
    "balance": "balancing",
    "growth_difference": "over_time.growth",
    "one_way_effects": "sizes.variance_shares",
}

__all__ = [
    "GrowthDifference",
    "OneWayEffects",
    "adjust_p",
    "attrition",
    "balance",
    "growth_difference",
    "one_way_effects",
]


def __getattr__(name: str) -> Any:
    from importlib import import_module

    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
