"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.allocation_counts import AllocationChances, allocation_chances
    from evalkit.stats.balancing import balance
    from evalkit.stats.binary import odds_ratio, risk_difference, risk_ratio
    from evalkit.stats.block_means import DesignDifference, difference_in_means
    from evalkit.stats.changes import mean_change
    from evalkit.stats.clustered_sizes import ClusterEffect, cluster_g
    from evalkit.stats.compliance import ComplierEffect, complier_effect
    from evalkit.stats.constrained import ConstrainedSchemes, constrained_schemes
    from evalkit.stats.counts import RateEffect, rate_ratio
    from evalkit.stats.differences import mean_difference
    from evalkit.stats.dosage import DoseEffect, dose_effect
    from evalkit.stats.effect_sizes import EffectSize, hedges_g
    from evalkit.stats.individual_change import ReliableChange, reliable_change
    from evalkit.stats.informants import agreement
    from evalkit.stats.interim import InterimVerdict, interim_verdict
    from evalkit.stats.internal_consistency import reliability
    from evalkit.stats.intraclass import cluster_icc, icc
    from evalkit.stats.joint_tests import JointTest, joint_test
    from evalkit.stats.log_rank import log_rank_test
    from evalkit.stats.logit_sizes import CoxIndex, cox_index, d_to_odds_ratio, odds_ratio_to_d
    from evalkit.stats.loss import attrition
    from evalkit.stats.mixed_models import MixedDifference, mixed_difference
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.one_arm_clusters import PartiallyClusteredDifference, partially_clustered_difference
    from evalkit.stats.ordinal import OrdinalEffect, ordinal_odds_ratio
    from evalkit.stats.planning_factors import ClusterBaselineFactors, RepeatedFactors, cluster_baseline_factors, design_effect, inflate_for_loss, repeated_factors
    from evalkit.stats.power_clusters import power_blocked_cluster, power_cluster
    from evalkit.stats.power_people import power_blocked, power_individual
    from evalkit.stats.power_risks import power_binary
    from evalkit.stats.power_solving import Power
    from evalkit.stats.randomising import randomise
    from evalkit.stats.rates import event_rate
    from evalkit.stats.reassigning import minimisation, within_blocks
    from evalkit.stats.rerandomising import PermutationTest, permutation_test
    from evalkit.stats.resampling import Bootstrap, bootstrap
    from evalkit.stats.risk_study import RiskEffect
    from evalkit.stats.several_arms import pairwise_differences
    from evalkit.stats.sites import MultisiteDifference, multisite_difference
    from evalkit.stats.spending import SpendingBounds, spending_bounds
    from evalkit.stats.stability import retest
    from evalkit.stats.standardised_change import ChangeSize, pre_post_control_g, standardised_mean_change
    from evalkit.stats.status_rates import StatusRate
    from evalkit.stats.step_down import StepDown, romano_wolf, westfall_young
    from evalkit.stats.stepped_wedge import SteppedWedgeDifference, stepped_wedge_difference
    from evalkit.stats.subgroup_results import SubgroupEffects
    from evalkit.stats.subgroups import subgroup_effects
    from evalkit.stats.summary_sizes import cohens_u3, common_language_effect, glass_delta, improvement_index, standardised_difference
    from evalkit.stats.survival import SurvivalEffect, hazard_ratio, restricted_mean_difference
    from evalkit.stats.survival_curves import KaplanMeier, kaplan_meier
    from evalkit.stats.wave_results import RepeatedMeasures, WaveTest
    from evalkit.stats.waves import repeated_measures
    from evalkit.stats.wild_bootstrap import WildBootstrap, wild_cluster_bootstrap
    from evalkit.stats.win_probability import Superiority, probability_of_superiority

