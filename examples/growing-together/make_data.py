"""Make the SYNTHETIC data of the "Growing Together (synthetic example)" evaluation.

No family in these tables exists. Every table is drawn from the model below, so that the effect of
the programme on each scored outcome is known (`TRUTH`) and an analysis can be held against it.

How a table is made
-------------------
1. Programme families, and twice as many comparison families from the same four places, of whom
   more have a low tier of need and live where there is less deprivation. Who of them is like a programme family is
   for the analysis to find. At the same tier the comparison families still have somewhat less need
   (`Outcome.gap`).
2. Baseline answers come from a latent trait and are scored.
3. Follow-up traits depend, in straight lines, on that *observed* baseline score and on the
   covariates, and on family and personal effects that have nothing to do with arm or dropout.
   Adjusting for baseline, age, need tier and past call-outs therefore removes the difference
   between the arms.
4. Everyone in a programme family, whether or not they came to sessions, has the outcome's constant
   latent effect added. The truth is the mean of score(programme) - score(no programme) in them.
5. People are lost according to observed baseline scores, need tier and, slightly, arm; whole
   families are often lost together.

Run `python make_data.py --seed 20240401 --out .` to write the files again.
"""

from __future__ import annotations

import argparse
import datetime
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

SEED = 20240401
DRAW = 9  # with SEED, the first draw balanced enough after losses (see README.md)
LABEL = "SYNTHETIC: no person or family in these files exists"
AS_OF = datetime.date(2025, 7, 14)
FIRST_ALLOCATION = datetime.date(2024, 4, 2)
ALLOCATION_DAYS = 268
WAVES = ("baseline", "end", "6-months")
DUE = {"baseline": 0, "end": 70, "6-months": 182}
WINDOW = {"baseline": 0, "end": 21, "6-months": 42}
SITES = np.array(["Northfield", "Eastbrook", "Southmere", "Weston"], dtype=object)
TYPOLOGIES = np.array(
    ["situational violence", "coercive control", "mixed or unclear"], dtype=object
)
LEFT_REASONS = np.array(
    ["moved away", "no longer wanted to take part", "unsafe to contact", "case closed early"],
    dtype=object,
)
PROGRAMME_SHARE = 1 / 3  # two comparison families for each programme family
TIERS = {"programme": [0.10, 0.30, 0.38, 0.22], "comparison": [0.24, 0.36, 0.28, 0.12]}
PLACES = {"programme": [0.34, 0.28, 0.22, 0.16], "comparison": [0.28, 0.26, 0.25, 0.21]}
POOR = {"programme": 33, "comparison": 29}
REPORTING_RATIO = {"first 90 days": 1.25, "after 90 days": 0.95}  # call-outs, programme families

# --------------------------------------------------------------------------------------------------
# Scoring, kept apart from evalkit so that it can be used to check evalkit

SDQ_SCALES = {
    "emotional": (3, 8, 13, 16, 24),
    "conduct": (5, 7, 12, 18, 22),
    "hyperactivity": (2, 10, 15, 21, 25),
    "peer": (6, 11, 14, 19, 23),
    "prosocial": (1, 4, 9, 17, 20),
}
SDQ_REVERSED = (7, 11, 14, 21, 25)
SWEMWBS_METRIC = np.array(
    [
        *(7.00, 9.51, 11.25, 12.40, 13.33, 14.08, 14.75, 15.32, 15.84, 16.36),
        *(16.88, 17.43, 17.98, 18.59, 19.25, 19.98, 20.73, 21.54, 22.35, 23.21),
        *(24.11, 25.03, 26.02, 27.03, 28.13, 29.31, 30.70, 32.55, 35.00),
    ]
)


