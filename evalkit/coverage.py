"""Who is measured and who is not, by role and wave; and the needs people bring at the start."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evalkit.areas.described import series_notes
from evalkit.days import is_due
from evalkit.disclosure import Rules
from evalkit.people import taking_part
from evalkit.people_oddities import oddities
from evalkit.results import Record

if TYPE_CHECKING:
    import pandas as pd

    from evalkit.study import Study
    from evalkit.targets import Target


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage(Record):
    """People of a role at a wave: measured + not measured + not due + not asked = people.

    `informant` is "any", or the one whose answers are counted; `own_voice` says whether it is the
    person's own report. Each number of people stands beside the families they come from.
    """

    role: str
    wave: str
    informant: str
    own_voice: bool
    n_people: int
    n_measured: int
    n_not_measured: int
    n_not_due: int
    n_not_asked: int
    families_people: int
    families_measured: int
    families_not_measured: int
    families_not_due: int
    families_not_asked: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile(Record):
    """Scores at the first wave for one group of people: the benchmark for later waves.

    `families` are those behind the people scored.
    """

    by: str
    group: str
    role: str
    measure: str
    scale: str
    informant: str
    n_people: int
    n_scored: int
    n_missing: int
    families: int
    families_people: int
    families_missing: int
    mean: float | None
    sd: float | None


def coverage(study: Study) -> tuple[Coverage, ...]:
    """Count for each role and wave who is measured, who is not, who was not due or not asked."""
    people = taking_part(study.intake.people)
    rows: list[Coverage] = []
    for role in study.evaluation.roles:
        mine = people[people["role"] == role.id]
        for wave in study.evaluation.waves:
            due = pd_series(is_due(study.evaluation, mine, wave), mine)
            rows += _role_at_wave(study, role.id, wave.id, mine, due)
    return tuple(rows)


def pd_series(values: object, like: pd.DataFrame) -> pd.Series[bool]:
    """Return values as a series along the rows of a frame."""
    import pandas as pd

    return pd.Series(values, index=like.index, dtype=bool)


def _asked(study: Study, role: str, wave: str) -> dict[str, set[tuple[str, str]]]:
    """Return (measure, scale) pairs asked of a role at a wave, by informant."""
    first = study.evaluation.waves[0].id
    asked: dict[str, set[tuple[str, str]]] = {}
    for target in study.evaluation.measured():
        if target.outcome.role == role and wave in (first, target.wave):
            asked.setdefault(target.informant, set()).add((target.measure, target.scale))
    return asked


def _role_at_wave(
    study: Study, role: str, wave: str, people: pd.DataFrame, due: pd.Series[bool]
) -> Iterable[Coverage]:
    asked = _asked(study, role, wave)
    kinds: dict[str, list[str]] = {"any": list(asked)}
    kinds |= {informant: [informant] for informant in asked} if len(asked) > 1 else {}
    for label, informants in kinds.items():
        pairs = {pair for informant in informants for pair in asked[informant]}
        measured = people["person"].isin(_measured(study, wave, informants, pairs))
        meant = measured | _in_ages(study, people, pairs)
        own = (label == "self") or (label == "any" and informants == ["self"])
        parts = {
            "people": measured | ~measured,
            "measured": measured,
            "not_measured": ~measured & meant & due,
            "not_due": ~measured & meant & ~due,
            "not_asked": ~meant,
        }
        counts = {f"n_{name}": int(who.sum()) for name, who in parts.items()}
        families = {
            f"families_{name}": int(people.loc[who, "family"].nunique())
            for name, who in parts.items()
        }
        yield Coverage(role=role, wave=wave, informant=label, own_voice=own, **counts, **families)


def _measured(
    study: Study, wave: str, informants: list[str], pairs: set[tuple[str, str]]
) -> set[str]:
    scores = study.intake.scores
    here = scores[
        (scores["wave"] == wave) & scores["informant"].isin(informants) & scores["score"].notna()
    ]
    found: set[str] = set()
    for measure, scale in pairs:
        mine = (here["measure"] == measure) & (here["scale"] == scale)
        found.update(here.loc[mine, "person"].to_numpy(dtype=object))
    return found


def _in_ages(study: Study, people: pd.DataFrame, pairs: set[tuple[str, str]]) -> pd.Series[bool]:
    """Whether at least one of the measures asked is meant for each person's age."""
    import numpy as np

    meant = np.zeros(len(people), dtype=bool)
    for measure, _ in pairs:
        ages = study.evaluation.measure(measure).ages
        if ages is None or "age" not in people:
            return pd_series(np.ones(len(people), dtype=bool), people)
        age = people["age"].astype(float).to_numpy()
        low = -np.inf if ages.low is None else ages.low
        high = np.inf if ages.high is None else ages.high + 1
        meant |= np.isnan(age) | ((age >= low) & (age < high))
    return pd_series(meant, people)


def profile(study: Study) -> tuple[Profile, ...]:
    """Describe the first wave by role and each declared group, missing answers counted."""
    people = taking_part(study.intake.people)
    rows: list[Profile] = []
    for target in _first_wave_targets(study):
        outcome, informant = target.outcome, target.informant
        mine = people[people["role"] == outcome.role]
        first = study.intake.scores
        first = first[
            (first["wave"] == study.evaluation.waves[0].id)
            & (first["measure"] == target.measure) & (first["scale"] == target.scale)
            & (first["informant"] == informant)
        ]  # fmt: skip
        score = mine["person"].map(first.groupby("person")["score"].mean()).astype(float)
        for by in study.evaluation.declared.needs.by:
            groups = mine[by].map(_label) if by in mine else mine["role"]
            for group, index in groups.groupby(groups, sort=True).groups.items():
                rows.append(_profile(target, by, str(group), mine.loc[index], score.loc[index]))
    return tuple(rows)


