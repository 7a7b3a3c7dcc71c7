"""`evalkit check`: every problem at once, or what was read and what is missing. No results."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import typer

from evalkit.areas.described import series_lines
from evalkit.cli.options import AsJson, EvaluationFile, MeasuresFolder, Quiet
from evalkit.cli.output import (
    FIXABLE,
    guarded,
    problem_record,
    progress,
    say,
    show_problems,
    write_json,
)
from evalkit.errors import FoundProblems

if TYPE_CHECKING:
    from evalkit.flow import Step
    from evalkit.study import Study

WORDS = {
    "came-in": "came in", "eligible": "eligible", "allocated": "allocated",
    "matched": "matched", "due": "due", "returned": "answered", "analysed": "can be analysed",
}  # fmt: skip


@guarded
def check(
    file: EvaluationFile,
    measures: MeasuresFolder = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Check the evaluation and its data; list every problem, or say what was read.

    No result is shown: it is safe to run before the plan is final.
    """
    import evalkit as ek
    from evalkit.files.evaluations import shown_name

    try:
        with progress(2, quiet=quiet) as step:
            step("reading the evaluation")
            evaluation = ek.load(file, measures)
            step("reading and checking the data")
            study = evaluation.study()
    except FoundProblems as error:
        return _problems(shown_name(file), error, as_json=as_json)
    if as_json:
        return write_json(_document(study))
    _show(study)


def _problems(name: str, error: FoundProblems, *, as_json: bool) -> None:
    problems = list(error.problems)
    count = f"{len(problems)} {'problem' if len(problems) == 1 else 'problems'}"
    if as_json:
        write_json({"ok": False, "problems": [problem_record(item) for item in problems]})
        say(f"{name}: {count} to put right.", err=True)
    else:
        say(f"{count} to put right in {name} and its data:")
        show_problems(problems, err=False)
    raise typer.Exit(FIXABLE)


def _document(study: Study) -> dict[str, Any]:
    evaluation = study.evaluation
    return {
        "ok": True,
        "programme": evaluation.declared.programme.name,
        "design": evaluation.design.id,
        "read": [{"file": name, "rows": rows} for name, rows in study.intake.rows_read],
        "people": len(study.intake.people),
        "families": int(study.intake.people["family"].nunique()),
        "waves": [wave.id for wave in evaluation.waves],
        "series": list(series_lines(study)),
        "notes": list(study.problems),
        "safeguarding": {"people": int(study.safeguarding["person"].nunique())},
        "audit": list(evaluation.audit()),
        "flow": list(study.flow().steps),
        "coverage": list(study.coverage()),
        "returns": list(study.prospects()),
    }


def _show(study: Study) -> None:
    evaluation, people = study.evaluation, study.intake.people
    say(f"{evaluation.name} and its data are in order: {evaluation.declared.programme.name}")
    say(f"Design: {evaluation.design.name}")
    say("\nRead")
    for name, rows in study.intake.rows_read:
        say(f"  {name}: {rows} rows")
    if evaluation.declared.data.people is not None:
        say(f"  {len(people)} people in {people['family'].nunique()} families")
        say(f"  waves: {', '.join(wave.id for wave in evaluation.waves)}")
    for line in series_lines(study):
        say(f"  {line}")
    for note in study.problems:
        say(f"  note: {note}")
    flagged = study.safeguarding
    if len(flagged):
        people = flagged["person"].nunique()
        say(f"  safeguarding: {people} people to be seen; `evalkit run` lists them apart")
    _show_audit(study)
    if evaluation.declared.data.people is not None:
        _show_coverage(study)
        _show_flow(study)
        _show_returns(study)
    say(
        "\nNo result has been looked at. The counts above are exact: they are for you, not to share."
    )


def _show_audit(study: Study) -> None:
    gaps = study.evaluation.audit()
    say("\nTheory of change")
    if not gaps:
        say("  nothing is missing")
    for gap in gaps:
        say(f"  {gap.node}: {gap.what}. {gap.next_step}")


def _show_coverage(study: Study) -> None:
    say("\nWho is measured (people taking part)")
    for row in study.coverage():
        who = "" if row.informant == "any" else f", answered by {row.informant}"
        parts = [
            f"{row.n_measured} of {row.n_people} measured",
            *([f"{row.n_not_measured} not measured"] if row.n_not_measured else []),
            *([f"{row.n_not_due} not due yet"] if row.n_not_due else []),
            *([f"{row.n_not_asked} not asked"] if row.n_not_asked else []),
        ]
        say(f"  {row.role} at {row.wave}{who}: {', '.join(parts)}")


def _show_flow(study: Study) -> None:
    say("\nWho got how far (people)")
    flow = study.flow()
    for target, _ in study.everyone:
        by = target.informant if target.informant != "self" else "the person"
        say(f"  {target.outcome.id} at {target.wave}, {target.measure} answered by {by}")
        steps = flow.of(target.outcome.id, target.wave, target.informant)
        for arm in dict.fromkeys(step.arm for step in steps):
            _show_arm(arm, [step for step in steps if step.arm == arm])


def _show_returns(study: Study) -> None:
    """Say what the loss will be at the current rates of return, result by result."""
    found = study.prospects()
    if not found:
        return
    say("\nWhere the loss is heading (no outcome was looked at)")
    for row in found:
        by = "the person" if row.informant == "self" else row.informant
        arms = f", {row.contrast}" if row.contrast else ""
        say(f"  {row.outcome} at {row.wave}, answered by {by}{arms}: {row.sentence}")


def _telling(steps: list[Step]) -> list[Step]:
    """Return the steps that always matter, and the others where somebody was lost on the way."""
    counted = [step for step in steps if step.reason is None]
    changed = [now.n != before.n for before, now in pairwise(counted)]
    kept = zip(counted, [True, *changed], strict=True)
    return [step for step, moved in kept if moved or step.step in ("due", "returned", "analysed")]


def _show_arm(arm: str, steps: list[Step]) -> None:
    reached = [f"{step.n} {WORDS[step.step]}" for step in _telling(steps)]
    left = [f"{step.n} {step.reason}" for step in steps if step.reason is not None]
    if steps and steps[0].n == 0:
        return say(f"    {arm}: nobody")
    say(f"    {arm}: {', '.join(reached)}")
    if left:
        say(f"      left out: {'; '.join(left)}")