def score_sdq(answers: np.ndarray) -> dict[str, np.ndarray]:
    """Score SDQ answers (one row a form, columns q1..q25, NaN where missing)."""
    keyed = np.array(answers, dtype=float)
    reversed_columns = np.array(SDQ_REVERSED) - 1
    keyed[:, reversed_columns] = 2 - keyed[:, reversed_columns]
    scores = {name: _sdq_scale(keyed[:, np.array(q) - 1]) for name, q in SDQ_SCALES.items()}
    scores["total"] = sum(scores[name] for name in list(SDQ_SCALES)[:4])
    return scores


def _sdq_scale(answers: np.ndarray) -> np.ndarray:
    """Mean of at least three of five answers, times five, halves rounded up."""
    answered = (~np.isnan(answers)).sum(axis=1)
    mean = np.nansum(answers, axis=1) / np.maximum(answered, 1)
    return np.where(answered >= 3, np.floor(0.5 + mean * 5), np.nan)


def score_swemwbs(answers: np.ndarray) -> np.ndarray:
    """Return the metric score of complete SWEMWBS forms (columns q1..q7), NaN otherwise."""
    raw = np.asarray(answers, dtype=float).sum(axis=1)
    complete = ~np.isnan(raw)
    metric = np.full(raw.shape, np.nan)
    metric[complete] = SWEMWBS_METRIC[raw[complete].astype(int) - 7]
    return metric


# --------------------------------------------------------------------------------------------------
# The instruments: how a latent trait becomes answers


@dataclass(frozen=True, slots=True)
class Instrument:
    """Answers are the number of `cuts` below loading x trait + facet part + noise."""

    loading: np.ndarray
    facet: np.ndarray
    facet_loading: np.ndarray
    cuts: np.ndarray
    lowest: int
    reverse: np.ndarray

    def answers(self, trait: np.ndarray, facets: np.ndarray, noise: np.ndarray) -> np.ndarray:
        """Turn traits into answers, one row a person."""
        leaning = trait[:, None] * self.loading + noise
        leaning += facets[:, self.facet] * self.facet_loading
        codes = (leaning[:, :, None] > self.cuts).sum(axis=2) + self.lowest
        return np.where(self.reverse, self.cuts.shape[1] - codes, codes)


def _sdq_instrument(lift: float) -> Instrument:
    """`lift` lowers every cut, so that more difficulties are reported."""
    facet = np.zeros(25, dtype=int)
    for number, items in enumerate(SDQ_SCALES.values()):
        facet[np.array(items) - 1] = number
    prosocial = facet == 4
    place = np.zeros(25)
    for number, shift in enumerate((-0.05, 0.0, -0.2, 0.25, 0.0)):  # some scales run higher
        place[facet == number] = np.array([-0.9, -0.45, 0.0, 0.45, 0.9]) + shift
    first = np.where(prosocial, place - 0.9, place - 0.45 - lift)
    second = np.where(prosocial, place + 0.4, place + 0.95 - lift)
    reverse = np.isin(np.arange(25), np.array(SDQ_REVERSED) - 1)
    loading = np.where(prosocial, -0.25, 0.55)
    facet_loading = np.where(prosocial, 0.7, 0.45)
    return Instrument(loading, facet, facet_loading, np.column_stack([first, second]), 0, reverse)


def _swemwbs_instrument() -> Instrument:
    place = np.array([0.25, 0.05, 0.3, 0.0, -0.05, -0.15, -0.4])[:, None]
    cuts = place + np.array([-1.7, -0.75, 0.75, 2.6])  # even steps of the metric score
    zeros = np.zeros(7)
    return Instrument(np.full(7, 0.9), zeros.astype(int), zeros, cuts, 1, np.zeros(7, dtype=bool))


def _sdq_facets(answers: np.ndarray) -> np.ndarray:
    """How far each scale stands from a quarter of the total: it persists, and sums to 0."""
    scores = score_sdq(answers)
    parts = [(scores[name] - scores["total"] / 4) / 2 for name in list(SDQ_SCALES)[:4]]
    return np.column_stack([*parts, (scores["prosocial"] - 6.5) / 2])


