"""How units are allocated: the rule, the units it is used on, and what it gives them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidInput
from evalkit.results import Record

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.stats.planning.constrained import ConstrainedSchemes

METHODS = ("blocks", "simple", "minimise", "constrained")
ARMS = ("treatment", "comparison")
PROBABILITY, BEST = 0.8, 0.1
OWN = ("arm", "place", "date")
"""The columns that an allocation list adds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule(Record):
    """How allocation is done: the options of `evalkit.stats.randomise`, or `constrained_schemes`.

    `block` are the sizes chosen from, rising; `probability` is of "minimise", `covariates` and
    `best` are of "constrained". What a method does not use is None or empty.
    """

    unit: str
    arms: tuple[str, ...]
    ratio: tuple[int, ...]
    method: str
    strata: tuple[str, ...] = ()
    cluster: str | None = None
    covariates: tuple[str, ...] = ()
    block: tuple[int, ...] | None = None
    probability: float | None = None
    best: float | None = None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns whose values decide: strata, or covariates."""
        return (*self.strata, *self.covariates)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """A unit to allocate: its id, its cluster ("" without) and its values of the rule's columns."""

    unit: str
    cluster: str
    values: tuple[str, ...]


def make_rule(
    *,
    unit: str = "unit",
    arms: Sequence[str] = ARMS,
    ratio: Sequence[int] | None = None,
    method: str = "blocks",
    strata: Sequence[str] = (),
    cluster: str | None = None,
    covariates: Sequence[str] = (),
    block: Sequence[int] | None = None,
    probability: float | None = None,
    best: float | None = None,
) -> Rule:
    """Return a rule with everything that is left out written down; raises InvalidInput.

    Defaults are those of `evalkit.stats.randomise` and `constrained_schemes`.
    """
    from evalkit.stats.planning.minimising import check_arms_and_ratio, check_rule
    from evalkit.stats.planning.power_solving import share
    from evalkit.stats.planning.randomising import block_sizes
    from evalkit.stats.shared.columns import check_roles, choice

    choice(method, METHODS, argument="method")
    if any(not str(arm).strip() for arm in arms):
        raise InvalidInput("An arm has no name. Allowed: two or more names.")
    names, shares = check_arms_and_ratio(arms, ratio)
    check_roles(unit=unit, strata=strata, cluster=cluster, covariates=covariates)
    taken = [name for name in (unit, *strata, cluster, *covariates) if name in OWN]
    if taken:
        raise InvalidInput(f"Column '{taken[0]}' is one that the list adds. Rename yours.")
    _refuse_what_does_not_fit(method, strata, covariates, block, probability, best, len(names))
    if method == "minimise":
        probability = PROBABILITY if probability is None else probability
        check_rule(probability, "range", None, len(strata))
    if method == "constrained":
        best = share(BEST if best is None else best, "best", one=True)
    sizes = tuple(block_sizes(block, shares, method)) if method == "blocks" else None
    return Rule(
        unit=unit, arms=names, ratio=shares, method=method, strata=tuple(strata), cluster=cluster,
        covariates=tuple(covariates), block=sizes, probability=probability, best=best,
    )  # fmt: skip


def _refuse_what_does_not_fit(
    method: str, strata: Any, covariates: Any, block: Any, probability: Any, best: Any, arms: int
) -> None:
    given = {"block": block, "probability": probability, "covariates": covariates or None,
             "best": best, "strata": strata or None}  # fmt: skip
    fits = {"blocks": ("block", "strata"), "simple": ("strata",),
            "minimise": ("probability", "strata"), "constrained": ("covariates", "best")}  # fmt: skip
    odd = [name for name, value in given.items() if value is not None and name not in fits[method]]
    if odd:
        raise InvalidInput(
            f"{odd[0]} does not go with method {method}. "
            f"Allowed with it: {', '.join(fits[method])}."
        )
    if method == "minimise" and not strata:
        raise InvalidInput("Method minimise needs strata: the factors that it keeps alike.")
    if method == "constrained" and not covariates:
        raise InvalidInput("Method constrained needs covariates: the columns that it balances.")
    if method == "constrained" and arms != 2:
        raise InvalidInput(f"Method constrained has {arms} arms. Allowed: two.")


def rule_of(record: Mapping[str, Any]) -> Rule:
    """Return the rule that a record read from JSON holds; raises TypeError for another shape."""
    read: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in record.items()}
    return Rule(**read)


def arms_of(rule: Rule, units: Sequence[Enrolled], seed: str) -> list[str]:
    """Return the arm of each unit, in order of enrolment, as the seed and the rule decide."""
    if rule.method == "constrained":
        return _constrained(rule, units, seed)
    from evalkit.stats import randomise

    placed = randomise(
        frame_of(rule, units), arms=rule.arms, ratio=rule.ratio, strata=rule.strata,
        cluster=rule.cluster, method=rule.method, block=rule.block, seed=seed,
        probability=PROBABILITY if rule.probability is None else rule.probability,
    )  # fmt: skip
    return [str(arm) for arm in placed["arm"].tolist()]


def _constrained(rule: Rule, units: Sequence[Enrolled], seed: str) -> list[str]:
    found = scheme_of(rule, units, seed).arms()
    labels = [item.cluster or item.unit for item in units]
    return [rule.arms[0] if found[label] else rule.arms[1] for label in labels]


def scheme_of(rule: Rule, units: Sequence[Enrolled], seed: str) -> ConstrainedSchemes:
    """Return the schemes a constrained rule draws from, clusters in order of appearance.

    The first arm gets as many clusters as the ratio says, rounded down.
    """
    from evalkit.stats import constrained_schemes

    whole = frame_of(rule, units)
    name = rule.cluster or rule.unit
    whole[name] = [item.cluster or item.unit for item in units]
    sites = whole.drop_duplicates(name).astype(dict.fromkeys(rule.covariates, float))
    treated = max(len(sites) * rule.ratio[0] // sum(rule.ratio), 1)
    return constrained_schemes(
        sites, cluster=name, covariates=rule.covariates, treated=treated,
        best=BEST if rule.best is None else rule.best, seed=seed,
    )  # fmt: skip


def frame_of(rule: Rule, units: Sequence[Enrolled]) -> pd.DataFrame:
    """Return the columns that allocation reads, as text."""
    import pandas as pd

    columns: dict[str, list[str]] = {
        name: [item.values[place] for item in units] for place, name in enumerate(rule.columns)
    }
    if rule.cluster is not None:
        columns[rule.cluster] = [item.cluster for item in units]
    return pd.DataFrame(columns, index=range(len(units)), dtype=object)


def words(rule: Rule) -> str:
    """Say the rule in a sentence."""
    ratio = ":".join(map(str, rule.ratio))
    what = {
        "blocks": f"permuted blocks of {' or '.join(map(str, rule.block or ()))}",
        "simple": "each by itself",
        "minimise": f"minimisation over {', '.join(rule.strata)}, probability {rule.probability}",
        "constrained": f"drawn from the {rule.best} of schemes best balanced on "
        f"{', '.join(rule.covariates)}",
    }[rule.method]
    within = f", within {' and '.join(rule.strata)}" if rule.strata else ""
    within = "" if rule.method == "minimise" else within
    whole = f", each {rule.cluster} whole" if rule.cluster else ""
    return f"{', '.join(rule.arms)} at {ratio}: {what}{within}{whole}"
