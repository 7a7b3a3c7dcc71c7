"""The words of what could be shown: plain English beside every number."""

from __future__ import annotations

from math import floor
from typing import TYPE_CHECKING

from evalkit.prospects.facts import points
from evalkit.rounding import written

if TYPE_CHECKING:
    from evalkit.prospects.designs import Means
    from evalkit.prospects.rows import Evaluability, Lever, Prospect

CLAIM = {5: "credited to the programme", 3: "likely due to the programme, if nothing unmeasured "
         "differs", 1: "described, not credited to the programme"}  # fmt: skip
COHEN = ((0.8, "large"), (0.5, "medium"), (0.2, "small"))


def in_hundred(share: float) -> str:
    """Return a chance as people count: "24 of 100", never none or all."""
    whole = floor(100 * share + 0.5)
    if share < 0.005:
        return "fewer than 1 of 100"
    return "more than 99 of 100" if whole > 99 else f"{whole} of 100"


def sites_words(sites: int) -> str:
    """Return how many sites there are."""
    return "1 site" if sites == 1 else f"{sites} sites"


def size_words(effect: float) -> str:
    """Return what an effect in standard deviations is by convention, and between two families."""
    from scipy.stats import norm

    label = next((name for least, name in COHEN if effect >= least - 1e-9), "less than small")
    better = floor(100 * float(norm.cdf(effect)) + 0.5)
    if better > 99:
        return f"{label}; the average with it beats nearly all without"
    return f"{label}; the average with it beats {better} of 100 without"


def smallest_words(found: Evaluability, row: Prospect) -> str:
    """Return the smallest effect of a design, with its range where a correlation is not known."""
    if row.smallest is None:
        return ""
    sd = f"{written(row.smallest, 2)} SD"
    return sd if found.yardstick.sd is None else f"{sd} = {points(found.yardstick, row.smallest)}"


def range_words(row: Prospect) -> str:
    """Return the smallest effect at the other plausible correlations."""
    if len(row.by_icc) < 2:
        return ""
    (low, least), (high, most) = row.by_icc[0], row.by_icc[-1]
    return f"{written(least, 2)} to {written(most, 2)} SD at an icc of {row.icc_of} of {low:g} to {high:g}"


def claim_words(row: Prospect) -> str:
    """Return the most that a design may claim."""
    words = next(text for level, text in CLAIM.items() if row.ceiling >= level)
    later = " (a design of a later version)" if row.later else ""
    return f"level {row.ceiling} of 5: {words}{later}"


def design_words(row: Prospect) -> str:
    """Return a design's name, with what it needs to be read with."""
    return f"{row.name} ({row.note})" if row.note and not row.later else row.name


def verdict(found: Evaluability, row: Prospect) -> str:
    """Return whether a design could show the declared effect, and what it would need."""
    if row.why_not:
        return f"not possible: {row.why_not}"
    if found.effect is None or row.chance is None:
        return ""
    effect = points(found.yardstick, found.effect)
    found_in = f"an effect of {effect} would be found in {in_hundred(row.chance)} such studies"
    if len(row.chance_by_icc) > 1:
        low, high = (f(c for _, c in row.chance_by_icc) for f in (min, max))
        found_in += (
            f" ({in_hundred(low)} to {in_hundred(high)}, as {row.icc_of} are more or less alike)"
        )
    if row.chance >= found.means.power:
        if row.ceiling < 3:
            return f"enough people, but a change may have any cause: {found_in}"
        return f"large enough: {found_in}"
    return f"too small: {found_in}; {_need(found, row)}"


def _need(found: Evaluability, row: Prospect) -> str:
    goal = in_hundred(found.means.power)
    ways = []
    if row.families_needed is not None:
        ways.append(f"{written(row.families_needed, 0)} families instead of "
                    f"{written(found.means.families, 0)}")  # fmt: skip
    if row.sites_needed is not None:
        ways.append(f"{row.sites_needed} sites of this size instead of {found.means.sites}")
    if not ways:
        return (
            f"no number of families would bring it to {goal} with {sites_words(found.means.sites)}"
        )
    return f"for {goal} you would need {', or '.join(ways)}"


