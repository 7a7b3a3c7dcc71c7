"""`evalkit run`: analyse and write the reports."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.flagging import Flagged, flags_beside, write_flags
from evalkit.cli.options import AsJson, EvaluationFile, MeasuresFolder, Quiet
from evalkit.cli.output import guarded, progress, refuse_later, refuse_use, say, write_json
from evalkit.errors import InvalidData

if TYPE_CHECKING:
    from evalkit.evaluation import Evaluation
    from evalkit.results import Finding
    from evalkit.study import Study

FORMATS = ("html", "json")
LATER_FORMATS = ("docx", "md", "xlsx", "pdf")
SUMMATIVE, FORMATIVE, FINDINGS = "summative.html", "formative.html", "findings.json"


class Kind(StrEnum):
    """Which report is wanted."""

    summative = "summative"
    formative = "formative"
    both = "both"


@dataclass(frozen=True, slots=True)
class Done:
    """What a run wrote and found; no findings where only the formative report was asked for."""

    programme: str
    written: tuple[Path, ...]
    findings: tuple[Finding, ...]
    safeguarding: Flagged


@guarded
def run(
    file: EvaluationFile,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Folder for the reports. Default: evalkit-reports beside it."),
    ] = None,
    kind: Annotated[
        Kind, typer.Option("--kind", help="Formative needs no results and looks at none.")
    ] = Kind.both,
    formats: Annotated[
        str, typer.Option("--as", metavar="html,json", help="Kinds of file, with commas.")
    ] = "",
    measures: MeasuresFolder = None,
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Analyse the data as declared and write the reports."""
    names = wanted(kind, _formats(formats))
    if not names:
        refuse_use("A formative report holds no findings: use --as html, or another --kind.")
    folder = out if out is not None else file.resolve().parent / "evalkit-reports"
    with progress(3 + len(names), quiet=quiet) as step:
        done = run_evaluation(file, folder, names, step, measures)
    if as_json:
        return write_json(record(done))
    _show(done)


def _formats(text: str) -> tuple[str, ...]:
    """Return the kinds of file asked for, or refuse what is not known."""
    asked = [word.strip().lower() for word in text.split(",") if word.strip()] or list(FORMATS)
    for word in asked:
        if word in LATER_FORMATS:
            refuse_later(word, f"Allowed: {', '.join(FORMATS)}.")
        if word not in FORMATS:
            refuse_use(f"--as: unknown kind of file '{word}'. Allowed: {', '.join(FORMATS)}.")
    return tuple(dict.fromkeys(asked))


def wanted(kind: Kind, formats: Iterable[str]) -> tuple[str, ...]:
    """Return the names of the files to write."""
    pages = {Kind.summative: (SUMMATIVE,), Kind.formative: (FORMATIVE,)}
    chosen = pages.get(kind, (SUMMATIVE, FORMATIVE))
    names = chosen if "html" in formats else ()
    return (*names, FINDINGS) if "json" in formats and kind is not Kind.formative else names


def run_evaluation(
    file: Path, folder: Path, names: Iterable[str], step: Callable[[str], None],
    measures: Path | None = None,
) -> Done:  # fmt: skip
    """Load, study, analyse where a result is wanted, and write the files named."""
    import evalkit as ek

    names = tuple(names)
    step("reading the evaluation")
    evaluation = ek.load(file, measures)
    step("reading and checking the data")
    study = _study(evaluation)
    folder.mkdir(parents=True, exist_ok=True)
    flagged = write_flags(study.safeguarding, flags_beside(folder))
    step("analysing")
    analysis = study.analyse() if set(names) - {FORMATIVE} else None
    written = []
    for name in names:
        step(f"writing {name}")
        if name == FORMATIVE or analysis is None:
            written.append(ek.report(study, folder / name, kind="formative"))
        else:
            written.append(ek.report(analysis, folder / name, kind="summative"))
    return Done(
        evaluation.declared.programme.name,
        tuple(path.resolve() for path in written),
        analysis.findings if analysis else (),
        flagged,
    )


def _study(evaluation: Evaluation) -> Study:
    """Read the data; where they are refused, say that nobody looked for what must reach a person."""
    try:
        return evaluation.study()
    except InvalidData:
        say("No answer was looked at for safeguarding: put the data right first.", err=True)
        raise


def record(done: Done) -> dict[str, Any]:
    """Return what was written and found as one record."""
    reports = {path.name: str(path) for path in done.written}
    return {
        "ok": True,
        "programme": done.programme,
        "reports": reports,
        "findings": list(done.findings),
        "safeguarding": done.safeguarding.record(),
    }


def headline(findings: Iterable[Finding]) -> Finding | None:
    """Return the finding on the primary outcome, else the first."""
    listed = list(findings)
    return next((item for item in listed if item.primary), listed[0] if listed else None)


def finding_lines(finding: Finding) -> list[str]:
    """Word one finding: the claim, then the statement."""
    where = finding.outcome + (f" at {finding.wave}" if finding.wave else "")
    by = f", answered by {finding.informant}" if finding.informant not in (None, "self") else ""
    main = " (primary)" if finding.primary else ""
    return [f"{where}{by}{main}: {finding.claim.replace('-', ' ')}", f"  {finding.statement}"]


def _show(done: Done) -> None:
    say(done.programme)
    if done.findings:
        say("Findings")
    for finding in done.findings:
        for line in finding_lines(finding):
            say(f"  {line}")
    if done.findings:
        say("The numbers above are exact: share the reports, which follow the disclosure rules.")
        say()
    say("Written")
    for path in done.written:
        say(f"  {path}")
    done.safeguarding.show()
