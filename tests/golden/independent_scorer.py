"""A second scorer, written from the research notes alone: a check on the keys of the registry.

Plain arithmetic, with nothing of evalkit's. Items are counted from 1 in their order. A blank is
None, and so is a score that the rule does not allow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import floor

Answers = Sequence[float | None]
Scores = dict[str, float | None]
Scorer = Callable[[Answers], Scores]


def span(first: int, last: int) -> list[int]:
    return list(range(first, last + 1))


def pick(answers: Answers, items: Iterable[int]) -> list[float | None]:
    return [answers[item - 1] for item in items]


def turned(answers: Answers, items: Iterable[int], ends: float) -> list[float | None]:
    """Return all answers, some items turned round: lowest plus highest, less the answer."""
    turn = set(items)
    return [x if x is None or place not in turn else ends - x for place, x in enumerate(answers, 1)]


def mean(values: Answers, spare: int = 0) -> float | None:
    """Return the mean of what was answered, if no more than `spare` are missing."""
    known = [x for x in values if x is not None]
    if not known or len(values) - len(known) > spare:
        return None
    return sum(known) / len(known)


def total(values: Answers, spare: int = 0) -> float | None:
    """Return the sum; each of up to `spare` missing answers counts as the mean of the others."""
    found = mean(values, spare)
    return None if found is None else found * len(values)


def times(factor: float, value: float | None) -> float | None:
    return None if value is None else factor * value


def share(part: float | None, of: float | None) -> float | None:
    return None if part is None or not of else part / of


def count(values: Answers, least: float) -> float | None:
    """Return how many are at least so much; None if any is missing."""
    known = [x for x in values if x is not None]
    return float(sum(x >= least for x in known)) if len(known) == len(values) else None


def any_of(values: Answers, least: float = 1) -> float | None:
    """Return 1 if any is at least so much, 0 if all are known to be less, else None."""
    if any(x is not None and x >= least for x in values):
        return 1.0
    return None if None in values else 0.0


def all_of(parts: Answers) -> float | None:
    """Return 0 if any part is known not to be met, 1 if all are met, else None."""
    if 0 in parts:
        return 0.0
    return None if None in parts else 1.0


def keyed(
    scales: dict[str, list[int]],
    *,
    reverse: Iterable[int] = (),
    ends: float = 0,
    how: Callable[[Answers, int], float | None] = total,
    spare: int = 0,
) -> Scorer:
    """Return a scorer of sums, or means, over lists of items."""

    def scorer(answers: Answers) -> Scores:
        values = turned(answers, reverse, ends)
        return {scale: how(pick(values, items), spare) for scale, items in scales.items()}

    return scorer


def single(n: int, **rule: object) -> Scorer:
    """Return a scorer of one total over the first `n` items."""
    return keyed({"total": span(1, n)}, **rule)  # type: ignore[arg-type]


# Adults: wellbeing and distress

METRIC = [
    *(7.00, 9.51, 11.25, 12.40, 13.33, 14.08, 14.75, 15.32, 15.84, 16.36),
    *(16.88, 17.43, 17.98, 18.59, 19.25, 19.98, 20.73, 21.54, 22.35, 23.21),
    *(24.11, 25.03, 26.02, 27.03, 28.13, 29.31, 30.70, 32.55, 35.00),
]


def swemwbs(answers: Answers) -> Scores:
    raw = total(answers)
    return {"total": raw, "metric": None if raw is None else METRIC[round(raw) - 7]}


def who_5(answers: Answers) -> Scores:
    return {"total": total(answers), "percentage": times(4, total(answers))}


def phq_9(answers: Answers) -> Scores:
    first, ninth = count(answers[:8], 2), count(answers[8:9], 1)
    symptoms = None if first is None or ninth is None else first + ninth
    core = any_of(answers[:2], 2)
    return {
        "total": total(answers[:9], spare=2),
        "symptoms": symptoms,
        "major-syndrome": None if symptoms is None else float(symptoms >= 5 and core == 1),
    }


CORE_OM = {
    "wellbeing": ([4, 14, 17, 31], 0),
    "problems": ([2, 5, 8, 11, 13, 15, 18, 20, 23, 27, 28, 30], 1),
    "functioning": ([1, 3, 7, 10, 12, 19, 21, 25, 26, 29, 32, 33], 1),
    "risk": ([6, 9, 16, 22, 24, 34], 0),
}


def core_om(answers: Answers) -> Scores:
    values = turned(answers, [3, 4, 7, 12, 19, 21, 31, 32], 4)
    overall = mean(values, spare=3)
    domains: Scores = {}
    for key, (items, spare) in CORE_OM.items():
        domains[key] = mean(pick(values, items), spare if overall is not None else 0)
    return domains | {"total": total(values), "mean": overall, "clinical": times(10, overall)}


DASS_21 = {
    "depression": [3, 5, 10, 13, 16, 17, 21],
    "anxiety": [2, 4, 7, 9, 15, 19, 20],
    "stress": [1, 6, 8, 11, 12, 14, 18],
}


def dass_21(answers: Answers) -> Scores:
    return {key: times(2, total(pick(answers, items))) for key, items in DASS_21.items()}


def ghq_12(answers: Answers) -> Scores:
    return {"total": total(answers), "ghq": count(answers, 2)}


PCL_5 = {"b": (span(1, 5), 1), "c": (span(6, 7), 1), "d": (span(8, 14), 2), "e": (span(15, 20), 2)}


def pcl_5(answers: Answers) -> Scores:
    found: Scores = {"total": total(answers)}
    met = []
    for key, (items, least) in PCL_5.items():
        values = pick(answers, items)
        found[f"cluster-{key}"] = total(values)
        symptoms = found[f"symptoms-{key}"] = count(values, 2)
        met.append(None if symptoms is None else float(symptoms >= least))
    found["provisional-diagnosis"] = None if None in met else all_of(met)
    return found


IES_R = {
    "intrusion": [1, 2, 3, 6, 9, 14, 16, 20],
    "avoidance": [5, 7, 8, 11, 12, 13, 17, 22],
    "hyperarousal": [4, 10, 15, 18, 19, 21],
}


def ies_r(answers: Answers) -> Scores:
    found: Scores = {"total": total(answers)}
    for key, items in IES_R.items():
        found[f"{key}-sum"] = total(pick(answers, items))
        found[f"{key}-mean"] = mean(pick(answers, items))
    return found


def itq_criteria(values: Answers) -> float | None:
    """Judge three clusters of two and three of impairment: one of each at 2 or above."""
    return all_of([any_of(values[a:b], 2) for a, b in ((0, 2), (2, 4), (4, 6), (6, 9))])


def itq(answers: Answers) -> Scores:
    ptsd, dso = itq_criteria(answers[:9]), itq_criteria(answers[9:])
    diagnosis = ptsd
    if ptsd == 1:
        diagnosis = None if dso is None else 1 + dso
    return {
        "ptsd-sum": total(answers[:6]),
        "dso-sum": total(answers[9:15]),
        "ptsd-criteria": ptsd,
        "dso-criteria": dso,
        "category": diagnosis,
    }


def ons_4(answers: Answers) -> Scores:
    return dict(zip(("satisfied", "worthwhile", "happy", "anxious"), answers, strict=True))


def eq_5d_5l(answers: Answers) -> Scores:
    levels = answers[:5]
    known = None if None in levels else float("".join(f"{level:.0f}" for level in levels))
    return {"profile": known, "level-sum": total(levels), "vas": answers[5]}


WHOQOL = {  # items, and how many may be missing: by the syntax, by the text of the manual
    "physical": ([3, 4, 10, 15, 16, 17, 18], 1, 2),
    "psychological": ([5, 6, 7, 11, 19, 26], 1, 2),
    "social": ([20, 21, 22], 1, 1),
    "environment": ([8, 9, 12, 13, 14, 23, 24, 25], 2, 2),
}


def whoqol_bref(answers: Answers) -> Scores:
    values = turned(answers, [3, 4, 26], 6)
    enough = sum(x is not None for x in answers) >= 21
    found: Scores = {"overall-quality": answers[0], "overall-health": answers[1]}
    for key, (items, strict, lenient) in WHOQOL.items():
        for name, spare in (("", strict), ("-lenient", lenient)):
            raw = times(4, mean(pick(values, items), spare)) if enough else None
            found[f"{key}-4-20{name}"] = raw
            found[f"{key}{name}"] = None if raw is None else (raw - 4) * 6.25
    return found


ADULTS: dict[str, Scorer] = {
    "swemwbs": swemwbs,
    "wemwbs": single(14),
    "who-5": who_5,
    "phq-9": phq_9,
    "phq-8": single(8),
    "phq-2": single(2),
    "gad-7": single(7),
    "gad-2": single(2),
    "phq-4": keyed({"anxiety": [1, 2], "depression": [3, 4], "total": span(1, 4)}),
    "k10": single(10),
    "k10-0-4": single(10),
    "k6": single(6),
    "core-10": single(10, reverse=[2, 3], ends=4, spare=1),
    "core-om": core_om,
    "dass-21": dass_21,
    "hads": keyed({"anxiety": span(1, 14)[::2], "depression": span(1, 14)[1::2]}, spare=1),
    "ghq-12": ghq_12,
    "pcl-5": pcl_5,
    "ies-r": ies_r,
    "itq": itq,
    "ons-4": ons_4,
    "eq-5d-5l": eq_5d_5l,
    "whoqol-bref": whoqol_bref,
    "rses-order-a": single(10, reverse=[2, 5, 6, 8, 9], ends=3),
    "rses-order-a-1-4": single(10, reverse=[2, 5, 6, 8, 9], ends=5),
    "rses-order-b": single(10, reverse=[3, 5, 8, 9, 10], ends=3),
    "rses-order-b-1-4": single(10, reverse=[3, 5, 8, 9, 10], ends=5),
    "gse": single(10, spare=3),
    "ucla-3": single(3),
    "mspss": keyed(
        {
            "significant-other": [1, 2, 5, 10],
            "family": [3, 4, 8, 11],
            "friends": [6, 7, 9, 12],
            "total": span(1, 12),
        },
        how=mean,
    ),
}

# Alcohol and drugs


def audit(answers: Answers) -> Scores:
    """Count blanks as 0 where the form says to skip: never drinks, or never more than a little."""
    values = list(answers)
    if values[0] == 0:
        values[1:8] = [x or 0.0 for x in values[1:8]]
    if values[1] == 0 and values[2] == 0:
        values[3:8] = [x or 0.0 for x in values[3:8]]
    return {
        "total": total(values),
        "consumption": total(values[:3]),
        "dependence": total(values[3:6]),
        "problems": total(values[6:]),
    }


SUBSTANCE: dict[str, Scorer] = {
    "audit": audit,
    "audit-c": single(3),
    "dudit": single(11),
    "dast-10": single(10, reverse=[3], ends=1),
    "cage": single(4),
}

# Domestic abuse


def yes_at_least(values: Answers) -> float | None:
    """Return the count of yes, a lower bound; None for an empty form."""
    return None if set(values) <= {None} else float(sum(x or 0 for x in values))


def yes_at_most(values: Answers) -> float | None:
    """Return the count of yes and unanswered; None for an empty form."""
    return None if set(values) <= {None} else float(sum(x is None or x == 1 for x in values))


def dash(answers: Answers) -> Scores:
    values = answers[:24]
    return {
        "total": total(values),
        "total-at-least": yes_at_least(values),
        "total-at-most": yes_at_most(values),
    }


def hark(answers: Answers) -> Scores:
    return {
        "total": total(answers),
        "total-at-least": yes_at_least(answers),
        "positive": any_of(answers),
    }


def marac_referral(answers: Answers) -> Scores:
    return {
        "referral": any_of(answers),
        "grounds-at-least": yes_at_least(answers),
        "grounds-at-most": yes_at_most(answers),
    }


CTS2_TIMES = {0: 0, 1: 1, 2: 2, 3: 4, 4: 8, 5: 15, 6: 25, 7: 0}
CTS2 = {  # pair n is items 2n - 1, what I did, and 2n, what my partner did
    "negotiation": [1, 2, 7, 20, 30, 39],
    "psychological": [3, 13, 15, 18, 25, 33, 34, 35],
    "physical": [4, 5, 9, 11, 14, 17, 19, 22, 23, 27, 31, 37],
    "sexual-coercion": [8, 10, 24, 26, 29, 32, 38],
    "injury": [6, 12, 16, 21, 28, 36],
}


def cts2(answers: Answers) -> Scores:
    found: Scores = {}
    for key, pairs in CTS2.items():
        odd, even = [2 * n - 1 for n in pairs], [2 * n for n in pairs]
        if key == "injury":  # told by the one who is hurt
            odd, even = even, odd
        for side, items in (("perpetration", odd), ("victimisation", even)):
            codes = pick(answers, items)
            freq = [None if x is None else float(CTS2_TIMES[int(x)]) for x in codes]
            found[f"{key}-{side}-frequency"] = total(freq)
            found[f"{key}-{side}-variety"] = count(freq, 1)
            found[f"{key}-{side}-prevalence"] = any_of(freq)
            found[f"{key}-{side}-ever"] = any_of(codes)
    return found


URICA = ("precontemplation", "contemplation", "action", "maintenance")


def urica_dv(answers: Answers) -> Scores:
    found: Scores = {key: mean(answers[5 * i : 5 * i + 5]) for i, key in enumerate(URICA)}
    before, *stages = found.values()
    ahead = total(stages)
    found["readiness"] = None if before is None or ahead is None else ahead - before
    return found


ABUSE: dict[str, Scorer] = {
    "dash-safelives": dash,
    "hits": single(4),
    "e-hits": single(5),
    "wast": single(8),
    "hark": hark,
    "cas-30": single(30),
    "casr-sf": single(15, spare=4),
    "cts2": cts2,
    "cbs-r": keyed(
        {
            "economic": span(1, 4),
            "threatening": span(5, 8),
            "intimidating": span(9, 13),
            "emotional": span(14, 18),
            "isolating": span(19, 24),
        },
        how=mean,
    ),
    "web-agree-1": single(10, reverse=span(1, 10), ends=7),
    "web-agree-6": single(10),
    "movers": keyed(
        {
            "internal-tools": [1, 3, 5, 7, 9, 11],
            "expectations-of-support": [4, 8, 12, 13],
            "tradeoffs": [2, 6, 10],
        },
        how=mean,
    ),
    "urica-dv": urica_dv,
    "marac-referral": marac_referral,
}

# Experience and system


def nomad(answers: Answers) -> Scores:
    values = turned(answers, [10], 6)
    return {
        "coherence": mean(values[0:4], spare=3),
        "cognitive-participation": mean(values[4:8], spare=3),
        "collective-action": mean(values[8:15], spare=6),
        "reflexive-monitoring": mean(values[15:20], spare=4),
    }


def chi_esq(answers: Answers) -> Scores:
    """Give each item as a percentage: 100 for "certainly true"."""
    return {f"item-{place}": times(100, x) for place, x in enumerate(answers, 1)}


EXPERIENCE: dict[str, Scorer] = {
    "nomad": nomad,
    "wai-sr": keyed(
        {
            "total": span(1, 12),
            "goal": [4, 6, 8, 11],
            "task": [1, 2, 10, 12],
            "bond": [3, 5, 7, 9],
        }
    ),
    "csq-8": single(8),
    "chi-esq": chi_esq,
}

# Children and young people

SDQ = {
    "emotional": [3, 8, 13, 16, 24],
    "conduct": [5, 7, 12, 18, 22],
    "hyperactivity": [2, 10, 15, 21, 25],
    "peer": [6, 11, 14, 19, 23],
    "prosocial": [1, 4, 9, 17, 20],
}


def sdq(answers: Answers) -> Scores:
    values = turned(answers[:25], [7, 11, 14, 21, 25], 2)
    found: Scores = {}
    for key, items in SDQ.items():
        raw = total(pick(values, items), spare=2)
        found[key] = None if raw is None else float(floor(0.5 + raw))
    emotional, conduct, hyperactivity, peer, _ = found.values()
    found["total"] = total([emotional, conduct, hyperactivity, peer])
    found["internalising"] = total([emotional, peer])
    found["externalising"] = total([conduct, hyperactivity])
    found["impact"] = sdq_impact(answers[25], answers[26:])
    return found


def sdq_impact(gateway: float | None, items: Answers) -> float | None:
    """Sum 0, 0, 1, 2 for each answer; none if there are no difficulties. A blank adds nothing."""
    if gateway == 0:
        return 0.0
    if gateway is None or set(items) <= {None}:
        return None
    return float(sum(max(x - 1, 0) for x in items if x is not None))


RCADS_47 = {
    "separation-anxiety": [5, 9, 17, 18, 33, 45, 46],
    "generalised-anxiety": [1, 13, 22, 27, 35, 37],
    "panic": [3, 14, 24, 26, 28, 34, 36, 39, 41],
    "social-phobia": [4, 7, 8, 12, 20, 30, 32, 38, 43],
    "obsessive-compulsive": [10, 16, 23, 31, 42, 44],
    "depression": [2, 6, 11, 15, 19, 21, 25, 29, 40, 47],
}
RCADS_47_NORMS = {  # mean and SD of boys, then of girls, in grades 3-4, 5-6, 7-8, 9-10, 11-12
    "separation-anxiety": (
        "4.87 3.93 3.20 3.05 2.26 2.47 2.50 2.46 1.90 2.03",
        "7.05 4.31 4.74 3.78 3.00 2.72 2.34 2.23 3.05 2.57",
    ),
    "generalised-anxiety": (
        "6.98 3.36 6.44 3.13 6.20 3.14 7.07 2.93 6.76 3.44",
        "7.77 3.77 8.01 3.68 7.42 3.16 7.28 3.44 8.49 3.71",
    ),
    "panic": (
        "5.25 4.15 4.06 3.60 3.62 3.36 3.76 3.21 3.79 2.71",
        "6.51 4.73 5.25 4.30 5.03 3.92 4.18 3.07 5.26 4.28",
    ),
    "social-phobia": (
        "9.77 4.51 10.30 4.75 11.05 4.74 11.68 4.74 10.67 4.49",
        "11.61 4.98 12.92 5.21 13.01 4.94 12.27 5.00 12.85 4.98",
    ),
    "obsessive-compulsive": (
        "6.15 3.20 6.01 3.26 5.22 3.40 4.65 2.89 5.18 3.12",
        "7.62 3.68 6.39 3.46 5.12 3.34 4.12 2.79 5.48 3.82",
    ),
    "depression": (
        "8.25 4.09 7.07 3.64 6.71 3.64 7.44 4.10 7.32 3.81",
        "8.74 4.75 7.64 4.10 7.89 3.91 7.65 3.68 9.36 4.45",
    ),
    "total-anxiety": (
        "32.884 14.465 29.880 13.119 28.602 13.099 29.799 12.770 28.223 12.011",
        "40.431 17.321 37.098 16.177 33.529 13.942 30.029 12.752 34.979 14.871",
    ),
    "total": (
        "41.084 17.126 36.942 15.316 35.340 15.318 37.257 15.319 35.505 14.533",
        "49.089 21.055 44.679 19.321 41.439 16.637 37.645 14.978 44.246 18.288",
    ),
}


def rcads_47(answers: Answers) -> Scores:
    found: Scores = {key: total(pick(answers, x), spare=2) for key, x in RCADS_47.items()}
    parts = list(found.values())
    return found | {"total-anxiety": total(parts[:5]), "total": total(parts)}


def rcads_47_t(answers: Answers, sex: str, grade: float | None) -> Scores:
    """Return the T scores; none without a norm for that sex and grade."""
    found: Scores = {}
    for key, raw in rcads_47(answers).items():
        found[f"{key}-t"] = None
        if raw is None or sex not in ("male", "female") or grade not in range(3, 13):
            continue
        norms = [float(x) for x in RCADS_47_NORMS[key][sex == "female"].split()]
        place = 2 * ((int(grade) - 3) // 2)
        found[f"{key}-t"] = 50 + 10 * (raw - norms[place]) / norms[place + 1]
    return found


RCADS_25_DEPRESSION = [1, 4, 8, 10, 13, 15, 16, 19, 21, 24]
RCADS_25_ANXIETY = [2, 3, 5, 6, 7, 9, 11, 12, 14, 17, 18, 20, 22, 23, 25]

CHILDREN: dict[str, Scorer] = {
    "sdq-parent-2-4": sdq,
    "sdq-parent-4-17": sdq,
    "sdq-self-11-17": sdq,
    "sdq-teacher-2-4": sdq,
    "sdq-teacher-4-17": sdq,
    "rcads-25-child": keyed(
        {
            "depression": RCADS_25_DEPRESSION,
            "anxiety": RCADS_25_ANXIETY,
            "total": span(1, 25),
        }
    ),
    "rcads-47-child": rcads_47,
    "smfq-child": single(13),
    "smfq-parent": single(13),
    "mfq-33-child": single(33),
    "cries-8": keyed({"intrusion": [1, 3, 6, 7], "avoidance": [2, 4, 5, 8], "total": span(1, 8)}),
    "cats-3-6": single(16),
    "cats-7-17": single(20),
    "cats-7-17-caregiver": single(20),
    "cpss-5": keyed(
        {
            "cluster-b": span(1, 5),
            "cluster-c": span(6, 7),
            "cluster-d": span(8, 14),
            "cluster-e": span(15, 20),
            "total": span(1, 20),
        }
    ),
    "me-and-my-feelings": keyed(
        {"emotional": span(1, 10), "behavioural": span(11, 16)}, reverse=[15], ends=2
    ),
    "scwbs": keyed(
        {
            "total": [1, 3, 4, 5, 6, 8, 9, 10, 11, 12, 14, 15],
            "positive-outlook": [1, 3, 4, 5, 6, 8],
            "positive-emotional-state": [9, 10, 11, 12, 14, 15],
            "social-desirability": [2, 7, 13],
        }
    ),
    "kidscreen-10": single(10, reverse=[3, 4], ends=6),
    "cyrm-r-3": single(17),
    "cyrm-r-5": single(17),
}

# Parents and families

PARENTING_SCALE_LEFT = [2, 3, 6, 9, 10, 13, 14, 17, 19, 20, 23, 26, 27, 30]


def score_15(answers: Answers) -> Scores:
    values = turned(answers, [5, 7, 9, 11, 14, 2, 4, 8, 12, 13], 6)
    return {
        "total": total(values),
        "mean": mean(values),
        "strengths": total(pick(values, [1, 3, 6, 10, 15])),
        "difficulties": total(pick(values, [5, 7, 9, 11, 14])),
        "communication": total(pick(values, [2, 4, 8, 12, 13])),
    }


FAMILIES: dict[str, Scorer] = {
    "parental-stress-scale": single(18, reverse=[1, 2, 5, 6, 7, 8, 17, 18], ends=6),
    "psoc": keyed(
        {
            "satisfaction": [2, 3, 4, 5, 8, 9, 12, 14, 16],
            "efficacy": [1, 6, 7, 10, 11, 13, 15],
            "total": span(1, 17),
        },
        reverse=[2, 3, 4, 5, 8, 9, 12, 14, 16],
        ends=7,
    ),
    "apq-42-parent": keyed(
        {
            "involvement": [1, 4, 7, 9, 11, 14, 15, 20, 23, 26],
            "positive-parenting": [2, 5, 13, 16, 18, 27],
            "poor-monitoring": [6, 10, 17, 19, 21, 24, 28, 29, 30, 32],
            "inconsistent-discipline": [3, 8, 12, 22, 25, 31],
            "corporal-punishment": [33, 35, 38],
        }
    ),
    "apq-9-parent": keyed(
        {
            "positive-parenting": [1, 6, 7],
            "inconsistent-discipline": [2, 4, 9],
            "poor-supervision": [3, 5, 8],
        }
    ),
    "parenting-scale-30": keyed(
        {
            "laxness": [7, 8, 12, 15, 16, 19, 20, 21, 24, 26, 30],
            "over-reactivity": [3, 6, 9, 10, 14, 17, 18, 22, 25, 28],
            "verbosity": [2, 4, 7, 9, 11, 23, 29],
            "total": span(1, 30),
        },
        reverse=PARENTING_SCALE_LEFT,
        ends=8,
        how=mean,
    ),
    "score-15": score_15,
    "fad-gf12": keyed(
        {"general-functioning": span(1, 12)}, reverse=[1, 3, 5, 7, 9, 11], ends=5, how=mean
    ),
    "cprs-sf": keyed(
        {"conflict": [2, 4, 8, 10, 11, 12, 13, 14], "closeness": [1, 3, 5, 6, 7, 9, 15]}
    ),
}

# Records


def within(moment: float | None, first: float, last: float) -> float | None:
    return None if moment is None else float(first <= moment <= last)


def police_callouts(answers: Answers) -> Scores:
    events, days = answers
    return {"rate": times(365, share(events, days))}


def school_attendance(answers: Answers) -> Scores:
    possible, authorised, unauthorised = answers
    absent = total([authorised, unauthorised])
    rate = share(absent, possible)
    known = rate is not None and absent is not None and possible is not None
    return {
        "absence-rate": times(100, rate),
        "persistent-absence": float(absent * 10 >= possible) if known else None,
        "severe-absence": float(absent * 2 >= possible) if known else None,
    }


def school_exclusion(answers: Answers) -> Scores:
    suspensions, permanent, pupils = answers
    return {
        "suspension-rate": times(100, share(suspensions, pupils)),
        "permanent-exclusion-rate": times(100, share(permanent, pupils)),
    }


def programme_dose(answers: Answers) -> Scores:
    attended, offered, weeks, least_hours, least_weeks = answers
    hours, length = share(attended, least_hours), share(weeks, least_weeks)
    known = hours is not None and length is not None
    return {
        "attended-share": share(attended, offered),
        "hours-share": hours,
        "weeks-share": length,
        "complete": float(hours >= 1 and length >= 1) if known else None,
    }


def proven_reoffending(answers: Answers) -> Scores:
    """Count an offence in months 1 to 12, proven by month 18; unknown before 18 have passed."""
    offence, conviction, observed = answers
    if observed is None or observed < 18:
        return {"reoffended": None}
    months = [within(offence, 1, 12), within(conviction, 1, 18)]
    return {"reoffended": all_of(months)}


def days_to_reoffence(answers: Answers) -> Scores:
    """Count an event by day 365; unknown for a person who is not followed so long."""
    days, event = answers
    early = None if days is None else days < 365
    if early or days == 365:
        return {"new-event": 1.0 if event == 1 else None if early or event is None else 0.0}
    return {"new-event": within(days, 0, 365)}


def marac_repeat(answers: Answers) -> Scores:
    """Count a further incident within 12 months; unknown if none and fewer have passed."""
    repeat, months = answers
    if repeat == 0 and (months is None or months < 12):
        repeat = None
    return {"repeat-incident": repeat}


def social_care_status(answers: Answers) -> Scores:
    return {"status": answers[0]}


RECORDS: dict[str, Scorer] = {
    "police-callouts": police_callouts,
    "school-attendance": school_attendance,
    "school-exclusion": school_exclusion,
    "programme-dose": programme_dose,
    "proven-reoffending": proven_reoffending,
    "social-care-status": social_care_status,
    "days-to-reoffence": days_to_reoffence,
    "marac-repeat": marac_repeat,
}

SCORERS: dict[str, Scorer] = ADULTS | SUBSTANCE | ABUSE | EXPERIENCE | CHILDREN | FAMILIES | RECORDS

# Where the notes leave room, SCORERS gives no score to a form with blanks, or keeps to the letter;
# these functions read as the registry does. The tests name each, with the line of the notes.


def decided(scorer: Scorer, scale: str, answers: Answers, low: float, high: float) -> float | None:
    """Return what comes out however the blanks are filled in; None if that depends on them."""
    found = [scorer([blank if x is None else x for x in answers])[scale] for blank in (low, high)]
    return found[0] if found[0] == found[1] else None


def phq_9_decided(answers: Answers) -> Scores:
    return {"major-syndrome": decided(phq_9, "major-syndrome", answers, 0, 3)}


def pcl_5_decided(answers: Answers) -> Scores:
    found = decided(pcl_5, "provisional-diagnosis", answers, 0, 4)
    return {"provisional-diagnosis": found}


def programme_dose_decided(answers: Answers) -> Scores:
    shares = programme_dose(answers)
    met = [shares["hours-share"], shares["weeks-share"]]
    return {"complete": all_of([None if x is None else float(x >= 1) for x in met])}


def me_and_my_feelings_local(answers: Answers) -> Scores:
    """Prorate as one survey did: up to 3 of 10 missing, and up to 2 of 6."""
    values = turned(answers, [15], 2)
    return {"emotional": total(values[:10], spare=3), "behavioural": total(values[10:], spare=2)}


OTHER_READINGS: dict[str, Scorer] = {
    "phq-9": phq_9_decided,
    "pcl-5": pcl_5_decided,
    "programme-dose": programme_dose_decided,
    "me-and-my-feelings": me_and_my_feelings_local,
}
