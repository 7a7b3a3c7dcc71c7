"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.balancing import balance
    from evalkit.stats.binary import odds_ratio, risk_difference, risk_ratio
    from evalkit.stats.changes import mean_change
    from evalkit.stats.compliance import ComplierEffect, complier_effect
    from evalkit.stats.counts import RateEffect, rate_ratio
    from evalkit.stats.differences import mean_difference
    from evalkit.stats.effect_sizes import EffectSize, hedges_g
    from evalkit.stats.individual_change import ReliableChange, reliable_change
    from evalkit.stats.informants import agreement
    from evalkit.stats.internal_consistency import reliability
    from evalkit.stats.intraclass import cluster_icc, icc
    from evalkit.stats.loss import attrition
    from evalkit.stats.mixed_models import MixedDifference, mixed_difference
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.rates import event_rate
    from evalkit.stats.rerandomising import PermutationTest, permutation_test
    from evalkit.stats.risk_study import RiskEffect
    from evalkit.stats.stability import retest
    from evalkit.stats.status_rates import StatusRate
    from evalkit.stats.step_down import StepDown, romano_wolf, westfall_young
    from evalkit.stats.survival import SurvivalEffect, hazard_ratio, restricted_mean_difference
    from evalkit.stats.wild_bootstrap import WildBootstrap, wild_cluster_bootstrap

_HOME = {
    "ComplierEffect": "compliance",
    "EffectSize": "effect_sizes",
    "MixedDifference": "mixed_models",
    "PermutationTest": "rerandomising",
    "RateEffect": "counts",
    "ReliableChange": "individual_change",
    "RiskEffect": "risk_study",
    "StatusRate": "status_rates",
    "StepDown": "step_down",
    "SurvivalEffect": "survival",
    "WildBootstrap": "wild_bootstrap",
    "adjust_p": "multiplicity",
    "agreement": "informants",
    "attrition": "loss",
    "balance": "balancing",
    "cluster_icc": "intraclass",
    "complier_effect": "compliance",
    "event_rate": "rates",
    "hazard_ratio": "survival",
    "hedges_g": "effect_sizes",
    "icc": "intraclass",
    "mean_change": "changes",
    "mean_difference": "differences",
    "mixed_difference": "mixed_models",
    "odds_ratio": "binary",
    "permutation_test": "rerandomising",
    "rate_ratio": "counts",
    "reliability": "internal_consistency",
    "reliable_change": "individual_change",
    "restricted_mean_difference": "survival",
    "retest": "stability",
    "risk_difference": "binary",
    "risk_ratio": "binary",
    "romano_wolf": "step_down",
    "westfall_young": "step_down",
    "wild_cluster_bootstrap": "wild_bootstrap",
}

__all__ = [
    "ComplierEffect",
    "EffectSize",
    "MixedDifference",
    "PermutationTest",
    "RateEffect",
    "ReliableChange",
    "RiskEffect",
    "StatusRate",
    "StepDown",
    "SurvivalEffect",
    "WildBootstrap",
    "adjust_p",
    "agreement",
    "attrition",
    "balance",
    "cluster_icc",
    "complier_effect",
    "event_rate",
    "hazard_ratio",
    "hedges_g",
    "icc",
    "mean_change",
    "mean_difference",
    "mixed_difference",
    "odds_ratio",
    "permutation_test",
    "rate_ratio",
    "reliability",
    "reliable_change",
    "restricted_mean_difference",
    "retest",
    "risk_difference",
    "risk_ratio",
    "romano_wolf",
    "westfall_young",
    "wild_cluster_bootstrap",
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
