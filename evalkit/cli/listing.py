"""`evalkit measures` and `evalkit designs`: what the registry holds."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from evalkit.cli.options import AsJson, MeasuresFolder, faults, origin
from evalkit.cli.output import guarded, plain, say, write_json
from evalkit.cli.searching import (
    About,
    Age,
    ByLicence,
    ByPurpose,
    ByRespondent,
    Construct,
    ages_said,
    find,
    nothing_found,
)

if TYPE_CHECKING:
    from evalkit.design_spec import Design

measures = typer.Typer(no_args_is_help=True, help="The measures that can be scored.")
designs = typer.Typer(no_args_is_help=True, help="The designs an evaluation can have.")


class Kind(StrEnum):
    """What kind of entry of the registry is wanted."""

    instrument = "instrument"
    score_only = "score-only"
    indicator = "indicator"
    framework = "framework"
    metadata = "metadata"


HEADINGS = {
    "instrument": "Instruments scored from item answers",
    "indicator": "Indicators counted from records",
    "score-only": "Instruments of which finished scores are taken in",
    "framework": "Frameworks an evaluation can be checked against",
    "metadata": "Known, and not scored (evalkit measures show ID says why)",
}


@measures.command("list")
@guarded
def list_measures(
    kind: Annotated[Kind | None, typer.Option("--kind", help="Only entries of this kind.")] = None,
    construct: Construct = None,
    respondent: ByRespondent = None,
    about: About = None,
    age: Age = None,
    licence: ByLicence = None,
    purpose: ByPurpose = None,
    folder: MeasuresFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the measures, by kind; filters narrow the list, and all of them must fit."""
    import evalkit as ek

    known = [ek.measure(name, folder) for name in ek.measures(folder)]
    wanted = {"kind": kind, "construct": construct, "respondent": respondent, "subject": about,
              "age": age, "licence": licence, "purpose": purpose}  # fmt: skip
    found = find(known, wanted)
    if as_json:
        rows = [{"id": x.id, "title": x.title, "kind": x.kind, "purpose": x.purpose} for x in found]
        if age is not None:
            rows = [row | {"ages": ages_said(x)} for row, x in zip(rows, found, strict=True)]
        return write_json({"measures": rows})
    if not found:
        return say("\n".join(nothing_found(known, wanted)))
    width = max(len(item.id) for item in found)
    for name, heading in HEADINGS.items():
        mine = [item for item in found if item.kind == name]
        if mine:
            say(f"{heading} ({len(mine)})")
        for item in mine:
            aside = "" if age is None else f" [{ages_said(item)}]"
            say(f"  {item.id.ljust(width)}  {item.title}{aside}")
    for fault in faults(folder):
        say(fault)


@measures.command("show")
@guarded
def show_measure(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id, as in `measures list`.")],
    folder: MeasuresFolder = None,
    as_json: AsJson = False,
) -> None:
    """Show one measure: scales, ranges, who answers, licence and sources."""
    import evalkit as ek

    found = ek.measure(name, folder)
    if as_json:
        return write_json({"source": origin(name, folder)} | plain(found))
    say(found.card())
    say(f"Version {found.version}, {origin(name, folder)}")


@designs.command("list")
@guarded
def list_designs(as_json: AsJson = False) -> None:
    """List the designs."""
    import evalkit as ek

    rows = [(name, ek.design(name).name) for name in ek.designs()]
    _list("designs", rows, as_json=as_json)


@designs.command("show")
@guarded
def show_design(
    name: Annotated[str, typer.Argument(metavar="ID", help="The id, as in `designs list`.")],
    as_json: AsJson = False,
) -> None:
    """Show one design: what it needs, what is checked, and what it can show at best."""
    import evalkit as ek

    found = ek.design(name)
    if as_json:
        return write_json(found.model_dump(mode="json"))
    say("\n".join(_design_card(found)))


def _list(noun: str, rows: list[tuple[str, str]], *, as_json: bool) -> None:
    if as_json:
        return write_json({noun: [{"id": name, "title": title} for name, title in rows]})
    width = max((len(name) for name, _ in rows), default=0)
    for name, title in rows:
        say(f"{name.ljust(width)}  {title}")


def _events_on_card(design: Design) -> list[str]:
    if not design.intercurrent:
        return []
    lines = [f"  {item.event}: {item.strategy}; {item.why}" for item in design.intercurrent]
    return ["What happens after the start, unless the plan says otherwise", *lines]


def _design_card(design: Design) -> list[str]:
    return [
        f"{design.name} ({design.id})",
        design.plain,
        "",
        "Needs",
        *[f"  {need.key}: {need.why}" for need in design.needs],
        "Checks",
        *[f"  {check.check}: {check.why}" for check in design.checks],
        *_events_on_card(design),
        *(["What must hold"] if design.assumptions else []),
        *[f"  {line}" for line in design.assumptions],
        "What can go wrong",
        *[f"  {threat.name}: {threat.sentence}" for threat in design.threats],
        "",
        f"Estimates: {design.estimand_plain}",
        f"Estimators (the first unless the plan names another): {', '.join(design.estimators)}",
        *(
            [f"Analyses beside it, where the plan asks: {', '.join(design.beside)}"]
            if design.beside
            else []
        ),
        f"Level at best: {design.ceiling} ({design.ceiling_reason})",
        f"May be said: {design.claims.may}",
        f"May not be said: {design.claims.may_not}",
        *[f"Source: {source}" for source in design.sources],
    ]
