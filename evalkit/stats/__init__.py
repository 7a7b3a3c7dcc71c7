"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.balancing import balance
    from evalkit.stats.changes import mean_change
    from evalkit.stats.differences import mean_difference
    from evalkit.stats.effect_sizes import EffectSize, hedges_g
    from evalkit.stats.loss import attrition
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.rates import event_rate

_HOME = {
    "EffectSize": "effect_sizes",
    "adjust_p": "multiplicity",
    "attrition": "loss",
    "balance": "balancing",
    "event_rate": "rates",
    "hedges_g": "effect_sizes",
    "mean_change": "changes",
    "mean_difference": "differences",
}

__all__ = [
    "EffectSize",
    "adjust_p",
    "attrition",
    "balance",
    "event_rate",
    "hedges_g",
    "mean_change",
    "mean_difference",
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
