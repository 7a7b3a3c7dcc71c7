"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.balancing import balance
    from evalkit.stats.changes import mean_change
    from evalkit.stats.differences import mean_difference
    from evalkit.stats.effect_sizes import EffectSize, hedges_g
    from evalkit.stats.individual_change import ReliableChange, reliable_change
    from evalkit.stats.informants import agreement
    from evalkit.stats.internal_consistency import reliability
    from evalkit.stats.intraclass import cluster_icc, icc
    from evalkit.stats.loss import attrition
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.rates import event_rate
    from evalkit.stats.stability import retest
    from evalkit.stats.status_rates import StatusRate

_HOME = {
    "EffectSize": "effect_sizes",
    "ReliableChange": "individual_change",
    "StatusRate": "status_rates",
    "adjust_p": "multiplicity",
    "agreement": "informants",
    "attrition": "loss",
    "balance": "balancing",
    "cluster_icc": "intraclass",
    "event_rate": "rates",
    "hedges_g": "effect_sizes",
    "icc": "intraclass",
    "mean_change": "changes",
    "mean_difference": "differences",
    "reliability": "internal_consistency",
    "reliable_change": "individual_change",
    "retest": "stability",
}

__all__ = [
    "EffectSize",
    "ReliableChange",
    "StatusRate",
    "adjust_p",
    "agreement",
    "attrition",
    "balance",
    "cluster_icc",
    "event_rate",
    "hedges_g",
    "icc",
    "mean_change",
    "mean_difference",
    "reliability",
    "reliable_change",
    "retest",
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