@dataclass(frozen=True, slots=True)
class Outcome:
    """One outcome's model. Effects, gap and covariates act on the latent trait."""

    id: str
    role: str
    measure: str
    instrument: Instrument
    score: Callable[[np.ndarray], np.ndarray]
    centre: float  # of the baseline score, with `spread`
    spread: float
    sign: int  # +1: need raises the score; -1: need lowers it
    gap: float  # baseline need of programme families above that of comparison families
    drift: Mapping[str, float]  # change of everyone's trait by wave
    effect: Mapping[str, float]
    facets: Callable[[np.ndarray], np.ndarray] | None = None
    blank: float = 0.025  # share of single answers left out
    ages: tuple[int, int] = (0, 120)
    lost: float = 0.0  # log odds of a person's not answering, above the common rate


def _sdq_total(answers: np.ndarray) -> np.ndarray:
    return score_sdq(answers)["total"]


OUTCOMES = (
    Outcome(
        "child-wellbeing",
        "child",
        "sdq_parent",
        _sdq_instrument(-0.07),
        _sdq_total,
        centre=17.0,
        spread=6.5,
        sign=1,
        gap=0.18,
        drift={"end": -0.10, "6-months": -0.15},
        effect={"end": -0.36, "6-months": -0.27},
        facets=_sdq_facets,
        ages=(4, 17),
    ),
    Outcome(
        "young-person-wellbeing",
        "child",
        "sdq_self",
        _sdq_instrument(-0.12),
        _sdq_total,
        centre=16.5,
        spread=6.4,
        sign=1,
        gap=0.18,
        drift={"end": -0.08, "6-months": -0.12},
        effect={"end": -0.18, "6-months": -0.18},
        facets=_sdq_facets,
        ages=(11, 17),
        lost=0.35,
    ),
    Outcome(
        "survivor-wellbeing",
        "adult-survivor",
        "swemwbs",
        _swemwbs_instrument(),
        score_swemwbs,
        centre=19.4,
        spread=3.4,
        sign=-1,
        gap=0.18,
        drift={"end": 0.08, "6-months": 0.12},
        effect={"end": 0.59, "6-months": 0.59},
        blank=0.005,
    ),
    Outcome(
        "wellbeing-of-those-who-harm",
        "adult-who-harms",
        "swemwbs",
        _swemwbs_instrument(),
        score_swemwbs,
        centre=19.4,
        spread=3.4,
        sign=-1,
        gap=0.18,
        drift={"end": 0.05, "6-months": 0.05},
        effect={"end": 0.165, "6-months": 0.165},
        blank=0.005,
        lost=0.8,
    ),
)

# Filled by `estimate_truth`: mean of score(programme) - score(no programme) in programme families,
# its Monte-Carlo standard error, and the SD of the score without the programme.
TRUTH: dict[str, dict[str, dict[str, float]]] = {
    "child-wellbeing": {
        "end": {"effect": -1.9306, "monte_carlo_error": 0.0021, "sd": 6.277},
        "6-months": {"effect": -1.4466, "monte_carlo_error": 0.0018, "sd": 6.261},
    },
    "young-person-wellbeing": {
        "end": {"effect": -0.9642, "monte_carlo_error": 0.0021, "sd": 6.284},
        "6-months": {"effect": -0.9647, "monte_carlo_error": 0.0021, "sd": 6.259},
    },
    "survivor-wellbeing": {
        "end": {"effect": 1.8014, "monte_carlo_error": 0.0019, "sd": 3.238},
        "6-months": {"effect": 1.7976, "monte_carlo_error": 0.0019, "sd": 3.247},
    },
    "wellbeing-of-those-who-harm": {
        "end": {"effect": 0.4969, "monte_carlo_error": 0.0012, "sd": 3.243},
        "6-months": {"effect": 0.4979, "monte_carlo_error": 0.0012, "sd": 3.25},
    },
}

# --------------------------------------------------------------------------------------------------
# Families and people


