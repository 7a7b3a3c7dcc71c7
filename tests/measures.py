"""Answers to any measure: every allowed value, random rows with blanks, the two extremes of a scale."""

import math

import numpy as np
import pandas as pd

FEW = [
    "audit", "dash-safelives", "dudit", "eq-5d-5l", "ghq-12", "itq", "phq-9", "school-attendance",
    "social-care-status", "sdq-parent-4-17", "swemwbs", "urica-dv",
]  # fmt: skip
"""Every scoring method, skip rules, optional items, bands and flags by sex, and every kind of flag."""


def values_of(item):
    """Return what an item may take; a sample of it where there are very many or no end."""
    if item.codes:
        return [float(code) for code, _ in item.codes]
    high = item.low + 40 if math.isinf(item.high) else item.high
    step = item.step or (high - item.low) / 16
    values = np.arange(item.low, high + 1e-9, step)
    return list(values if len(values) <= 500 else values[:: len(values) // 400])


def column(measure, item):
    return f"{measure.column}_{item.column}"


def random_answers(measure, n=200, seed=7, blank=0.12):
    """Answers in every row, some blank, one row without any; and who the people are."""
    draw = np.random.default_rng(seed)
    frame = pd.DataFrame({column(measure, x): draw.choice(values_of(x), n) for x in measure.items})
    sparse = draw.random(frame.shape) < blank * draw.choice([0, 1, 3], size=(n, 1))
    frame = frame.mask(sparse).astype(float)
    frame.iloc[0] = np.nan
    for scale in measure.scales:
        if scale.method == "ratio" and math.isfinite(scale.high):
            _make_possible(frame, measure, scale)
    frame["sex"] = draw.choice(["male", "Female ", "other", ""], n)
    frame["grade"] = draw.choice([3.0, 7.0, 12.0, 1.0], n)
    return frame


def _make_possible(frame, measure, scale):
    """Raise the whole to at least its parts."""
    parts = frame[[column(measure, measure.item(x)) for x in scale.items]].sum(axis=1)
    for whole in (column(measure, measure.item(x)) for x in scale.per):
        frame[whole] = frame[whole].where(~(frame[whole] < parts), parts)


def leaning(measure, scale, sign=1):
    """Return for every item of a scale whether a higher answer raises (+1) or lowers (-1) it."""
    weights = dict(scale.weights)
    found = {}
    for part in scale.of:
        found |= leaning(
            measure, measure.scale(part), sign * int(math.copysign(1, weights.get(part, 1)))
        )
    for item in scale.items:
        turned = -1 if item in scale.reverse else 1
        found[item] = sign * turned * int(math.copysign(1, weights.get(item, 1)))
    return found


def extreme(measure, scale, *, highest):
    """Return a row of answers that makes a scale as high, or as low, as it can be."""
    leans = leaning(measure, scale)
    row = {}
    for item in measure.items:
        values = values_of(item)
        recoded = dict(scale.recode)
        up = (leans.get(item.id, 1) > 0) == highest
        if item.id in scale.items and recoded and item.id not in scale.reverse:
            row[column(measure, item)] = (max if highest else min)(
                values, key=lambda x: recoded.get(x, x)
            )
        else:
            row[column(measure, item)] = max(values) if up else min(values)
    return row
