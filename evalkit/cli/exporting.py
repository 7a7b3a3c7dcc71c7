"""`evalkit measures export`: a measure as a form to collect answers with."""

from __future__ import annotations

import json
import os
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.cli.options import AsJson, MeasuresFolder
from evalkit.cli.output import guarded, refuse_use, say, write_json
from evalkit.errors import InvalidInput

if TYPE_CHECKING:
    from evalkit.instruments.spec import Measure


class Format(StrEnum):
    """What a measure is exported to."""

    xlsform = "xlsform"
    redcap = "redcap"
    fhir = "fhir"
    excel = "excel"
    json = "json"


class FhirVersion(StrEnum):
    """Which version of FHIR is written."""

    r5 = "R5"
    r4b = "R4B"


SUFFIXES = {
    Format.xlsform: "xlsform.xlsx", Format.redcap: "redcap.csv", Format.fhir: "fhir.json",
    Format.excel: "xlsx", Format.json: "json",
}  # fmt: skip
WINDOWS = frozenset(
    ("con", "prn", "aux", "nul", *(f"{name}{n}" for name in ("com", "lpt") for n in range(1, 10)))
)
"""Names that Windows gives to devices, whatever stands behind a dot."""


@guarded
def export(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id, as in `measures list`.")],
    form: Annotated[Format, typer.Option("--format", help="What to make of it.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="File or folder. Default: the id, with a suffix.")
    ] = None,
    fhir_version: Annotated[
        FhirVersion, typer.Option("--fhir-version", help="With --format fhir.")
    ] = FhirVersion.r5,
    force: Annotated[bool, typer.Option("--force", help="Write over a file of that name.")] = False,
    waves: Annotated[
        str, typer.Option("--waves", help="With excel and xlsform: your waves, with commas.")
    ] = "baseline,end",
    folder: MeasuresFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write a measure as a form: for Kobo and ODK, REDCap, FHIR or Excel; or as plain JSON.

    The wording of questions is written only where the licence of the measure includes it.
    """
    import evalkit as ek

    measure = ek.measure(name, folder)
    target = _target(out, measure, form)
    named = tuple(word.strip() for word in waves.split(",") if word.strip())
    content = made(measure, form, fhir_version, waves=named or ("baseline", "end"))
    write_whole(content, target, force=force)
    advice = _advice(measure, form)
    if as_json:
        return write_json({"ok": True, "measure": measure.id, "format": form.value,
                           "out": str(target.resolve()), "advice": advice})  # fmt: skip
    say(f"Written: {target.resolve()}")
    for line in advice:
        say(line)


def made(
    measure: Measure, form: Format, fhir_version: FhirVersion = FhirVersion.r5, *,
    waves: tuple[str, ...] = ("baseline", "end"),
) -> bytes:  # fmt: skip
    """Return the contents of the file."""
    from evalkit.forms import as_json, excel, fhir, redcap, xlsform

    if form is Format.xlsform:
        return xlsform.workbook(measure, waves=waves)
    if form is Format.excel:
        return excel.template(measure, waves=waves)
    if form is Format.redcap:
        return redcap.dictionary(measure).encode()
    if form is Format.json:
        return _json(as_json.record(measure))
    return _json(fhir.questionnaire(measure, version=fhir_version.value))


def _json(document: dict[str, object]) -> bytes:
    return (json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def file_name(measure_id: str, form: Format) -> str:
    """Return a name that every system takes, and that stays in its folder."""
    kept = "".join(sign if sign.isascii() and sign.isalnum() else "-" for sign in measure_id)
    stem = kept.strip("-")[:100].lower()
    safe = f"measure-{stem}" if stem in WINDOWS or not stem else stem
    return f"{safe}.{SUFFIXES[form]}"


def _target(out: Path | None, measure: Measure, form: Format) -> Path:
    """Return where to write: in the folder named, or the file named, if its ending fits."""
    name = file_name(measure.id, form)
    if out is None or out.is_dir():
        return Path(name) if out is None else out / name
    ending = f".{SUFFIXES[form].rsplit('.', 1)[-1]}"
    if out.suffix.lower() != ending:
        what = (
            f"{form.value} is written as {ending[1:]}, and '{out.name}' does not end in {ending}."
        )
        refuse_use(f"--out: {what}")
    return out


def write_whole(content: bytes, target: Path, *, force: bool) -> None:
    """Write a file whole or not at all; over another one only with force, through a link never."""
    if target.is_symlink():
        raise InvalidInput(f"{target} is a link. Nothing was written. Name the file itself.")
    if target.exists() and not (force and target.is_file()):
        advice = "Choose another name with --out, or write over it with --force."
        raise InvalidInput(f"{target} is there already. Nothing was written. {advice}")
    part = target.with_name(f"{target.name}.part")
    part.unlink(missing_ok=True)
    try:
        with part.open("xb") as stream:
            stream.write(content)
        os.replace(part, target)
    finally:
        part.unlink(missing_ok=True)


def _advice(measure: Measure, form: Format) -> list[str]:
    """Return what the user must still know: whom to ask for the wording, which names were cut."""
    from evalkit.forms.asking import whom_to_ask
    from evalkit.forms.redcap import start_of_names

    licence = measure.licence
    ask = whom_to_ask(measure) if measure.items else ""
    said = [ask, f"Licence: {licence.status}, {licence.holder}. {licence.note}".strip()]
    start = start_of_names(measure) if form is Format.redcap else ""
    if start:
        said.append(
            f"REDCap takes names of at most 26 characters: the fields start with {start} and not with "
            f"{measure.column}_. Rename them in the export, or name the columns under items: in the "
            "yaml. The last column of the dictionary holds evalkit's names."
        )
    return [line for line in said if line]