@dataclass(frozen=True, slots=True)
class Families:
    """One entry a family with an arm: programme families, then comparison families."""

    programme: np.ndarray
    tier: np.ndarray
    callouts: np.ndarray
    site: np.ndarray
    deprivation: np.ndarray  # score of the neighbourhood; says nothing of how people answer
    typology: np.ndarray
    allocated: np.ndarray  # days after the first allocation
    children: np.ndarray
    harms: np.ndarray
    child_age: np.ndarray  # three columns
    adult_age: np.ndarray  # two columns: the survivor, the adult who harms

    @property
    def count(self) -> int:
        return len(self.programme)


def _draw_families(rng: np.random.Generator, count: int) -> Families:
    """Draw programme families, then comparison families, of whom fewer have much need."""
    lead = round(count * PROGRAMME_SHARE)
    sizes = {"programme": lead, "comparison": count - lead}
    tier = np.concatenate([rng.choice(4, n, p=TIERS[arm]) + 1 for arm, n in sizes.items()])
    site = np.concatenate([rng.choice(4, n, p=PLACES[arm]) for arm, n in sizes.items()])
    poor = np.concatenate([rng.gamma(6, POOR[arm] / 6, n) for arm, n in sizes.items()])
    return Families(
        programme=np.arange(count) < lead,
        tier=tier,
        callouts=rng.poisson(rng.gamma(2.2, (0.4 + 0.3 * tier) / 2.2 * 1.9)),
        site=site,
        deprivation=np.clip(np.round(poor, 1), 2, 90),
        typology=rng.choice(3, count, p=[0.48, 0.36, 0.16]),
        allocated=rng.integers(0, ALLOCATION_DAYS, count),
        children=rng.choice(3, count, p=[0.54, 0.33, 0.13]) + 1,
        harms=rng.random(count) < 0.86,
        child_age=rng.integers(4, 18, (count, 3)),
        adult_age=np.clip(np.rint(rng.normal([34, 36], 7, (count, 2))), 20, 60).astype(int),
    )


@dataclass(frozen=True, slots=True)
class People:
    """One entry a person: family index, number in the family, role, age."""

    family: np.ndarray
    number: np.ndarray
    role: np.ndarray
    age: np.ndarray


def _list_people(families: Families) -> People:
    """The survivor is number 1, then the adult who harms, then the children."""
    index = np.arange(families.count)
    kids = np.arange(3)[None, :] < families.children[:, None]
    present = np.column_stack([np.ones(families.count, bool), families.harms, kids])
    ages = np.column_stack([families.adult_age, families.child_age])
    names = ["adult-survivor", "adult-who-harms", "child", "child", "child"]
    roles = np.tile(np.array(names, dtype=object), (families.count, 1))
    number = present.cumsum(axis=1)
    owner = np.repeat(index[:, None], 5, axis=1)
    return People(owner[present], number[present], roles[present], ages[present])


# --------------------------------------------------------------------------------------------------
# Answers


@dataclass(frozen=True, slots=True)
class Answers:
    """One outcome's complete answers by wave, before anyone is lost."""

    outcome: Outcome
    rows: np.ndarray  # into People
    baseline_score: np.ndarray
    by_wave: dict[str, np.ndarray]
    without: dict[str, np.ndarray] = field(default_factory=dict)  # had there been no programme


def _draw_answers(
    rng: np.random.Generator, families: Families, people: People, *, both: bool = False
) -> list[Answers]:
    """Draw every outcome's answers; `both` keeps the no-programme answers too."""
    shared = {
        "family": rng.standard_normal((2, families.count)),
        "person": rng.standard_normal((2, len(people.family))),
    }
    return [_draw_outcome(rng, outcome, families, people, shared, both) for outcome in OUTCOMES]


