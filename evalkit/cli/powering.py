"""`evalkit power`: which design could show which effect, before any data exist."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from evalkit.cli.options import AsJson, MeasuresFolder
from evalkit.cli.output import guarded, plain, say, write_json
from evalkit.errors import InvalidInput

if TYPE_CHECKING:
    from evalkit.prospects.rows import Evaluability

SUFFIXES = (".svg", ".html", ".htm")


def _number(name: str, text: str) -> Any:
    return typer.Option(f"--{name}", metavar="N", help=text)


@guarded
def power(
    file: Annotated[
        Path | None, typer.Argument(metavar="evaluation.yaml", help="The evaluation file.")
    ] = None,
    families: Annotated[float | None, _number("families", "Recruited in all.")] = None,
    families_a_month: Annotated[
        float | None, _number("families-a-month", "Recruited in a month.")
    ] = None,
    months: Annotated[float | None, _number("months", "How long recruitment lasts.")] = None,
    people: Annotated[float, _number("people-per-family", "Measured in each family.")] = 1.0,
    sites: Annotated[int, _number("sites", "Sites, areas or schools.")] = 1,
    loss: Annotated[float, _number("loss", "Share without a last score, 0 to below 1.")] = 0.0,
    correlation: Annotated[
        float | None, _number("correlation", "Of first and last score; left out: no first score.")
    ] = None,
    icc: Annotated[float | None, _number("icc", "How alike people of a site are, 0 to 1.")] = None,
    icc_family: Annotated[
        float | None, _number("icc-family", "How alike people of a family are, 0 to 1.")
    ] = None,
    lasting: Annotated[
        float, _number("site-lasting", "How far a site's own level lasts over time, 0 to 1.")
    ] = 0.8,
    cv: Annotated[float, _number("cv", "Spread of the sites' sizes over their mean.")] = 0.0,
    strata: Annotated[int, _number("strata", "Strata of a stratified trial.")] = 4,
    share: Annotated[float, _number("share-treated", "Share who get the programme.")] = 0.5,
    wanted: Annotated[float, _number("power", "The chance wanted to find the effect.")] = 0.8,
    alpha: Annotated[float, _number("alpha", "The level of the test, two-sided.")] = 0.05,
    measure: Annotated[str | None, typer.Option("--measure", metavar="ID")] = None,
    scale: Annotated[str | None, typer.Option("--scale", metavar="ID")] = None,
    sd: Annotated[float | None, _number("sd", "Standard deviation, in points.")] = None,
    effect: Annotated[
        str | None,
        typer.Option("--effect", metavar="D", help='3 or "3 points" of the measure, or "0.3 sd".'),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option("--picture", help="Write the curve (.svg) or a page (.html).")
    ] = None,
    folder: MeasuresFolder = None,
    force: Annotated[bool, typer.Option("--force", help="Replace the picture.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say which design could show which effect with the families you have. No data are read."""
    import evalkit as ek
    from evalkit.prospects.words import headline, page_text

    _check_picture(picture, force=force)
    found = ek.evaluability(
        None if file is None else ek.load(file, folder),
        families=families, families_a_month=families_a_month, months=months,
        people_per_family=people, sites=sites, loss=loss, correlation=correlation, icc=icc,
        icc_family=icc_family, cluster_autocorrelation=lasting, cv=cv, strata=strata,
        share_treated=share, power=wanted, alpha=alpha, measure=measure, scale=scale, sd=sd,
        effect=effect, folder=folder,
    )  # fmt: skip
    if picture is not None:
        _write(found, picture)
    if as_json:
        return write_json({"headline": headline(found)} | plain(found))
    say("\n".join(page_text(found)))
    if picture is not None:
        say(f"\nWritten: {picture}")


def _check_picture(picture: Path | None, *, force: bool) -> None:
    if picture is None:
        return
    if picture.suffix.lower() not in SUFFIXES:
        raise InvalidInput(f"'{picture.name}' is no picture. Allowed: a name with .svg or .html.")
    if picture.exists() and not force:
        raise InvalidInput(
            f"{picture} is there already. Nothing was written. Name another file, or add --force."
        )


def _write(found: Evaluability, picture: Path) -> None:
    from evalkit.reports.power import power_page, power_picture

    text = power_picture(found) if picture.suffix.lower() == ".svg" else power_page(found)
    picture.parent.mkdir(parents=True, exist_ok=True)
    picture.write_text(text, encoding="utf-8", newline="\n")
