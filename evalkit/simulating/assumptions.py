"""What a simulated trial takes for granted: sizes, effects, likeness, loss; checked, with defaults."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from evalkit.errors import InvalidInput, nearest
from evalkit.results import Record

if TYPE_CHECKING:
    from evalkit.evaluation import Evaluation

BY_NEED = 0.5
"""Log odds of being lost for one SD more need, unless told: worse off people are lost more often."""
MOST_SITES = 20
MOST_FAMILIES = 1_000_000
LOSS = ("share", "by_need", "by_arm")


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumptions(Record):
    """What is taken for granted; everything is of the people simulated, before anybody is lost.

    `n` counts families (people, where each family has one). `effects` holds (programme, outcome,
    SDs, positive is better); `family_size` (role, people of it in a family). `share` is lost after
    the first wave, at every later one; `by_need` is the log odds of being lost for one SD more
    need, `by_arm` the share lost in the programme minus that in the comparison. `icc` is the share
    of the variance between sites (groups, matched sets), `icc_family` between families within them,
    `stability` the correlation of two waves and `between_outcomes` that of two outcomes of a person.
    `uptake` is the share of those offered the programme who take it up: the effect is that of the
    offer, and all of it is theirs. `rate` is events a unit and year, `rate_ratio` what the
    programme multiplies them by. `columns` holds the values of columns of the people table, `points`
    the mean and SD of measures whose finished scores are taken in.
    """

    n: int
    effects: tuple[tuple[str, str, float], ...]
    share: float
    by_need: float
    by_arm: float
    family_size: tuple[tuple[str, int], ...]
    sites: int
    group_size: int
    icc: float
    icc_family: float
    stability: float
    between_outcomes: float
    uptake: float
    ratio: tuple[int, ...]
    rate: float
    rate_ratio: float
    columns: tuple[tuple[str, tuple[Any, ...]], ...]
    points: tuple[tuple[str, tuple[float, float]], ...]

    def effect(self, programme: str, outcome: str) -> float:
        """Return the effect of a programme on an outcome, in SDs; 0 where none was given."""
        for name, other, value in self.effects:
            if (name, other) == (programme, outcome):
                return value
        return 0.0


def assume(
    evaluation: Evaluation, *, n: Any, effect: Any = 0.3, attrition: Any = 0.2,
    family_size: Any = 1, sites: Any = None, group_size: int = 8, icc: float = 0.05,
    icc_family: float = 0.2, stability: float = 0.6, between_outcomes: float = 0.5,
    uptake: float = 1.0, ratio: Sequence[int] | None = None, rate: float = 1.0,
    rate_ratio: float = 1.0, columns: Mapping[str, Sequence[Any]] | None = None,
    points: Mapping[str, Sequence[float]] | None = None,
) -> Assumptions:  # fmt: skip
    """Check what a simulation is to take for granted; raises InvalidInput with every problem."""
    problems: list[str] = []
    arms = evaluation.arm_names
    check = _Checks(problems)
    people = check.whole(n, "n", least=max(2, len(arms)), why="families, in every arm at least one")
    if people > MOST_FAMILIES:
        problems.append(f"n={n!r}. Allowed: at most {MOST_FAMILIES:,} families.")
    places = min(MOST_SITES, max(2, people // 2)) if sites is None else sites
    places = check.whole(places, "sites", least=2, why="one site cannot be compared with another")
    if sites is not None and places > people:
        problems.append(
            f"sites={places} with n={people}: a site needs a family. Allowed: n or fewer."
        )
    effects = _effects(evaluation, effect, problems)
    share, by_need, by_arm = _loss(attrition, check)
    values = {"icc": icc, "icc_family": icc_family, "stability": stability,
              "between_outcomes": between_outcomes}  # fmt: skip
    likeness = {name: check.share(value, name) for name, value in values.items()}
    if likeness["icc"] + likeness["icc_family"] > 1:
        problems.append(
            "icc and icc_family add up to more than 1: they are shares of one variance."
        )
    made = Assumptions(
        n=people, effects=effects, share=share, by_need=by_need, by_arm=by_arm,
        family_size=_family(evaluation, family_size, check), sites=places,
        group_size=check.whole(group_size, "group_size", least=1), **likeness,
        uptake=check.number(uptake, "uptake", low=0.01, high=1.0),
        ratio=_ratio(ratio, arms, check), rate=check.number(rate, "rate", low=0.0),
        rate_ratio=check.number(rate_ratio, "rate_ratio", low=1e-6),
        columns=_columns(columns or {}, problems), points=_points(points or {}, check),
    )  # fmt: skip
    if problems:
        raise InvalidInput("\n".join(problems))
    return made


def known(options: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the options of a simulation, refusing a name that is none, with the nearest."""
    from inspect import signature

    allowed = [name for name in signature(assume).parameters if name != "evaluation"]
    for name in options:
        if name not in allowed:
            near = nearest(name, allowed)
            raise InvalidInput(f"No option '{name}'. Allowed: {', '.join(allowed)}. {near}".strip())
    return options