def _draw_outcome(
    rng: np.random.Generator,
    outcome: Outcome,
    families: Families,
    people: People,
    shared: Mapping[str, np.ndarray],
    both: bool,
) -> Answers:
    low, high = outcome.ages
    eligible = (people.role == outcome.role) & (people.age >= low) & (people.age <= high)
    rows = np.flatnonzero(eligible)
    home = people.family[rows]
    treated = families.programme[home]
    tier, callouts = families.tier[home] - 2.6, families.callouts[home] - 2.2
    sign, instrument, size = outcome.sign, outcome.instrument, len(rows)
    items = len(instrument.loading)

    luck = 0.5 * sign * shared["family"][0, home] + 0.6 * shared["person"][0, rows]
    luck += 0.6 * rng.standard_normal(size)
    luck -= np.where(treated, luck[treated].mean(), luck[~treated].mean())  # no luck of the draw
    need = 0.18 * tier + 0.04 * callouts + outcome.gap * (treated - 0.5)
    facets = rng.standard_normal((size, 5))
    baseline = instrument.answers(luck + sign * need, facets, rng.standard_normal((size, items)))
    score = outcome.score(baseline)

    standing = (score - outcome.centre) / outcome.spread
    kept = outcome.facets(baseline) if outcome.facets else np.zeros((size, 5))
    steady = 0.75 * standing + sign * (0.09 * tier + 0.03 * callouts)
    steady += -0.01 * (people.age[rows] - people.age[rows].mean())
    steady += 0.3 * sign * shared["family"][1, home] + 0.35 * shared["person"][1, rows]
    steady += 0.2 * rng.standard_normal(size)
    by_wave, without = {"baseline": baseline}, {}
    for wave in WAVES[1:]:
        trait = steady + outcome.drift[wave] + 0.3 * rng.standard_normal(size)
        facets = 0.5 * kept + 0.8 * rng.standard_normal((size, 5))
        noise = rng.standard_normal((size, items))
        by_wave[wave] = instrument.answers(trait + outcome.effect[wave] * treated, facets, noise)
        if both:
            without[wave] = instrument.answers(trait, facets, noise)
    return Answers(outcome, rows, score, by_wave, without)


def estimate_truth(people: int = 200_000, *, seed: int = 7, chunk: int = 8_000) -> dict:
    """Estimate `TRUTH`: draw both potential outcomes of at least `people` people an outcome."""
    rng = np.random.default_rng(seed)
    drawn: dict[tuple[str, str], list[np.ndarray]] = {}
    while not drawn or min(sum(map(len, d)) for d in drawn.values()) < people:
        families = _draw_families(rng, chunk)
        everyone = _list_people(families)
        for answers in _draw_answers(rng, families, everyone, both=True):
            treated = families.programme[everyone.family[answers.rows]]
            for wave, without in answers.without.items():
                score = answers.outcome.score
                pair = [score(table[treated]) for table in (answers.by_wave[wave], without)]
                parts = drawn.setdefault((answers.outcome.id, wave), [])
                parts.append(np.column_stack(pair))
    truth: dict = {}
    for (name, wave), parts in drawn.items():
        scores = np.concatenate(parts)
        gain = scores[:, 0] - scores[:, 1]
        truth.setdefault(name, {})[wave] = {
            "effect": round(float(gain.mean()), 4),
            "monte_carlo_error": round(float(gain.std(ddof=1) / np.sqrt(len(gain))), 4),
            "sd": round(float(scores[:, 1].std(ddof=1)), 3),
        }
    return truth


# --------------------------------------------------------------------------------------------------
# Who is lost, and which answers are missing


@dataclass(frozen=True, slots=True)
class Losses:
    """When families and people left (wave index, 3 = stayed) and on which day."""

    family: np.ndarray
    person: np.ndarray
    day: np.ndarray  # after allocation; NaN where nobody recorded that they left
    answered: np.ndarray  # people x waves: did this person fill in the forms?


def _chance(log_odds: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-log_odds))


