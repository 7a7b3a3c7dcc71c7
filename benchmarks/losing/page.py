"""docs/missing-calibration.md: what was lost, what each method made of it, and how to read that."""

from __future__ import annotations

from collections.abc import Mapping
from math import isnan

from benchmarks.calibrating.page import versions
from benchmarks.losing.methods import IMPUTATIONS, METHODS, ROUNDS, Method
from benchmarks.losing.readings import GUIDE, reading
from benchmarks.losing.runs import (
    CELLS,
    EFFECT,
    FAR,
    PEOPLE,
    Cell,
    Floats,
    Found,
    Tipped,
    summary,
    tipped,
)
from benchmarks.losing.trials import HIGH, LOSSES, LOW, Loss

NOT = "–"
HEAD = """# What losing people does to an answer

Made by `python benchmarks/missing.py --runs {runs} --seed {seed} --write docs/missing-calibration.md`; not edited by hand.
{versions}.

Trials of two arms of equal size with a baseline, a middle and a last wave, whose truth is known, are made {runs} times for each row, with
an effect of {effect:g} SD and without one; people are lost from them, and each method of `evalkit.stats` says what the effect at the last
wave is. Scores are normal with SD 1 in an arm, more is better; the baseline goes with the middle wave by 0.6 and with the last by 0.5, the
middle with the last by 0.7; half of the effect is there at the middle wave. Where loss hangs on something, it does so by a probit with a
slope of 1 for each SD, which is strong: of those one SD to the side that leaves six in ten are lost, of those one SD to the other four in 100.

Bias is the mean of the estimates less the truth, in SDs; coverage counts how often the 95% interval held the truth, and should be 95; width
is that of the interval, in SDs; "finds" counts the intervals without 0: with an effect that is power, without one it should be 5. ± is one
Monte-Carlo standard error: what chance alone does to so many runs. Bounds give no estimate, so they have no bias. The number at the end of
a row is that of the sentence below the table that says how to read it.

Imputing is by matching (`impute`, the default), apart in each arm, {m} times in {rounds} rounds; "normal model" is `method="norm"`; estimates
are adjusted for the baseline and pooled. Weights are `attrition_weights` with a model for each arm. Reference-based are
`reference_based_difference` of both waves given the baseline. "Less the baseline's part" means that what the baseline foretells within arms
is taken off the scores first, as the report does. The scale runs from {low:g} to {high:g} SDs. Random numbers follow from the seed and the
words of a row, whatever the number of workers.

## In short

How often, in 100, the 95% interval held the truth, of {most} people, with the effect. Below 93 or so it promises too much.

{overview}

{guide}
"""
COLUMNS = (
    "method", "people", "bias", "coverage %", "width", "finds %", "bias, no effect",
    "finds, no effect %", "reading",
)  # fmt: skip
TIPPING = f"""## Tipping points

How far the scores imputed for those lost from the programme (from baseline and middle wave) must be shifted before the interval reaches 0.
"Finding" is the share of runs whose interval lies above 0 without a shift; "beyond {FAR:g} SD" the share of runs with a finding that takes a
shift of more than {FAR:g} SD to undo; "median" the shift that undoes a finding; "needed" the shift that would have made what was imputed
right, which only a simulation knows; "stands" the share of runs with a finding that this shift does not undo."""
TIPPING_COLUMNS = (
    "loss", "people", "effect", "finding %", f"beyond {FAR:g} SD %", "median", "needed", "stands %",
)  # fmt: skip
TIPPING_READING = f"""Where those lost are like those seen, next to no shift is needed. Where people leave because of how they end, the shift needed is most of an
SD, far more than a rule of thumb of {FAR:g} SD: a tipping point beyond {FAR:g} SD is no proof that a finding would stand, and without an effect
some findings have one. What counts is whether the shift is larger than the worst that people who know the families can imagine."""


def page(found: Mapping[Cell, Floats], *, runs: int, seed: int) -> str:
    """Return the page; `runs` and `seed` are those asked for."""
    head = HEAD.format(
        runs=runs, seed=seed, versions=versions(), effect=EFFECT, m=IMPUTATIONS, rounds=ROUNDS,
        low=LOW, high=HIGH, most=PEOPLE[-1], overview="\n".join(_overview(found)),
        guide="\n".join(f"- **{name}** {text}" for name, text in GUIDE),
    )  # fmt: skip
    return "\n".join([head, *(_section(loss, found) for loss in LOSSES), _tipping(found)])


def cells(loss: Loss, people: int) -> tuple[Cell, Cell]:
    """Return the cell with an effect and the one without."""
    return Cell(loss, people, EFFECT), Cell(loss, people, 0.0)


def row(method: Method, people: int, with_effect: Found, without: Found, number: int) -> str:
    """Return the line of a method and a number of people."""
    refused = with_effect.refused
    words = method.words + (f" ({100 * refused:.1f}% refused)" if refused else "")
    return _line([
        words, str(people), _bias(with_effect), _share(with_effect, with_effect.coverage),
        NOT if isnan(with_effect.width) else f"{with_effect.width:.2f}",
        _share(with_effect, with_effect.finds), _bias(without), _share(without, without.finds),
        str(number),
    ])  # fmt: skip


def _bias(found: Found) -> str:
    return NOT if isnan(found.bias) else f"{found.bias + 0.0:.3f} ± {found.bias_error:.3f}"


def _share(found: Found, share: float) -> str:
    return NOT if isnan(share) else f"{100 * share:.1f} ± {100 * found.error(share):.1f}"


def _line(parts: list[str]) -> str:
    return f"| {' | '.join(parts)} |"


def _heads(names: tuple[str, ...]) -> list[str]:
    return [_line(list(names)), _line(["---"] * len(names))]


def _overview(found: Mapping[Cell, Floats]) -> list[str]:
    lines = _heads(("method", *(loss.name for loss in LOSSES)))
    held = [cells(loss, PEOPLE[-1])[0] for loss in LOSSES]
    for method in METHODS:
        shares = [summary(cell, method, found[cell]).coverage for cell in held]
        lines.append(
            _line([method.words, *(NOT if isnan(x) else f"{100 * x:.0f}" for x in shares)])
        )
    return lines


def _section(loss: Loss, found: Mapping[Cell, Floats]) -> str:
    said: dict[str, int] = {}
    lines = _heads(COLUMNS)
    for method in METHODS:
        number = said.setdefault(reading(loss, method).text, len(said) + 1)
        for people in PEOPLE:
            both = [summary(cell, method, found[cell]) for cell in cells(loss, people)]
            lines.append(row(method, people, both[0], both[1], number))
    notes = [f"{number}. {text}" for text, number in said.items()]
    parts = [f"## {loss.name}", loss.simulated, "\n".join(lines), "\n".join(notes)]
    return "\n\n".join(parts) + "\n"


def _tipping(found: Mapping[Cell, Floats]) -> str:
    lines = _heads(TIPPING_COLUMNS)
    for cell in CELLS:
        one = tipped(found[cell])
        if one is not None:
            lines.append(tipping_row(cell, one))
    return "\n\n".join([TIPPING, "\n".join(lines), TIPPING_READING]) + "\n"


def tipping_row(cell: Cell, one: Tipped) -> str:
    """Return the line of a cell's tipping points."""
    shares = [f"{100 * share:.1f}" for share in (one.finds, one.far, one.stands)]
    median = NOT if isnan(one.median) else f"{one.median:.2f}"
    return _line([
        cell.loss.name, str(cell.people), f"{cell.effect:g}", shares[0], shares[1], median,
        f"{one.needed + 0.0:.2f}", shares[2],
    ])  # fmt: skip
