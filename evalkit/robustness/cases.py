"""One result put to the question: what it rests on, how it reads, and the same study planned otherwise."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING, Any

from evalkit import units
from evalkit.claims import read
from evalkit.errors import CannotEstimate, InvalidInput, NotConverged
from evalkit.estimators import Estimator, estimate_target
from evalkit.sampling import Sample, analysis_sample, row_weights

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.declared_bias import HiddenBiasPart
    from evalkit.results import Estimate
    from evalkit.sensitivity.imputed import ImputedEstimate
    from evalkit.stats.hidden_bias.confounding import Shaken, Ties
    from evalkit.study import Study
    from evalkit.targets import Target

REFUSALS = (CannotEstimate, InvalidInput, NotConverged)
WEIGHT = "weight of the row"


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """One result: its trail and estimate, the estimators known, what is declared, its imputations.

    `clear` says whether the result itself shows a difference; only then is there anything that a
    hidden factor could overturn. `imputed` is None where nothing was imputed for it.
    """

    study: Study
    target: Target
    followed: pd.DataFrame
    main: Estimate
    known: dict[str, Estimator]
    plan: HiddenBiasPart
    imputed: ImputedEstimate | None
    sample: Sample

    @property
    def clear(self) -> bool:
        """Whether the result is a clear difference."""
        return self.reads(self.main) == "clear"

    @property
    def better(self) -> bool:
        """Whether the estimate is for the better."""
        value = units.centred(self.main, self.main.estimate or 0.0)
        return (value > 0) == self.study.evaluation.higher_is_better(self.target)

    @property
    def estimator(self) -> Estimator:
        """The estimator of the plan."""
        return self.known[self.study.evaluation.estimator(self.target)]

    def reads(self, found: Estimate) -> str:
        """Return how an estimate reads, as findings are read."""
        higher = self.study.evaluation.higher_is_better(self.target)
        return read(found, higher_is_better=higher, worthwhile=None).verdict

    def again(
        self, *, followed: pd.DataFrame | None = None, covariates: Iterable[str] | None = None,
        estimator: Estimator | None = None,
    ) -> Estimate:  # fmt: skip
        """Estimate the same result from other rows, covariates or estimator; may raise a refusal."""
        study = self.study if covariates is None else adjusting(self.study, tuple(covariates))
        rows = self.followed if followed is None else followed
        found = estimate_target(study, self.target, rows, estimator or self.estimator)
        if found.estimate is None:
            raise CannotEstimate(found.notes[0] if found.notes else "Nothing could be estimated")
        return found

    def overturned(self, found: Estimate) -> bool | None:
        """Whether an estimate does not show the difference that the result shows."""
        if not self.clear or found.conf_low is None or found.conf_high is None:
            return None
        low, high = (units.centred(found, end) for end in (found.conf_low, found.conf_high))
        up = units.centred(self.main, self.main.estimate or 0.0) > 0
        return not (low > 0 if up else high < 0)

    def model(self, covariates: Iterable[str] | None = None) -> Ties:
        """Return the linear model of the result: its spread, and what covariates are in it.

        Columns that stand for values that are missing are part of the model.
        """
        from evalkit.stats.hidden_bias.confounding import ties

        names = self.sample.columns if covariates is None else tuple(covariates)
        return ties(
            self.framed(), outcome="score", treatment="treated", covariates=names,
            strata=self.sample.strata, weights=WEIGHT,
        )  # fmt: skip

    def framed(self) -> pd.DataFrame:
        """Return the rows analysed with the weight of each: 1 where nothing is weighted."""
        frame = self.sample.frame.copy()
        weights = row_weights(self.study, frame)
        frame[WEIGHT] = 1.0 if weights is None else weights
        return frame[frame[WEIGHT] > 0]

    def shaken(self, model: Ties) -> Shaken:
        """Return the result with what a hidden factor needs to bias it; refuses without interval."""
        from evalkit.stats.hidden_bias.confounding import Shaken

        e = self.main
        if e.estimate is None or e.conf_low is None or e.conf_high is None:
            raise CannotEstimate("The result has no interval")
        inner = e.conf_low if e.estimate > 0 else e.conf_high
        return Shaken(e.estimate, abs(e.estimate - inner), model.spread, model.df)


def case_of(
    study: Study, target: Target, followed: pd.DataFrame, main: Estimate,
    known: dict[str, Estimator], imputed: ImputedEstimate | None,
) -> Case:  # fmt: skip
    """Return one result put to the question."""
    from evalkit.robustness.asked import declared

    sample = analysis_sample(study, target, followed)
    return Case(study, target, followed, main, known, declared(study), imputed, sample)


def adjusting(study: Study, covariates: tuple[str, ...]) -> Study:
    """Return the study as if its plan adjusted for these covariates."""
    evaluation = study.evaluation
    analysis = evaluation.declared.analysis.model_copy(update={"covariates": covariates})
    declared = evaluation.declared.model_copy(update={"analysis": analysis})
    return replace(study, evaluation=replace(evaluation, declared=declared))


def named(covariate: str) -> str:
    """Return a covariate in words."""
    return "the first score" if covariate == "baseline" else covariate.replace("_", " ")


@cache
def quantile(level: float, df: float | None) -> float:
    """Return how many standard errors half an interval is wide."""
    from scipy.stats import norm, t

    share = 0.5 + level / 2
    return float(norm.ppf(share) if df is None else t.ppf(share, df))


def interval_of(found: Estimate) -> dict[str, Any]:
    """Return the fields that a part takes from an estimate."""
    return {
        "estimate": found.estimate, "conf_low": found.conf_low, "conf_high": found.conf_high,
        "n_used": (found.n_treatment or 0) + (found.n_comparison or 0),
    }  # fmt: skip