def _draw_losses(
    rng: np.random.Generator, families: Families, people: People, drawn: list[Answers]
) -> Losses:
    """Lose families and people by observed baseline scores, need tier and, slightly, arm."""
    child = drawn[0]
    totals = np.bincount(people.family[child.rows], child.baseline_score, families.count)
    need = totals / families.children - child.outcome.centre
    risk = 0.06 * need + 0.20 * (families.tier - 2.6) - 0.15 * families.programme
    draws = rng.random((2, families.count))
    early = draws[0] < _chance(-1.62 + risk)
    late = draws[1] < _chance(-1.75 + risk)
    family = np.where(early, 1, np.where(late, 2, 3))

    own = np.zeros(len(people.family))
    for answers in drawn[1:]:
        outcome = answers.outcome
        centred = (answers.baseline_score - outcome.centre) / outcome.spread
        own[answers.rows] += 0.3 * outcome.sign * centred + outcome.lost
    home = people.family
    answered = np.ones((len(home), 3), bool)
    for wave, level in ((1, -2.5), (2, -2.1)):
        missed = rng.random(len(home)) < _chance(level + own + 0.5 * risk[home])
        answered[:, wave] = ~missed & (family[home] > wave)

    silent = ~answered[:, 1] & ~answered[:, 2] & (family[home] == 3)
    person = np.where(silent & (rng.random(len(home)) < 0.35), 1, family[home])
    told = (rng.random(families.count) < 0.65)[home] | (silent & (person == 1))
    late_day = rng.integers(95, 182, families.count)[home]
    day = np.where(person == 1, rng.integers(8, 68, families.count)[home], late_day)
    return Losses(family, person, np.where(told & (person < 3), day, np.nan), answered)


def _blank_answers(rng: np.random.Generator, table: np.ndarray, share: float) -> np.ndarray:
    """Leave out single answers at random, and now and then the last page of a long form."""
    blank = rng.random(table.shape) < share
    if table.shape[1] == 25:
        blank[rng.random(len(table)) < 0.006, 13:] = True
    return np.where(blank, np.nan, table)


# --------------------------------------------------------------------------------------------------
# Tables


def _dates(days: np.ndarray) -> np.ndarray:
    """ISO dates of days after the first allocation; empty text where the day is NaN."""
    start = np.datetime64(FIRST_ALLOCATION)
    known = ~np.isnan(np.asarray(days, dtype=float))
    text = np.full(len(days), "", dtype=object)
    whole = np.asarray(days, dtype=float)[known].astype(int)
    text[known] = np.datetime_as_string(start + whole).astype(object)
    return text


def _as_of_day() -> int:
    return (AS_OF - FIRST_ALLOCATION).days


def _ids(prefix: str, numbers: np.ndarray, width: int) -> np.ndarray:
    return np.array([f"{prefix}{number:0{width}d}" for number in numbers], dtype=object)


def _people_table(
    rng: np.random.Generator, families: Families, people: People, losses: Losses, names: np.ndarray
) -> pd.DataFrame:
    home, size = people.family, len(people.family)
    programme, adult = families.programme[home], people.role != "child"
    uptake = np.select([people.role == "adult-who-harms", adult], [0.72, 0.92], 0.88)
    received = (rng.random(size) < uptake) & (losses.person > 1)
    received |= (rng.random(size) < 0.4) & (losses.person == 1)
    most = np.where(losses.person == 1, 0.35, 0.8)
    sessions = np.where(received, np.maximum(rng.binomial(10, most), 1), 0)
    share_female = np.select([people.role == "adult-survivor", adult], [0.94, 0.07], 0.5)
    female = rng.random(size) < share_female
    why = LEFT_REASONS[rng.choice(4, families.count, p=[0.3, 0.35, 0.15, 0.2])][home]
    alone = losses.person != losses.family[home]
    why = np.where(alone, LEFT_REASONS[1], why)
    left_on = _dates(families.allocated[home] + losses.day)
    return pd.DataFrame(
        {
            "person": names[home] + "-" + people.number.astype(str).astype(object),
            "family": names[home],
            "role": people.role,
            "arm": np.where(programme, "programme", "comparison").astype(object),
            "site": SITES[families.site[home]],
            "age": people.age,
            "sex": np.where(female, "female", "male").astype(object),
            "need_tier": families.tier[home],
            "typology": TYPOLOGIES[families.typology[home]],
            "prior_callouts": families.callouts[home],
            "deprivation": families.deprivation[home],
            "eligible": "yes",
            "consent": "yes",
            "allocated_on": _dates(families.allocated)[home],
            "received": np.where(programme, np.where(received, "yes", "no"), "").astype(object),
            "sessions": pd.array(np.where(programme, sessions, np.nan), dtype="Int64"),
            "left_on": left_on,
            "left_reason": np.where(left_on != "", why, "").astype(object),
        }
    )