_HOME = {
    "AllocationChances": "allocation_counts",
    "Bootstrap": "resampling",
    "ChangeSize": "standardised_change",
    "ClusterBaselineFactors": "planning_factors",
    "ClusterEffect": "clustered_sizes",
    "ComplierEffect": "compliance",
    "ConstrainedSchemes": "constrained",
    "CoxIndex": "logit_sizes",
    "DesignDifference": "block_means",
    "DoseEffect": "dosage",
    "EffectSize": "effect_sizes",
    "InterimVerdict": "interim",
    "JointTest": "joint_tests",
    "KaplanMeier": "survival_curves",
    "MixedDifference": "mixed_models",
    "MultisiteDifference": "sites",
    "OrdinalEffect": "ordinal",
    "PartiallyClusteredDifference": "one_arm_clusters",
    "PermutationTest": "rerandomising",
    "Power": "power_solving",
    "RateEffect": "counts",
    "ReliableChange": "individual_change",
    "RepeatedFactors": "planning_factors",
    "RepeatedMeasures": "wave_results",
    "RiskEffect": "risk_study",
    "SpendingBounds": "spending",
    "StatusRate": "status_rates",
    "StepDown": "step_down",
    "SteppedWedgeDifference": "stepped_wedge",
    "SubgroupEffects": "subgroup_results",
    "Superiority": "win_probability",
    "SurvivalEffect": "survival",
    "WaveTest": "wave_results",
    "WildBootstrap": "wild_bootstrap",
    "adjust_p": "multiplicity",
    "agreement": "informants",
    "allocation_chances": "allocation_counts",
    "attrition": "loss",
    "balance": "balancing",
    "bootstrap": "resampling",
    "cluster_baseline_factors": "planning_factors",
    "cluster_g": "clustered_sizes",
    "cluster_icc": "intraclass",
    "cohens_u3": "summary_sizes",
    "common_language_effect": "summary_sizes",
    "complier_effect": "compliance",
    "constrained_schemes": "constrained",
    "cox_index": "logit_sizes",
    "d_to_odds_ratio": "logit_sizes",
    "design_effect": "planning_factors",
    "difference_in_means": "block_means",
    "dose_effect": "dosage",
    "event_rate": "rates",
    "glass_delta": "summary_sizes",
    "hazard_ratio": "survival",
    "hedges_g": "effect_sizes",
    "icc": "intraclass",
    "improvement_index": "summary_sizes",
    "inflate_for_loss": "planning_factors",
    "interim_verdict": "interim",
    "joint_test": "joint_tests",
    "kaplan_meier": "survival_curves",
    "log_rank_test": "log_rank",
    "mean_change": "changes",
    "mean_difference": "differences",
    "minimisation": "reassigning",
    "mixed_difference": "mixed_models",
    "multisite_difference": "sites",
    "odds_ratio": "binary",
    "odds_ratio_to_d": "logit_sizes",
    "ordinal_odds_ratio": "ordinal",
    "pairwise_differences": "several_arms",
    "partially_clustered_difference": "one_arm_clusters",
    "permutation_test": "rerandomising",
    "power_binary": "power_risks",
    "power_blocked": "power_people",
    "power_blocked_cluster": "power_clusters",
    "power_cluster": "power_clusters",
    "power_individual": "power_people",
    "pre_post_control_g": "standardised_change",
    "probability_of_superiority": "win_probability",
    "randomise": "randomising",
    "rate_ratio": "counts",
    "reliability": "internal_consistency",
    "reliable_change": "individual_change",
    "repeated_factors": "planning_factors",
    "repeated_measures": "waves",
    "restricted_mean_difference": "survival",
    "retest": "stability",
    "risk_difference": "binary",
    "risk_ratio": "binary",
    "romano_wolf": "step_down",
    "spending_bounds": "spending",
    "standardised_difference": "summary_sizes",
    "standardised_mean_change": "standardised_change",
    "stepped_wedge_difference": "stepped_wedge",
    "subgroup_effects": "subgroups",
    "westfall_young": "step_down",
    "wild_cluster_bootstrap": "wild_bootstrap",
    "within_blocks": "reassigning",
}

__all__ = [
    "AllocationChances",
    "Bootstrap",
    "ChangeSize",
    "ClusterBaselineFactors",
    "ClusterEffect",
    "ComplierEffect",
    "ConstrainedSchemes",
    "CoxIndex",
    "DesignDifference",
    "DoseEffect",
    "EffectSize",
    "InterimVerdict",
    "JointTest",
    "KaplanMeier",
    "MixedDifference",
    "MultisiteDifference",
    "OrdinalEffect",
    "PartiallyClusteredDifference",
    "PermutationTest",
    "Power",
    "RateEffect",
    "ReliableChange",
    "RepeatedFactors",
    "RepeatedMeasures",
    "RiskEffect",
    "SpendingBounds",
    "StatusRate",
    "StepDown",
    "SteppedWedgeDifference",
    "SubgroupEffects",
    "Superiority",
    "SurvivalEffect",
    "WaveTest",
    "WildBootstrap",
    "adjust_p",
    "agreement",
    "allocation_chances",
    "attrition",
    "balance",
    "bootstrap",
    "cluster_baseline_factors",
    "cluster_g",
    "cluster_icc",
    "cohens_u3",
    "common_language_effect",
    "complier_effect",
    "constrained_schemes",
    "cox_index",
    "d_to_odds_ratio",
    "design_effect",
    "difference_in_means",
    "dose_effect",
    "event_rate",
    "glass_delta",
    "hazard_ratio",
    "hedges_g",
    "icc",
    "improvement_index",
    "inflate_for_loss",
    "interim_verdict",
    "joint_test",
    "kaplan_meier",
    "log_rank_test",
    "mean_change",
    "mean_difference",
    "minimisation",
    "mixed_difference",
    "multisite_difference",
    "odds_ratio",
    "odds_ratio_to_d",
    "ordinal_odds_ratio",
    "pairwise_differences",
    "partially_clustered_difference",
    "permutation_test",
    "power_binary",
    "power_blocked",
    "power_blocked_cluster",
    "power_cluster",
    "power_individual",
    "pre_post_control_g",
    "probability_of_superiority",
    "randomise",
    "rate_ratio",
    "reliability",
    "reliable_change",
    "repeated_factors",
    "repeated_measures",
    "restricted_mean_difference",
    "retest",
    "risk_difference",
    "risk_ratio",
    "romano_wolf",
    "spending_bounds",
    "standardised_difference",
    "standardised_mean_change",
    "stepped_wedge_difference",
    "subgroup_effects",
    "westfall_young",
    "wild_cluster_bootstrap",
    "within_blocks",
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