def lever_words(lever: Lever, means: Means) -> str:
    """Return one way to raise the chance, as a sentence."""
    lost = f"{written(100 * lever.to, 0)}%" if lever.to else "nobody at all"
    what = {
        "first score": "Measure at the start too, and adjust for it (if first and last scores "
        f"correlate at {lever.to:g})",
        "loss": f"Lose {lost} instead of {written(100 * means.loss, 0)}%",
        "months": f"Recruit for {lever.to:g} months instead of {means.months or 0:g}",
        "families": f"Recruit {written(lever.to, 0)} families instead of {written(means.families, 0)}",
        "sites": f"Work in {lever.to:g} sites of this size instead of {means.sites}",
    }[lever.what]
    rest = "" if lever.enough else ", which is not enough alone"
    return f"{what}: found in {in_hundred(lever.chance)}{rest}."


def means_words(found: Evaluability) -> tuple[str, ...]:
    """Return what was put in and what is assumed, a sentence each."""
    m, yard = found.means, found.yardstick
    rate = (
        f" ({m.families_a_month:g} a month for {m.months:g} months)" if m.families_a_month else ""
    )
    said = [
        f"{written(m.families, 0)} families{rate}, {m.people_per_family:g} measured in each, "
        f"{sites_words(m.sites)}; {written(100 * m.loss, 0)}% lost, so that "
        f"{floor(m.people_left + 1e-9)} people have a last score.",
        f"An effect counts as found when p is below {m.alpha:g}, two-sided; "
        f"{in_hundred(m.power)} is the chance wanted. {written(100 * m.share_treated, 0)}% get the programme.",
    ]
    if yard.sd is not None:
        scale = f"{yard.name}: one" if yard.name else "One"
        said.append(f"{scale} standard deviation is {yard.sd:g} points ({yard.sd_source}).")
    said += _assumptions(m)
    return tuple(said)


def _assumptions(m: Means) -> list[str]:
    said = []
    if m.correlation is None:
        said.append(
            "No first score to adjust for in trials; before-and-after and difference in differences, "
            f"which need one, assume that it correlates at {m.assumed('correlation'):g} with the last."
        )
    else:
        said.append(
            f"First and last scores correlate at {m.correlation:g}; analyses adjust for it."
        )
    if m.people_per_family > 1:
        said.append(_alike("families", "--icc-family", m.icc_family, m.assumed("icc_family")))
    if m.sites > 1:
        said.append(_alike("sites", "--icc", m.icc, m.assumed("icc")))
        said.append(
            f"Where sites are compared over time their own level lasts at {m.cluster_autocorrelation:g} "
            "from one period to the next."
        )
    return said


def _alike(what: str, option: str, given: float | None, used: float) -> str:
    if given is not None:
        return f"People of the same {_one(what)} are alike by an icc of {given:g}."
    return (
        f"How alike people of the same {_one(what)} are is not known: an icc of {used:g} is assumed, and "
        f"the range shown beside it. Give {option} if you know it."
    )


def _one(what: str) -> str:
    return {"families": "family", "sites": "site"}[what]


def headline(found: Evaluability) -> str:
    """Return the answer in one or two sentences."""
    row = found.main
    if row.why_not:
        return f"{row.name}: {verdict(found, row)}."
    if found.effect is None:
        size = smallest_words(found, row)
        return (
            f"{row.name}: the smallest effect it could show is {size} "
            f"({size_words(row.smallest or 0)}). At most: {claim_words(row)}."
        )
    return f"{row.name}: {verdict(found, row)}. At most: {claim_words(row)}."


def page_text(found: Evaluability) -> list[str]:
    """Return everything as lines of text, for a terminal."""
    lines = [headline(found), "", "What this starts from"]
    lines += [f"  {text}" for text in means_words(found)]
    if found.levers:
        lines += ["", "What would raise the chance, one thing at a time, least effort first"]
        lines += [f"  {lever_words(lever, found.means)}" for lever in found.levers]
    if found.warnings:
        lines += ["", "Take care"]
        lines += [f"  {text}" for text in found.warnings]
    lines += ["", "Designs"]
    for row in found.rows:
        lines += _row_lines(found, row)
    return lines


def _row_lines(found: Evaluability, row: Prospect) -> list[str]:
    mark = "* " if row.design == found.chosen else "  "
    lines = [f"{mark}{design_words(row)}"]
    if row.why_not:
        return [*lines, f"      not possible: {row.why_not}"]
    size = f"{smallest_words(found, row)} ({size_words(row.smallest or 0)})"
    lines.append(f"      {row.people} people at the end; smallest effect {size}")
    if text := range_words(row):
        lines.append(f"      {text}")
    lines.append(f"      at most {claim_words(row)}")
    if text := verdict(found, row):
        lines.append(f"      {text}")
    return lines