def _screened_out(rng: np.random.Generator, names: np.ndarray, refused: int) -> pd.DataFrame:
    """Families that were not eligible, then `refused` that did not agree to take part: no arm."""
    families = _draw_families(rng, len(names))
    people = _list_people(families)
    stayed = np.full(len(people.family), 3)
    nobody = Losses(stayed[: families.count], stayed, np.full(len(stayed), np.nan), np.empty(0))
    table = _people_table(rng, families, people, nobody, names)
    agreed = people.family >= refused
    table["eligible"] = np.where(agreed, "no", "yes").astype(object)
    table["consent"] = np.where(agreed, "", "no").astype(object)
    table["sessions"] = pd.array([pd.NA] * len(table), dtype="Int64")
    for column in ("arm", "allocated_on", "received"):
        table[column] = ""
    return table


def _answers_table(
    rng: np.random.Generator,
    answers: Answers,
    families: Families,
    people: People,
    losses: Losses,
    person: np.ndarray,
) -> pd.DataFrame:
    """Answers of one outcome in long form: a row a person and wave that came back."""
    outcome, home = answers.outcome, people.family[answers.rows]
    by_survivor = outcome.id == "child-wellbeing"
    first = np.flatnonzero(people.number == 1)  # the survivor of each family, in family order
    teller = first[home] if by_survivor else answers.rows
    parts = []
    for index, wave in enumerate(WAVES):
        came = losses.answered[teller, index] & (rng.random(len(teller)) >= 0.03 * (index == 0))
        due = families.allocated[home] + DUE[wave]
        came &= (due + WINDOW[wave] <= _as_of_day()) | (index == 0)
        lag = rng.integers(*((-7, 15) if index else (-13, 1)), families.count)[home]
        table = _blank_answers(rng, answers.by_wave[wave], outcome.blank)[came]
        columns = {
            "person": person[answers.rows[came]],
            "wave": wave,
            "informant": "adult-survivor" if by_survivor else "self",
            "respondent": person[teller[came]],
            "date": _dates((due + lag)[came]),
        }
        items = range(table.shape[1])
        columns |= {f"q{item + 1}": pd.array(table[:, item], dtype="Int64") for item in items}
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def _events_table(
    rng: np.random.Generator, families: Families, people: People, losses: Losses, names: np.ndarray
) -> pd.DataFrame:
    """Police call-outs: `prior_callouts` of them in the year before, then at a rate by need."""
    first = np.flatnonzero(people.number == 1)
    left = np.where(losses.family < 3, losses.day[first], np.nan)
    end = np.fmin(_as_of_day() - families.allocated, np.where(np.isnan(left), 9999, left))
    before_family = np.repeat(np.arange(families.count), families.callouts)
    before_day = -rng.integers(1, 365, len(before_family))
    yearly = 0.15 + 0.17 * families.tier + 0.45 * families.callouts
    parts = [(before_family, before_day)]
    for start, stop, name in ((0, 90, "first 90 days"), (90, 9999, "after 90 days")):
        days = np.clip(np.minimum(end, stop) - start, 0, None)
        ratio = np.where(families.programme, REPORTING_RATIO[name], 1.0)
        number = rng.poisson(yearly * ratio * days / 365 * rng.gamma(3, 1 / 3, families.count))
        owner = np.repeat(np.arange(families.count), number)
        day = start + np.floor(rng.random(len(owner)) * np.repeat(days, number))
        parts.append((owner, day))
    owner = np.concatenate([part[0] for part in parts])
    day = np.concatenate([part[1] for part in parts]) + families.allocated[owner]
    order = np.lexsort((day, names[owner].astype(str)))
    return pd.DataFrame(
        {
            "family": names[owner][order],
            "date": _dates(day)[order],
            "kind": "callout",
            "value": 1,
        }
    )


