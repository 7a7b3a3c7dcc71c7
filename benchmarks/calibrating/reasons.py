"""Why a row is off, and what to do instead: one plain sentence each, the first that fits."""

from __future__ import annotations

import re
from dataclasses import dataclass

from benchmarks.calibrating.cells import Cell
from benchmarks.calibrating.runs import HIGH, Found

UNEXPLAINED = "Not explained yet: simulate more runs, and look into it if it stays."


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence for the cells whose names match; `wide` where their intervals are too wide."""

    cells: str
    text: str
    wide: bool = False


REASONS = (
    Reason(
        r"^mean_difference.*three times as spread; 5",
        "The five in the treated arm are also the most spread, so that the standard error rests nearly on "
        "them alone and its degrees of freedom are taken too high: put at least half of the people in the arm "
        "that will vary more, or call such a result uncertain whatever its p-value.",
    ),
    Reason(
        r"^mean_difference.*twice as spread; 3",
        "Three people hold nearly all of the uncertainty: put at least half of the people in the arm that "
        "will vary more, or call such a result uncertain whatever its p-value.",
    ),
    Reason(
        r"^mean_difference.*twice as spread; 9",
        "The degrees of freedom are those of the three people in the steadier arm, so the interval is "
        "wider than need be: it is safe to use, and more people in the comparison narrow it.",
        wide=True,
    ),
    Reason(
        r"^mean_difference.*skewed; 6",
        "Skewed scores in groups of six make t intervals wider than need be: safe to use.",
        wide=True,
    ),
    Reason(
        r"^risk_difference; 40 in 100; 6",
        "Six people an arm give so few different tables that coverage jumps with the true risks: show the "
        "counts, and do not rest a claim on the interval alone.",
    ),
    Reason(
        r"^risk_difference; 5 in 100; 30",
        "One or two events an arm give so few different tables that Newcombe's interval is wider than need "
        "be: safe to use.",
        wide=True,
    ),
    Reason(
        r'^rate_ratio, se="robust"; lognormal',
        "A few people have most of the events, and in a small sample they are often missing, which no "
        "standard error can know: test with permutation_test of the counts, and call the interval too "
        "narrow below about 200 an arm.",
    ),
    Reason(
        r"^rate_ratio; lognormal",
        "The default believes that rates differ as a gamma distribution says; here they differ more "
        'unevenly, and more people do not help: use se="robust", whose rows are below.',
    ),
    Reason(
        r"^rate_ratio.*gamma.*; 10",
        "Ten people an arm make the spread of rates look too small, and a normal interval allows nothing for "
        'that: use se="robust", whose rows are below.',
    ),
    Reason(
        r"^mean_difference.*effect size; true size 1.2",
        "The interval is that of the difference, divided by an SD taken as known, which is too narrow for "
        "large effects: judge by the difference in points, and where nothing is adjusted take the interval "
        "of hedges_g.",
    ),
    Reason(
        r"^(ordinal_odds_ratio|hazard_ratio), cluster; ICC 0.05",
        "The sandwich standard error is too small with few sites of unequal size: randomise more sites, or "
        "rest on permutation_test with cluster (of the category, or of having had the event) for the "
        "p-value, and call the interval too narrow.",
    ),
    Reason(
        r"^permutation_test; treated three",
        "The test asks whether anybody was affected, and spread that differs between arms of unequal size "
        'is an effect too: use statistic="t" where the question is the mean.',
    ),
)


def reason(cell: Cell, found: Found) -> str:
    """Return the sentence for a row that is off."""
    wide = found.coverage > HIGH
    for one in REASONS:
        if one.wide == wide and re.search(one.cells, cell.name):
            return one.text
    return UNEXPLAINED