def _first_wave_targets(study: Study) -> list[Target]:
    seen: dict[tuple[str, str, str, str], Target] = {}
    for target in study.evaluation.measured():
        seen.setdefault(
            (target.outcome.role, target.measure, target.scale, target.informant), target
        )
    return list(seen.values())


def _label(value: object) -> str:
    if value is None or value != value:
        return "not recorded"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _profile(
    target: Target, by: str, group: str, people: pd.DataFrame, score: pd.Series[float]
) -> Profile:
    scored = score.dropna()
    return Profile(
        by=by, group=group, role=target.outcome.role, measure=target.measure, scale=target.scale,
        informant=target.informant, n_people=len(people), n_scored=len(scored),
        n_missing=len(people) - len(scored),
        families=int(people.loc[scored.index, "family"].nunique()),
        families_people=int(people["family"].nunique()),
        families_missing=int(people.loc[score.isna(), "family"].nunique()),
        mean=float(scored.mean()) if len(scored) else None,
        sd=float(scored.std(ddof=1)) if len(scored) > 1 else None,
    )  # fmt: skip


def notes(study: Study) -> tuple[str, ...]:
    """Return what should be known of the data before a result is read."""
    found = [*_several(study), *_outside(study), *_no_events(study), *_no_source(study)]
    found += [*_no_first_scores(study), *_mixed_families(study), *_flags_unseen(study)]
    found += series_notes(study)
    return (*found, *oddities(study.evaluation, study.intake.people))


def _flags_unseen(study: Study) -> list[str]:
    """Finished scores hide the answers that must reach a person."""
    return [
        f"only finished scores of {name} are given: an answer in it that must reach a person cannot "
        "be seen here"
        for name in dict.fromkeys(
            source.measure for source in study.evaluation.declared.data.scores
        )
        if any(x.kind == "safeguarding" and x.items for x in study.evaluation.measure(name).flags)
    ]


def _mixed_families(study: Study) -> list[str]:
    """A family with people in both arms belongs to neither when families are counted."""
    people = taking_part(study.intake.people)
    mixed = (people.groupby("family")["treated"].nunique() > 1).any()
    return [
        f"some families have people in both arms, and are left out of {item.id}"
        for item in study.evaluation.declared.counted
        if mixed and item.unit == "family"
    ]


def _no_first_scores(study: Study) -> list[str]:
    """A result that cannot allow for where people started should be known before it is read."""
    found: dict[str, None] = {}
    for target, followed in study.everyone:
        if len(followed) and followed["baseline"].isna().all():
            found[
                f"nobody has a first score of {target.measure} from {target.informant}, so nothing "
                "can allow for where people started"
            ] = None
    return list(found)


def _no_source(study: Study) -> list[str]:
    """An outcome that no file can show is not lost: it was never collected."""
    scores = study.intake.scores
    found = []
    for target in study.evaluation.measured():
        mine = (scores["measure"] == target.measure) & (scores["informant"] == target.informant)
        if not (mine & (scores["wave"] == target.wave)).any():
            found.append(
                f"no file holds {target.measure} at {target.wave} from {target.informant}, so nothing "
                f"can be said of {target.outcome.id} there"
            )
    return found


def _no_events(study: Study) -> list[str]:
    """A kind that no event has may be a slip of the pen, and gives a rate of zero."""
    kinds = set(study.intake.events["kind"])
    return [
        f"no event is of the kind '{item.kind}', so {item.id} is zero throughout"
        for item in study.evaluation.declared.counted
        if item.kind not in kinds
    ]


def _several(study: Study) -> list[str]:
    """Several answers about one person from one kind of informant are averaged, and said."""
    scores = study.intake.scores
    scored = scores[scores["score"].notna()]
    found = []
    used = {(t.measure, t.scale, t.informant): t for t in study.evaluation.measured()}
    for measure, scale, informant in used:
        mine = scored[
            (scored["measure"] == measure) & (scored["scale"] == scale)
            & (scored["informant"] == informant)
        ]  # fmt: skip
        for wave in study.evaluation.waves:
            counts = mine.loc[mine["wave"] == wave.id, "person"].value_counts()
            people = counts.index[counts > 1]
            if len(people):
                found.append(
                    f"{_about(study, list(people))} have several answers of {measure} from "
                    f"{informant} at {wave.id}; their mean is used"
                )
    return list(dict.fromkeys(found))


def _about(study: Study, persons: list[str]) -> str:
    """Say how many people as the disclosure rules allow, for notes are shown on shareable pages."""
    declared = study.evaluation.declared.disclosure
    rules = Rules(declared.profile == "open", declared.threshold, declared.round_to)
    families = int(study.intake.people.loc[persons, "family"].nunique())
    count = rules.count(len(persons), families)
    return "a few people" if count.hidden else f"{count} people"


def _outside(study: Study) -> list[str]:
    """Answers from people outside a measure's ages are kept, and said."""
    people = study.intake.people
    if "age" not in people:
        return []
    found = []
    for measure_id in study.intake.scores["measure"].unique():
        ages = study.evaluation.measure(measure_id).ages
        scores = study.intake.scores
        persons = scores.loc[
            (scores["measure"] == measure_id) & scores["score"].notna(), "person"
        ].unique()
        age = people.loc[persons, "age"].astype(float)
        low = float("-inf") if ages is None or ages.low is None else ages.low
        high = float("inf") if ages is None or ages.high is None else ages.high + 1
        outside = list(age.index[(age < low) | (age >= high)])
        if outside:
            found.append(
                f"{_about(study, outside)} answered {measure_id} outside its ages ({ages})"
            )
    return found