class _Checks:
    """Numbers held to their limits; what is wrong is gathered, and a stand-in returned."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems

    def whole(self, value: Any, name: str, *, least: int, why: str = "") -> int:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if good and math.isfinite(value) and value == int(value) and value >= least:
            return int(value)
        more = f" ({why})" if why else ""
        self.problems.append(f"{name}={value!r}. Allowed: a whole number, {least} or more{more}.")
        return least

    def number(
        self, value: Any, name: str, *, low: float = -math.inf, high: float = math.inf
    ) -> float:
        good = isinstance(value, int | float) and not isinstance(value, bool)
        if good and math.isfinite(value) and low <= value <= high:
            return float(value)
        span = f" from {low:g}" if math.isfinite(low) else ""
        span += f" to {high:g}" if math.isfinite(high) else ""
        self.problems.append(f"{name}={value!r}. Allowed: a number{span}.")
        return 1.0 if low > 0 else 0.0

    def share(self, value: Any, name: str, *, high: float = 1.0) -> float:
        return self.number(value, name, low=0.0, high=high)


def _effects(
    evaluation: Evaluation, effect: Any, problems: list[str]
) -> tuple[tuple[str, str, float], ...]:
    outcomes = list(dict.fromkeys(target.outcome.id for target in evaluation.measured()))
    programmes = list(evaluation.programmes)
    given = effect if isinstance(effect, Mapping) else dict.fromkeys(programmes, effect)
    check = _Checks(problems)
    values = {str(key): check.number(value, "effect") for key, value in given.items()}
    for key in values:
        if key not in [*outcomes, *programmes]:
            known = ", ".join([*outcomes, *programmes])
            near = nearest(key, [*outcomes, *programmes])
            problems.append(
                f"effect names '{key}', which is neither an outcome with a measure nor a programme. "
                f"Allowed: {known}. {near}".strip()
            )
    return tuple(
        (programme, outcome, values.get(outcome, values.get(programme, 0.0)))
        for programme in programmes
        for outcome in outcomes
    )


def _loss(attrition: Any, check: _Checks) -> tuple[float, float, float]:
    given = dict(attrition) if isinstance(attrition, Mapping) else {"share": attrition}
    for key in given:
        if key not in LOSS:
            check.problems.append(
                f"attrition names '{key}'. Allowed: {', '.join(LOSS)}. {nearest(key, LOSS)}".strip()
            )
    share = check.share(given.get("share", 0.0), "attrition", high=0.95)
    by_need = check.number(given.get("by_need", BY_NEED), "attrition by_need", low=-5, high=5)
    room = 2 * min(share, 0.99 - share)
    by_arm = check.number(given.get("by_arm", 0.0), "attrition by_arm", low=-room, high=room)
    return share, by_need, by_arm


def _family(evaluation: Evaluation, size: Any, check: _Checks) -> tuple[tuple[str, int], ...]:
    roles = [role.id for role in evaluation.roles]
    given = size if isinstance(size, Mapping) else dict.fromkeys(roles, size)
    for key in given:
        if key not in roles:
            check.problems.append(
                f"family_size names '{key}'. Allowed: {', '.join(roles)}. {nearest(str(key), roles)}".strip()
            )
    return tuple((role, check.whole(given.get(role, 1), "family_size", least=1)) for role in roles)


def _ratio(ratio: Sequence[int] | None, arms: tuple[str, ...], check: _Checks) -> tuple[int, ...]:
    if ratio is None:
        return (1,) * len(arms)
    parts = tuple(ratio)
    if len(parts) != len(arms):
        check.problems.append(
            f"ratio has {len(parts)} parts. Allowed: one for each arm ({', '.join(arms)})."
        )
    return tuple(check.whole(part, "ratio", least=1) for part in parts)


def _columns(
    columns: Mapping[str, Sequence[Any]], problems: list[str]
) -> tuple[tuple[str, tuple[Any, ...]], ...]:
    for name, values in columns.items():
        if isinstance(values, str) or not isinstance(values, Sequence) or len(values) < 1:
            problems.append(f"columns: '{name}' needs a list of values, such as ['a', 'b'].")
    return tuple((name, tuple(values)) for name, values in columns.items())


def _points(
    points: Mapping[str, Sequence[float]], check: _Checks
) -> tuple[tuple[str, tuple[float, float]], ...]:
    found = []
    for name, pair in points.items():
        if isinstance(pair, str) or not isinstance(pair, Sequence) or len(pair) != 2:
            check.problems.append(f"points: '{name}' needs a mean and an SD, such as [22, 9].")
            continue
        mean, sd = (check.number(value, f"points of {name}") for value in pair)
        if sd <= 0:
            check.problems.append(f"points: the SD of '{name}' must be more than 0.")
        found.append((name, (mean, sd)))
    return tuple(found)
