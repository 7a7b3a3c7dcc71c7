"""Made people of a declared trial: families, roles, sites, arms, days, and what the plan names."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    from evalkit.evaluation import Evaluation
    from evalkit.simulating.assumptions import Assumptions

    Codes = npt.NDArray[np.int64]
    Floats = npt.NDArray[np.float64]

FIRST_DAY = datetime.date(2024, 1, 1)
ENROLMENT = 180
"""Days over which people come in, where the plan leaves room for them."""
MOST_STEPS = 4
WORDS: dict[str, tuple[Any, ...]] = {"sex": ("female", "male")}
ADULT, SPAN = 18, 45


@dataclass(frozen=True, slots=True, eq=False)
class Layout:
    """Who is in the trial, one entry a person: codes from 0, `frame` the columns so far.

    `arm` is the position among the arms, `group` the group the person is, or would be, treated in,
    `level` the site, group or matched set that people share more than chance would; `came` the day
    they came in and `age` in years (None where no measure needs it).
    """

    frame: pd.DataFrame
    family: Codes
    role: npt.NDArray[np.object_]
    site: Codes
    arm: Codes
    group: Codes
    level: Codes | None
    came: npt.NDArray[np.datetime64]
    age: Floats | None

    def __len__(self) -> int:
        return len(self.family)


def lay_out(evaluation: Evaluation, given: Assumptions, rng: np.random.Generator) -> Layout:
    """Return the people of one made trial, given to arms as the plan says."""
    import numpy as np
    import pandas as pd

    design = evaluation.declared.design
    roles = [role for role, count in given.family_size for _ in range(count)]
    family = np.repeat(np.arange(given.n), len(roles))
    role = np.tile(np.array(roles, dtype=object), given.n)
    sets = family // 2
    site = sets % given.sites if design.match else family % given.sites
    frame = pd.DataFrame({"person": _ids("P", np.arange(len(family))), "family": _ids("F", family)})
    if len(evaluation.roles) > 1:
        frame["role"] = role
    if uses_sites(evaluation):
        frame["site"] = _ids("S", site)
    unit = _unit(evaluation, family, site, sets)
    for name, values in _columns(evaluation, given, unit, rng):
        frame[name] = values
    age = _ages(evaluation, role, rng)
    if age is not None and "age" not in frame:
        frame["age"] = age
    came, starts = _days(evaluation, site, family, rng)
    if design.wedge:
        arm = np.where(came >= starts, 0, 1)
        frame[design.wedge.starts] = _dates(starts)
    else:
        arm = _arms(evaluation, given, frame, unit, sets, family, rng)
    group = _groups(arm, given.group_size)
    level = site if uses_sites(evaluation) and design.groups is None else None
    frame = frame.assign(**_placed(evaluation, arm, group, sets))
    return Layout(frame, family, role, site, arm, group, sets if design.match else level, came, age)


def uses_sites(evaluation: Evaluation) -> bool:
    """Whether the plan rests on sites or names them."""
    design = evaluation.declared.design
    named = (*named_columns(evaluation), *design.strata)
    return design.assigned_by == "site" or evaluation.design.within_sites or "site" in named


def named_columns(evaluation: Evaluation) -> tuple[str, ...]:
    """Return the columns of the people table that the analysis plan names."""
    declared = evaluation.declared
    names = [*declared.analysis.covariates, *declared.needs.by]
    names += [subgroup.by for subgroup in declared.analysis.subgroups]
    for part in (declared.design.match, declared.design.weight):
        names += part.covariates if part else ()
    names += declared.design.match.exact if declared.design.match else ()
    return tuple(dict.fromkeys(name for name in names if name != "baseline"))


def _ids(letter: str, codes: Codes) -> npt.NDArray[np.object_]:
    import numpy as np

    width = max(4, len(str(int(codes.max()) + 1)))
    names = np.array(
        [f"{letter}{k + 1:0{width}d}" for k in range(int(codes.max()) + 1)], dtype=object
    )
    return np.asarray(names[codes], dtype=object)


def _dates(days: npt.NDArray[np.datetime64]) -> npt.NDArray[np.object_]:
    import numpy as np

    return np.datetime_as_string(days, unit="D").astype(object)


def _unit(evaluation: Evaluation, family: Codes, site: Codes, sets: Codes) -> Codes:
    """Return what chance was applied to: the person, the family or the site."""
    import numpy as np

    design = evaluation.declared.design
    if design.match:
        return sets
    return {"person": np.arange(len(family)), "family": family, "site": site}[design.assigned_by]


def _columns(
    evaluation: Evaluation, given: Assumptions, unit: Codes, rng: np.random.Generator
) -> Iterable[tuple[str, Any]]:
    """Yield the columns a plan names: values in equal shares, the same in a unit where it is drawn by.

    Without values given strata and groups of people are words, covariates are numbers. None of
    them says anything about the outcome.
    """
    import numpy as np

    declared, values = evaluation.declared, dict(given.columns)
    rule = declared.design.minimise
    shared = [*declared.design.strata, *(rule.by if rule else ())]
    shared += declared.design.match.covariates if declared.design.match else ()
    words = {*shared, *declared.needs.by, *(s.by for s in declared.analysis.subgroups)}
    names = dict.fromkeys([*shared, *named_columns(evaluation), *values])
    everyone = np.arange(len(unit))
    for name in names:
        if name in ("person", "family", "role", "site") or (name == "age" and name not in values):
            continue
        within = unit if name in shared else everyone
        known = values.get(name, WORDS.get(name, ("a", "b") if name in words else None))
        count = int(within.max()) + 1
        if known is None:
            yield name, np.round(rng.normal(50, 10, count), 1)[within]
        else:
            drawn = np.array(known, dtype=object)[rng.permutation(np.arange(count) % len(known))]
            yield name, drawn[within]
    if rule and rule.order and rule.order not in names:
        yield rule.order, everyone + 1


def _ages(
    evaluation: Evaluation, role: npt.NDArray[np.object_], rng: np.random.Generator
) -> Floats | None:
    """Return whole years within the ages of the measures of each role; None where nothing needs it."""
    import numpy as np

    limits: dict[str, list[Any]] = {}
    for target in evaluation.measured():
        ages = evaluation.measure(target.measure).ages
        if ages is not None:
            limits.setdefault(target.outcome.role, []).append(ages)
    if not limits and "age" not in named_columns(evaluation):
        return None
    age = np.zeros(len(role))
    for name in sorted(set(role)):
        mine = role == name
        known = limits.get(name, [])
        low = min((0 if a.low is None else a.low for a in known), default=ADULT)
        high = max((np.inf if a.high is None else a.high for a in known), default=np.inf)
        if np.isinf(high):
            low = max(low, ADULT)
            high = low + SPAN
        age[mine] = rng.integers(int(np.ceil(low)), int(high) + 1, int(mine.sum()))
    return age


def _days(
    evaluation: Evaluation, site: Codes, family: Codes, rng: np.random.Generator
) -> tuple[npt.NDArray[np.datetime64], npt.NDArray[np.datetime64]]:
    """Return the day each family came in and the day its site starts (the same without a rollout)."""
    import numpy as np

    declared = evaluation.declared
    waves, as_of = evaluation.waves, declared.data.as_of
    closing = int(max(wave.due.days + wave.window.days for wave in waves)) + 4
    before = as_of - datetime.timedelta(days=closing + ENROLMENT) if as_of else FIRST_DAY
    first = declared.programme.start or before
    rollout = declared.design.wedge
    count = int(site.max()) + 1
    last, starts = first, np.full(count, first, dtype="datetime64[D]")
    if rollout:
        steps = min(count, MOST_STEPS)
        edges = [
            replace(rollout.period, number=k * rollout.period.number).after(first)
            for k in range(1, steps + 2)
        ]
        order = rng.permutation(np.arange(count) % steps)
        starts, last = np.array(edges, dtype="datetime64[D]")[order], edges[-1]
    elif declared.data.flow.allocated_on:
        room = (as_of - first).days - closing if as_of else ENROLMENT
        last = first + datetime.timedelta(days=max(0, min(ENROLMENT, room)))
    span = max(1, (last - first).days)
    came = np.datetime64(first) + rng.integers(0, span, int(family.max()) + 1)
    return came[family], starts[site]


def _arms(
    evaluation: Evaluation, given: Assumptions, frame: pd.DataFrame, unit: Codes, sets: Codes,
    family: Codes, rng: np.random.Generator,
) -> Codes:  # fmt: skip
    """Give units to arms: in their ratio and by chance, within strata, pairs, or by minimisation."""
    import numpy as np

    design, names = evaluation.declared.design, evaluation.arm_names
    if len(names) == 1:
        return np.zeros(len(unit), dtype=np.int64)
    if design.match:
        return np.asarray((family % 2) ^ rng.integers(0, 2, int(sets.max()) + 1)[sets])
    if design.minimise:
        return _minimised(evaluation, given, frame, unit, rng)
    first = np.unique(unit, return_index=True)[1]
    strata = np.zeros(len(first), dtype=np.int64)
    for column in evaluation.strata:
        codes = np.unique(frame[column].to_numpy(dtype=str)[first], return_inverse=True)[1]
        strata = np.unique(strata * (codes.max() + 1) + codes, return_inverse=True)[1]
    cycle = np.repeat(np.arange(len(names)), given.ratio)
    order = np.lexsort((rng.random(len(first)), strata))
    arm = np.empty(len(first), dtype=np.int64)
    arm[order] = rng.permutation(cycle)[np.arange(len(first)) % len(cycle)]
    return arm[unit]


def _minimised(
    evaluation: Evaluation, given: Assumptions, frame: pd.DataFrame, unit: Codes,
    rng: np.random.Generator,
) -> Codes:  # fmt: skip
    import numpy as np

    from evalkit.stats import randomise

    rule = evaluation.declared.design.minimise
    assert rule is not None
    first = np.unique(unit, return_index=True)[1]
    units = frame.iloc[first][list(rule.by)].reset_index(drop=True)
    found = randomise(
        units, arms=tuple(range(len(given.ratio))), ratio=given.ratio, strata=rule.by,
        method="minimise", probability=rule.probability, seed=int(rng.integers(2**31)),
    )  # fmt: skip
    return np.asarray(found["arm"].to_numpy(dtype=np.int64)[unit])


def _groups(arm: Codes, size: int) -> Codes:
    """Return the group each person is treated in, filled in order of the list within arms."""
    import numpy as np

    group = np.zeros(len(arm), dtype=np.int64)
    start = 0
    for name in np.unique(arm):
        mine = np.flatnonzero(arm == name)
        count = max(1, round(len(mine) / size))
        group[mine] = start + np.arange(len(mine)) * count // len(mine)
        start += count
    return group


def _placed(evaluation: Evaluation, arm: Codes, group: Codes, sets: Codes) -> dict[str, Any]:
    """Return the columns of arm, group and matched set."""
    import numpy as np

    design, found = evaluation.declared.design, {}
    if design.arm:
        found[design.arm.column] = np.array(evaluation.arm_names, dtype=object)[arm]
    if design.groups:
        offered = arm < len(evaluation.programmes)
        found[design.groups] = np.where(offered, _ids("G", group), "")
    if design.match and design.match.sets:
        found[design.match.sets] = _ids("M", sets)
    return found
