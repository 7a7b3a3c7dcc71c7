"""Statistics: numbers only. Arrays or a frame in, a frozen record out; loaded on first use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from evalkit.stats.balancing import balance
    from evalkit.stats.categories.binary import odds_ratio, risk_difference, risk_ratio
    from evalkit.stats.categories.ordinal import OrdinalEffect, ordinal_odds_ratio
    from evalkit.stats.categories.risk_study import RiskEffect
    from evalkit.stats.categories.win_probability import Superiority, probability_of_superiority
    from evalkit.stats.clusters.mixed_models import MixedDifference, mixed_difference
    from evalkit.stats.clusters.one_arm_clusters import (
        PartiallyClusteredDifference,
        partially_clustered_difference,
    )
    from evalkit.stats.clusters.sites import MultisiteDifference, multisite_difference
    from evalkit.stats.clusters.stepped_wedge import (
        SteppedWedgeDifference,
        stepped_wedge_difference,
    )
    from evalkit.stats.combining.asymmetry import egger_test
    from evalkit.stats.combining.dependent import dependent_meta_analysis
    from evalkit.stats.combining.meta import meta_analysis
    from evalkit.stats.combining.meta_results import MetaAnalysis
    from evalkit.stats.combining.pooled_tables import pooled_tables
    from evalkit.stats.events.counts import RateEffect, rate_ratio
    from evalkit.stats.events.log_rank import log_rank_test
    from evalkit.stats.events.rates import event_rate
    from evalkit.stats.events.survival import (
        SurvivalEffect,
        hazard_ratio,
        restricted_mean_difference,
    )
    from evalkit.stats.events.survival_curves import KaplanMeier, kaplan_meier
    from evalkit.stats.hidden_bias.benchmarks import confounder_bounds
    from evalkit.stats.hidden_bias.e_values import EValue, bias_factor, e_value
    from evalkit.stats.hidden_bias.omitted_variables import (
        RobustnessValue,
        adjust_for_confounder,
        robustness_value,
    )
    from evalkit.stats.hidden_bias.pair_bounds import rosenbaum_bounds
    from evalkit.stats.hidden_bias.proportional import oster_delta
    from evalkit.stats.imputing.chained import Imputations, impute
    from evalkit.stats.imputing.pooled_tests import (
        PooledTest,
        pool_joint,
        pool_likelihoods,
        pool_statistics,
    )
    from evalkit.stats.imputing.pooling import Pooled, pool
    from evalkit.stats.imputing.pooling_scales import pool_correlation, pool_proportion, pool_ratio
    from evalkit.stats.imputing.reference_based import WaveImputations, reference_based
    from evalkit.stats.imputing.reference_differences import (
        ReferenceDifference,
        reference_based_difference,
    )
    from evalkit.stats.imputing.tipping import tipping_point, tipping_surface
    from evalkit.stats.imputing.tipping_curve import tipping_delta
    from evalkit.stats.imputing.tipping_results import TippingPoint
    from evalkit.stats.least_squares.block_means import DesignDifference, difference_in_means
    from evalkit.stats.least_squares.compliance import ComplierEffect, complier_effect
    from evalkit.stats.least_squares.differences import mean_difference
    from evalkit.stats.least_squares.dosage import DoseEffect, dose_effect
    from evalkit.stats.least_squares.joint_tests import JointTest, joint_test
    from evalkit.stats.least_squares.several_arms import pairwise_differences
    from evalkit.stats.least_squares.subgroup_results import SubgroupEffects
    from evalkit.stats.least_squares.subgroups import subgroup_effects
    from evalkit.stats.loss import attrition
    from evalkit.stats.matching.matched import Matched
    from evalkit.stats.matching.matching import match
    from evalkit.stats.matching.narrowing import NarrowedPool, narrow_pool
    from evalkit.stats.measuring.informants import agreement
    from evalkit.stats.measuring.internal_consistency import reliability
    from evalkit.stats.measuring.intraclass import cluster_icc, icc
    from evalkit.stats.measuring.regression_to_mean import RegressionToMean, regression_to_mean
    from evalkit.stats.measuring.stability import retest
    from evalkit.stats.missing.answering import AnswerFlags, fast_answers, straight_lining
    from evalkit.stats.missing.attrition_bias import AttritionBias, attrition_bias
    from evalkit.stats.missing.attrition_weights import AttritionWeights, attrition_weights
    from evalkit.stats.missing.lee import lee_bounds
    from evalkit.stats.missing.lee_results import LeeBounds
    from evalkit.stats.missing.little import McarTest, little_mcar
    from evalkit.stats.missing.patterns import MissingPatterns, missing_patterns
    from evalkit.stats.missing.response import ResponseModel, response_model
    from evalkit.stats.missing.returns_needed import ReturnsNeeded, returns_needed
    from evalkit.stats.missing.stayers import BaselineGap, stayers_and_leavers
    from evalkit.stats.missing.wave_patterns import WavePatterns, wave_patterns
    from evalkit.stats.missing.weighted_returns import weighted_returns
    from evalkit.stats.missing.worst_case import WorstCaseBounds, worst_case_bounds
    from evalkit.stats.multiplicity import adjust_p
    from evalkit.stats.over_time.growth import GrowthDifference, growth_difference
    from evalkit.stats.over_time.wave_results import RepeatedMeasures, WaveTest
    from evalkit.stats.over_time.waves import repeated_measures
    from evalkit.stats.panels.event_regressions import event_study_regression
    from evalkit.stats.panels.fixed_effects import two_way_fixed_effects
    from evalkit.stats.panels.forbidden_comparisons import bacon_weights
    from evalkit.stats.panels.group_time import group_time_effects
    from evalkit.stats.panels.group_time_results import GroupTimeEffects
    from evalkit.stats.panels.panel_results import EventStudy, OverallEffect, PanelEffect
    from evalkit.stats.panels.two_by_two import difference_in_differences
    from evalkit.stats.persons.change_results import ReliableChange
    from evalkit.stats.persons.individual_change import reliable_change
    from evalkit.stats.persons.status_rates import StatusRate
    from evalkit.stats.planning.allocation_counts import AllocationChances, allocation_chances
    from evalkit.stats.planning.constrained import ConstrainedSchemes, constrained_schemes
    from evalkit.stats.planning.interim import InterimVerdict, interim_verdict
    from evalkit.stats.planning.planning_factors import (
        ClusterBaselineFactors,
        RepeatedFactors,
        cluster_baseline_factors,
        design_effect,
        inflate_for_loss,
        repeated_factors,
    )
    from evalkit.stats.planning.power_clusters import power_blocked_cluster, power_cluster
    from evalkit.stats.planning.power_people import power_blocked, power_individual
    from evalkit.stats.planning.power_periods import power_before_after, power_did
    from evalkit.stats.planning.power_risks import power_binary
    from evalkit.stats.planning.power_solving import Power
    from evalkit.stats.planning.power_wedge import power_stepped_wedge
    from evalkit.stats.planning.randomising import randomise
    from evalkit.stats.planning.spending import SpendingBounds, spending_bounds
    from evalkit.stats.redrawing.reassigning import minimisation, within_blocks
    from evalkit.stats.redrawing.rerandomising import PermutationTest, permutation_test
    from evalkit.stats.redrawing.resampling import Bootstrap, bootstrap
    from evalkit.stats.redrawing.step_down import StepDown, romano_wolf, westfall_young
    from evalkit.stats.redrawing.wild_bootstrap import WildBootstrap, wild_cluster_bootstrap
    from evalkit.stats.series.interrupted import interrupted_time_series
    from evalkit.stats.series.series_results import InterruptedSeries
    from evalkit.stats.series.synthetic import synthetic_control
    from evalkit.stats.series.synthetic_results import SyntheticControl
    from evalkit.stats.sizes.changes import mean_change
    from evalkit.stats.sizes.clustered_sizes import ClusterEffect, cluster_g
    from evalkit.stats.sizes.effect_sizes import EffectSize, hedges_g
    from evalkit.stats.sizes.logit_sizes import (
        CoxIndex,
        cox_index,
        d_to_odds_ratio,
        odds_ratio_to_d,
    )
    from evalkit.stats.sizes.standardised_change import (
        ChangeSize,
        pre_post_control_g,
        standardised_mean_change,
    )
    from evalkit.stats.sizes.summary_sizes import (
        cohens_u3,
        common_language_effect,
        glass_delta,
        improvement_index,
        standardised_difference,
    )
    from evalkit.stats.sizes.variance_shares import OneWayEffects, one_way_effects
    from evalkit.stats.thresholds.discontinuity import (
        covariate_continuity,
        regression_discontinuity,
    )
    from evalkit.stats.thresholds.discontinuity_results import Discontinuity
    from evalkit.stats.thresholds.score_density import density_jump
    from evalkit.stats.weighting.augmented import augmented_effect
    from evalkit.stats.weighting.weight_results import Weights
    from evalkit.stats.weighting.weighted_effects import weighted_effect
    from evalkit.stats.weighting.weights import weight

_HOME = {
    "AllocationChances": "planning.allocation_counts",
    "AnswerFlags": "missing.answering",
    "AttritionBias": "missing.attrition_bias",
    "AttritionWeights": "missing.attrition_weights",
    "BaselineGap": "missing.stayers",
    "Bootstrap": "redrawing.resampling",
    "ChangeSize": "sizes.standardised_change",
    "ClusterBaselineFactors": "planning.planning_factors",
    "ClusterEffect": "sizes.clustered_sizes",
    "ComplierEffect": "least_squares.compliance",
    "ConstrainedSchemes": "planning.constrained",
    "CoxIndex": "sizes.logit_sizes",
    "DesignDifference": "least_squares.block_means",
    "Discontinuity": "thresholds.discontinuity_results",
    "DoseEffect": "least_squares.dosage",
    "EValue": "hidden_bias.e_values",
    "EffectSize": "sizes.effect_sizes",
    "EventStudy": "panels.panel_results",
    "GroupTimeEffects": "panels.group_time_results",
    "GrowthDifference": "over_time.growth",
    "Imputations": "imputing.chained",
    "InterimVerdict": "planning.interim",
    "InterruptedSeries": "series.series_results",
    "JointTest": "least_squares.joint_tests",
    "KaplanMeier": "events.survival_curves",
    "LeeBounds": "missing.lee_results",
    "Matched": "matching.matched",
    "McarTest": "missing.little",
    "MetaAnalysis": "combining.meta_results",
    "MissingPatterns": "missing.patterns",
    "MixedDifference": "clusters.mixed_models",
    "MultisiteDifference": "clusters.sites",
    "NarrowedPool": "matching.narrowing",
    "OneWayEffects": "sizes.variance_shares",
    "OrdinalEffect": "categories.ordinal",
    "OverallEffect": "panels.panel_results",
    "PanelEffect": "panels.panel_results",
    "PartiallyClusteredDifference": "clusters.one_arm_clusters",
    "PermutationTest": "redrawing.rerandomising",
    "Pooled": "imputing.pooling",
    "PooledTest": "imputing.pooled_tests",
    "Power": "planning.power_solving",
    "RateEffect": "events.counts",
    "ReferenceDifference": "imputing.reference_differences",
    "RegressionToMean": "measuring.regression_to_mean",
    "ReliableChange": "persons.change_results",
    "RepeatedFactors": "planning.planning_factors",
    "RepeatedMeasures": "over_time.wave_results",
    "ResponseModel": "missing.response",
    "ReturnsNeeded": "missing.returns_needed",
    "RiskEffect": "categories.risk_study",
    "RobustnessValue": "hidden_bias.omitted_variables",
    "SpendingBounds": "planning.spending",
    "StatusRate": "persons.status_rates",
    "StepDown": "redrawing.step_down",
    "SteppedWedgeDifference": "clusters.stepped_wedge",
    "SubgroupEffects": "least_squares.subgroup_results",
    "Superiority": "categories.win_probability",
    "SurvivalEffect": "events.survival",
    "SyntheticControl": "series.synthetic_results",
    "TippingPoint": "imputing.tipping_results",
    "WaveImputations": "imputing.reference_based",
    "WavePatterns": "missing.wave_patterns",
    "WaveTest": "over_time.wave_results",
    "Weights": "weighting.weight_results",
    "WildBootstrap": "redrawing.wild_bootstrap",
    "WorstCaseBounds": "missing.worst_case",
    "adjust_for_confounder": "hidden_bias.omitted_variables",
    "adjust_p": "multiplicity",
    "agreement": "measuring.informants",
    "allocation_chances": "planning.allocation_counts",
    "attrition": "loss",
    "attrition_bias": "missing.attrition_bias",
    "attrition_weights": "missing.attrition_weights",
    "augmented_effect": "weighting.augmented",
    "bacon_weights": "panels.forbidden_comparisons",
    "balance": "balancing",
    "bias_factor": "hidden_bias.e_values",
    "bootstrap": "redrawing.resampling",
    "cluster_baseline_factors": "planning.planning_factors",
    "cluster_g": "sizes.clustered_sizes",
    "cluster_icc": "measuring.intraclass",
    "cohens_u3": "sizes.summary_sizes",
    "common_language_effect": "sizes.summary_sizes",
    "complier_effect": "least_squares.compliance",
    "confounder_bounds": "hidden_bias.benchmarks",
    "constrained_schemes": "planning.constrained",
    "covariate_continuity": "thresholds.discontinuity",
    "cox_index": "sizes.logit_sizes",
    "d_to_odds_ratio": "sizes.logit_sizes",
    "density_jump": "thresholds.score_density",
    "dependent_meta_analysis": "combining.dependent",
    "design_effect": "planning.planning_factors",
    "difference_in_differences": "panels.two_by_two",
    "difference_in_means": "least_squares.block_means",
    "dose_effect": "least_squares.dosage",
    "e_value": "hidden_bias.e_values",
    "egger_test": "combining.asymmetry",
    "event_rate": "events.rates",
    "event_study_regression": "panels.event_regressions",
    "fast_answers": "missing.answering",
    "glass_delta": "sizes.summary_sizes",
    "group_time_effects": "panels.group_time",
    "growth_difference": "over_time.growth",
    "hazard_ratio": "events.survival",
    "hedges_g": "sizes.effect_sizes",
    "icc": "measuring.intraclass",
    "improvement_index": "sizes.summary_sizes",
    "impute": "imputing.chained",
    "inflate_for_loss": "planning.planning_factors",
    "interim_verdict": "planning.interim",
    "interrupted_time_series": "series.interrupted",
    "joint_test": "least_squares.joint_tests",
    "kaplan_meier": "events.survival_curves",
    "lee_bounds": "missing.lee",
    "little_mcar": "missing.little",
    "log_rank_test": "events.log_rank",
    "match": "matching.matching",
    "mean_change": "sizes.changes",
    "mean_difference": "least_squares.differences",
    "meta_analysis": "combining.meta",
    "minimisation": "redrawing.reassigning",
    "missing_patterns": "missing.patterns",
    "mixed_difference": "clusters.mixed_models",
    "multisite_difference": "clusters.sites",
    "narrow_pool": "matching.narrowing",
    "odds_ratio": "categories.binary",
    "odds_ratio_to_d": "sizes.logit_sizes",
    "one_way_effects": "sizes.variance_shares",
    "ordinal_odds_ratio": "categories.ordinal",
    "oster_delta": "hidden_bias.proportional",
    "pairwise_differences": "least_squares.several_arms",
    "partially_clustered_difference": "clusters.one_arm_clusters",
    "permutation_test": "redrawing.rerandomising",
    "pool": "imputing.pooling",
    "pool_correlation": "imputing.pooling_scales",
    "pool_joint": "imputing.pooled_tests",
    "pool_likelihoods": "imputing.pooled_tests",
    "pool_proportion": "imputing.pooling_scales",
    "pool_ratio": "imputing.pooling_scales",
    "pool_statistics": "imputing.pooled_tests",
    "pooled_tables": "combining.pooled_tables",
    "power_before_after": "planning.power_periods",
    "power_binary": "planning.power_risks",
    "power_blocked": "planning.power_people",
    "power_blocked_cluster": "planning.power_clusters",
    "power_cluster": "planning.power_clusters",
    "power_did": "planning.power_periods",
    "power_individual": "planning.power_people",
    "power_stepped_wedge": "planning.power_wedge",
    "pre_post_control_g": "sizes.standardised_change",
    "probability_of_superiority": "categories.win_probability",
    "randomise": "planning.randomising",
    "rate_ratio": "events.counts",
    "reference_based": "imputing.reference_based",
    "reference_based_difference": "imputing.reference_differences",
    "regression_discontinuity": "thresholds.discontinuity",
    "regression_to_mean": "measuring.regression_to_mean",
    "reliability": "measuring.internal_consistency",
    "reliable_change": "persons.individual_change",
    "repeated_factors": "planning.planning_factors",
    "repeated_measures": "over_time.waves",
    "response_model": "missing.response",
    "restricted_mean_difference": "events.survival",
    "retest": "measuring.stability",
    "returns_needed": "missing.returns_needed",
    "risk_difference": "categories.binary",
    "risk_ratio": "categories.binary",
    "robustness_value": "hidden_bias.omitted_variables",
    "romano_wolf": "redrawing.step_down",
    "rosenbaum_bounds": "hidden_bias.pair_bounds",
    "spending_bounds": "planning.spending",
    "standardised_difference": "sizes.summary_sizes",
    "standardised_mean_change": "sizes.standardised_change",
    "stayers_and_leavers": "missing.stayers",
    "stepped_wedge_difference": "clusters.stepped_wedge",
    "straight_lining": "missing.answering",
    "subgroup_effects": "least_squares.subgroups",
    "synthetic_control": "series.synthetic",
    "tipping_delta": "imputing.tipping_curve",
    "tipping_point": "imputing.tipping",
    "tipping_surface": "imputing.tipping",
    "two_way_fixed_effects": "panels.fixed_effects",
    "wave_patterns": "missing.wave_patterns",
    "weight": "weighting.weights",
    "weighted_effect": "weighting.weighted_effects",
    "weighted_returns": "missing.weighted_returns",
    "westfall_young": "redrawing.step_down",
    "wild_cluster_bootstrap": "redrawing.wild_bootstrap",
    "within_blocks": "redrawing.reassigning",
    "worst_case_bounds": "missing.worst_case",
}

__all__ = [
    "AllocationChances",
    "AnswerFlags",
    "AttritionBias",
    "AttritionWeights",
    "BaselineGap",
    "Bootstrap",
    "ChangeSize",
    "ClusterBaselineFactors",
    "ClusterEffect",
    "ComplierEffect",
    "ConstrainedSchemes",
    "CoxIndex",
    "DesignDifference",
    "Discontinuity",
    "DoseEffect",
    "EValue",
    "EffectSize",
    "EventStudy",
    "GroupTimeEffects",
    "GrowthDifference",
    "Imputations",
    "InterimVerdict",
    "InterruptedSeries",
    "JointTest",
    "KaplanMeier",
    "LeeBounds",
    "Matched",
    "McarTest",
    "MetaAnalysis",
    "MissingPatterns",
    "MixedDifference",
    "MultisiteDifference",
    "NarrowedPool",
    "OneWayEffects",
    "OrdinalEffect",
    "OverallEffect",
    "PanelEffect",
    "PartiallyClusteredDifference",
    "PermutationTest",
    "Pooled",
    "PooledTest",
    "Power",
    "RateEffect",
    "ReferenceDifference",
    "RegressionToMean",
    "ReliableChange",
    "RepeatedFactors",
    "RepeatedMeasures",
    "ResponseModel",
    "ReturnsNeeded",
    "RiskEffect",
    "RobustnessValue",
    "SpendingBounds",
    "StatusRate",
    "StepDown",
    "SteppedWedgeDifference",
    "SubgroupEffects",
    "Superiority",
    "SurvivalEffect",
    "SyntheticControl",
    "TippingPoint",
    "WaveImputations",
    "WavePatterns",
    "WaveTest",
    "Weights",
    "WildBootstrap",
    "WorstCaseBounds",
    "adjust_for_confounder",
    "adjust_p",
    "agreement",
    "allocation_chances",
    "attrition",
    "attrition_bias",
    "attrition_weights",
    "augmented_effect",
    "bacon_weights",
    "balance",
    "bias_factor",
    "bootstrap",
    "cluster_baseline_factors",
    "cluster_g",
    "cluster_icc",
    "cohens_u3",
    "common_language_effect",
    "complier_effect",
    "confounder_bounds",
    "constrained_schemes",
    "covariate_continuity",
    "cox_index",
    "d_to_odds_ratio",
    "density_jump",
    "dependent_meta_analysis",
    "design_effect",
    "difference_in_differences",
    "difference_in_means",
    "dose_effect",
    "e_value",
    "egger_test",
    "event_rate",
    "event_study_regression",
    "fast_answers",
    "glass_delta",
    "group_time_effects",
    "growth_difference",
    "hazard_ratio",
    "hedges_g",
    "icc",
    "improvement_index",
    "impute",
    "inflate_for_loss",
    "interim_verdict",
    "interrupted_time_series",
    "joint_test",
    "kaplan_meier",
    "lee_bounds",
    "little_mcar",
    "log_rank_test",
    "match",
    "mean_change",
    "mean_difference",
    "meta_analysis",
    "minimisation",
    "missing_patterns",
    "mixed_difference",
    "multisite_difference",
    "narrow_pool",
    "odds_ratio",
    "odds_ratio_to_d",
    "one_way_effects",
    "ordinal_odds_ratio",
    "oster_delta",
    "pairwise_differences",
    "partially_clustered_difference",
    "permutation_test",
    "pool",
    "pool_correlation",
    "pool_joint",
    "pool_likelihoods",
    "pool_proportion",
    "pool_ratio",
    "pool_statistics",
    "pooled_tables",
    "power_before_after",
    "power_binary",
    "power_blocked",
    "power_blocked_cluster",
    "power_cluster",
    "power_did",
    "power_individual",
    "power_stepped_wedge",
    "pre_post_control_g",
    "probability_of_superiority",
    "randomise",
    "rate_ratio",
    "reference_based",
    "reference_based_difference",
    "regression_discontinuity",
    "regression_to_mean",
    "reliability",
    "reliable_change",
    "repeated_factors",
    "repeated_measures",
    "response_model",
    "restricted_mean_difference",
    "retest",
    "returns_needed",
    "risk_difference",
    "risk_ratio",
    "robustness_value",
    "romano_wolf",
    "rosenbaum_bounds",
    "spending_bounds",
    "standardised_difference",
    "standardised_mean_change",
    "stayers_and_leavers",
    "stepped_wedge_difference",
    "straight_lining",
    "subgroup_effects",
    "synthetic_control",
    "tipping_delta",
    "tipping_point",
    "tipping_surface",
    "two_way_fixed_effects",
    "wave_patterns",
    "weight",
    "weighted_effect",
    "weighted_returns",
    "westfall_young",
    "wild_cluster_bootstrap",
    "within_blocks",
    "worst_case_bounds",
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
