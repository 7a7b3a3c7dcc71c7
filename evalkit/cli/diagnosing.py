"""`evalkit diagnose`: what the declared plan would find in trials that are made up, with their truth."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import AsJson, EvaluationFile, MeasuresFolder, Quiet
from evalkit.cli.output import guarded, progress, say, write_json

if TYPE_CHECKING:
    from evalkit.diagnosing.diagnosis import Diagnosis
    from evalkit.diagnosing.operating import Characteristic

FEW = 100
UNITS = {"points": "points", "share": "as a share", "ratio": "as a logarithm"}


@guarded
def diagnose(
    file: EvaluationFile,
    n: Annotated[int, typer.Option("--n", help="Families in the trial.")] = 100,
    effect: Annotated[
        float, typer.Option("--effect", help="Effect assumed, in SDs; positive is better.")
    ] = 0.3,
    attrition: Annotated[
        float, typer.Option("--attrition", help="Share lost after the first wave, 0 to 0.95.")
    ] = 0.2,
    runs: Annotated[int, typer.Option("--runs", help="How many trials to make.")] = 200,
    workers: Annotated[int, typer.Option("--workers", help="Processes at once.")] = 1,
    seed: Annotated[
        int | None, typer.Option("--seed", help="Whole number; else that of the evaluation.")
    ] = None,
    family_size: Annotated[
        int, typer.Option("--family-size", help="People of each role in a family.")
    ] = 1,
    sites: Annotated[
        int | None, typer.Option("--sites", help="Sites, where the plan rests on them.")
    ] = None,
    icc: Annotated[
        float, typer.Option("--icc", help="Share of the variance between sites or groups.")
    ] = 0.05,
    measures: MeasuresFolder = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Say what this plan could show: run its own analysis on many made trials with a known truth.

    No data are read. Half as many trials again are made without any effect.
    """
    import evalkit as ek
    from evalkit.diagnosing.diagnosis import CHUNK

    evaluation = ek.load(file, measures)
    null = max(1, runs // 2) if effect else 0
    chunks = math.ceil(runs / CHUNK) + math.ceil(null / CHUNK)
    with progress(max(1, chunks), quiet=quiet) as step:
        step(f"making and analysing {runs + null} trials")
        found = ek.diagnose(
            evaluation, runs=runs, null_runs=null, workers=workers, n=n, effect=effect,
            seed=evaluation.declared.seed if seed is None else seed, attrition=attrition,
            family_size=family_size, sites=sites, icc=icc,
            progress=lambda done: step(f"{done} of {runs + null} trials"),
        )  # fmt: skip
    if as_json:
        return write_json(_document(found))
    _show(found)


def _document(found: Diagnosis) -> dict[str, Any]:
    return {
        "ok": True, "runs": found.runs, "null_runs": found.null_runs,
        "assumes": list(found.assumes), "given": found.given, "results": list(found.results),
        "claims": list(found.claims), "levels": list(found.levels),
    }  # fmt: skip


def _show(found: Diagnosis) -> None:
    say(f"{found.runs} trials were made and analysed as planned, {found.null_runs} without effect.")
    say("\nTaken for granted")
    for sentence in found.assumes:
        say(f"  {sentence}")
    for row in found.results:
        say(f"\n{_name(row)}")
        say(f"  {row.sentence}")
        for line in _figures(row, found):
            say(f"  {line}")
        _show_rates(found, row)
    say("\nAfter ± stands the Monte-Carlo error: more --runs make it smaller.")
    if found.runs < FEW:
        say(f"{found.runs} run(s) are too few to rely on: plan with --runs {FEW} or more.")


def _name(row: Characteristic) -> str:
    parts = [row.outcome, row.wave and f"at {row.wave}", row.contrast]
    by = None if row.informant in (None, "self") else f"answered by {row.informant}"
    primary = "primary result" if row.primary else None
    return ", ".join(part for part in [*parts, by, primary] if part)


def _figures(row: Characteristic, found: Diagnosis) -> list[str]:
    unit = UNITS[row.unit]
    lines = [f"truth {row.truth:.3g} ({unit})"]
    if row.bias is not None:
        lines.append(f"bias {row.bias:.2g}{_error(row.bias_mcse)}")
    if row.empirical_se is not None:
        lines.append(
            f"standard error {row.empirical_se:.3g}{_error(row.empirical_se_mcse)}, "
            f"as estimated {row.model_se:.3g}"
        )
    runs, null = found.runs, found.null_runs
    clear = round(runs * (row.power or 0.0))
    lines.append(_share("power", row.power, row.power_mcse, runs))
    lines.append(_share("intervals that hold the truth", row.coverage, row.coverage_mcse, runs))
    lines.append(_share("clear without any effect", row.type_one, row.type_one_mcse, null))
    lines.append(
        _share("clear findings of the wrong sign", row.wrong_sign, row.wrong_sign_mcse, clear)
    )
    return [line for line in lines if line]


def _share(name: str, value: float | None, error: float | None, trials: int) -> str:
    """Return a share with its Monte-Carlo error; of none or all, what so few trials leave open."""
    if value is None:
        return ""
    if error or trials < 1:
        return f"{name} {value:.1%}" + (f" ± {error:.1%}" if error else "")
    open_to = 1 - 0.05 ** (1 / trials)
    edge = f"at most {open_to:.1%}" if value < 0.5 else f"at least {1 - open_to:.1%}"
    return f"{name} {value:.1%} (in {trials} trials: {edge})"


def _error(value: float | None) -> str:
    return f" ± {value:.1g}" if value else ""


def _show_rates(found: Diagnosis, row: Characteristic) -> None:
    key = (row.outcome, row.wave, row.informant, row.contrast)
    claims = [c for c in found.claims if c.effect and _key(c) == key]
    levels = [c for c in found.levels if c.effect and _key(c) == key]
    if claims:
        say("  would be said: " + ", ".join(f"{c.claim} {c.share:.0%}" for c in claims))
    if levels:
        say("  level reached: " + ", ".join(f"{c.level} in {c.share:.0%}" for c in levels))


def _key(row: Any) -> tuple[Any, ...]:
    return row.outcome, row.wave, row.informant, row.contrast