def make_tables(seed: int, *, families: int = 600) -> dict[str, pd.DataFrame]:
    """Return the synthetic tables by name; `families` counts those with an arm.

    The tables are people, sdq_parent, sdq_self, swemwbs and events. A further one in thirty was
    screened but are not eligible or did not agree: they are in people, with no arm and no answers.
    """
    rng = np.random.default_rng([DRAW, seed])
    group = _draw_families(rng, families)
    people = _list_people(group)
    drawn = _draw_answers(rng, group, people)
    losses = _draw_losses(rng, group, people, drawn)

    screened = max(2, round(families / 30))
    numbers = rng.permutation(families + screened) + 1
    names, others = np.split(_ids("SYN", numbers, 4), [families])
    person = names[people.family] + "-" + people.number.astype(str).astype(object)
    tables = {
        "people": pd.concat(
            [
                _people_table(rng, group, people, losses, names),
                _screened_out(rng, others, refused=screened * 2 // 5),
            ]
        )
    }
    for answers in drawn:
        table = _answers_table(rng, answers, group, people, losses, person)
        name = answers.outcome.measure
        tables[name] = pd.concat([tables[name], table]) if name in tables else table
    tables["events"] = _events_table(rng, group, people, losses, names)
    return {name: _tidy(table) for name, table in tables.items()}


def _tidy(table: pd.DataFrame) -> pd.DataFrame:
    """Sort by person and wave (events come sorted) and leave empty text missing, as in a CSV."""
    if "person" in table:
        wave = table["wave"].map(WAVES.index) if "wave" in table else np.zeros(len(table))
        table = table.iloc[np.lexsort((wave, table["person"].to_numpy(dtype=str)))]
    table = table.reset_index(drop=True)
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].astype("str").replace("", np.nan) for name in texts})


def truth_text() -> str:
    """Return truth.yaml."""
    lines = [
        f"# {LABEL}.",
        f'label: "{LABEL}"',
        f"seed: {SEED}",
        "meaning: >-",
        "  Mean of score(programme) - score(no programme) over everyone in a programme family,",
        "  whether or not they came to sessions or answered. sd is the standard deviation of their",
        "  score had there been no programme. Estimated from at least 200,000 people an outcome.",
        "effects:",
    ]
    for name, waves in TRUTH.items():
        lines.append(f"  {name}:")
        for wave, numbers in waves.items():
            shown = ", ".join(f"{key}: {value}" for key, value in numbers.items())
            lines.append(f"    {wave}: {{{shown}}}")
    lines.append("callout_rate_ratios:  # programme over comparison families, since allocation")
    lines += [f"  {name}: {ratio}" for name, ratio in REPORTING_RATIO.items()]
    return "\n".join(lines) + "\n"


def main() -> None:
    """Write the tables and truth.yaml."""
    parser = argparse.ArgumentParser(description="Make the SYNTHETIC Growing Together data.")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path("."))
    parser.add_argument("--truth", action="store_true", help="only estimate the truth anew")
    choice = parser.parse_args()
    if choice.truth:
        print(estimate_truth())
        return
    choice.out.mkdir(parents=True, exist_ok=True)
    for name, table in make_tables(choice.seed).items():
        path = choice.out / f"{name}.csv"
        table.to_csv(path, index=False, lineterminator="\n", encoding="utf-8")
    (choice.out / "truth.yaml").write_text(truth_text(), encoding="utf-8", newline="\n")


if __name__ == "__main__":
    main()
