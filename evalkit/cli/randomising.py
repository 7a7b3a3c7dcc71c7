"""`evalkit randomise`: allocate units from a seed, keep a log, and check a log."""

from __future__ import annotations

import datetime
from collections import Counter
from pathlib import Path
from typing import Annotated, Any

import typer

from evalkit.cli.allocating import Asked, Done, Seed, check_log, places, read_seed_option, run
from evalkit.cli.options import AsJson
from evalkit.cli.output import guarded, refuse_use, say, write_json
from evalkit.errors import InvalidData, Problem

SHOWN = 20
Many = list[str] | None


@guarded
def randomise(
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE",
            help="The units, one a row, in order of enrolment: csv, xlsx, parquet. "
            "With --verify: an allocation list to hold against the log.",
        ),
    ] = None,
    seed: Annotated[str | None, typer.Option("--seed", help="The seed, as text.")] = None,
    seed_file: Annotated[
        Path | None,
        typer.Option("--seed-file", help="The file of the seed, as --new-seed made it."),
    ] = None,
    new_seed: Annotated[
        Path | None,
        typer.Option("--new-seed", metavar="PATH", help="Only make a seed that nobody can guess."),
    ] = None,
    verify: Annotated[
        Path | None,
        typer.Option("--verify", metavar="LOG", help="Only check a log: was it changed?"),
    ] = None,
    receipt: Annotated[
        Many,
        typer.Option("--receipt", help="With --verify: a receipt of an earlier run. Repeatable."),
    ] = None,
    stays_open: Annotated[
        bool, typer.Option("--open", help="More units are enrolled later.")
    ] = False,
    add: Annotated[
        Many,
        typer.Option(
            "--add", metavar="UNIT", help="Allocate this unit now, in an open list. Repeatable."
        ),
    ] = None,
    value: Annotated[
        Many,
        typer.Option(
            "--value", metavar="COLUMN=VALUE", help="With --add: its stratum, its cluster."
        ),
    ] = None,
    close: Annotated[
        bool, typer.Option("--close", help="Close an open list, and reveal its rule.")
    ] = False,
    method: Annotated[
        str | None,
        typer.Option("--method", help="blocks (default), simple, minimise or constrained."),
    ] = None,
    arms: Annotated[
        str | None, typer.Option("--arms", help="Names with commas. Default: treatment,comparison.")
    ] = None,
    ratio: Annotated[str | None, typer.Option("--ratio", help="As 2:1. Default: 1:1.")] = None,
    strata: Annotated[
        str | None,
        typer.Option("--strata", help="Columns with commas; for minimise: what is kept alike."),
    ] = None,
    cluster: Annotated[
        str | None, typer.Option("--cluster", help="Column of clusters, allocated whole.")
    ] = None,
    block: Annotated[
        str | None,
        typer.Option(
            "--block",
            help="Block sizes to choose from, as 4,6. Default: 2 and 3 times the ratio's sum.",
        ),
    ] = None,
    probability: Annotated[
        float | None,
        typer.Option(
            "--probability", help="For minimise: of the arm that balances best. Default: 0.8."
        ),
    ] = None,
    covariates: Annotated[
        str | None,
        typer.Option("--covariates", help="For constrained: columns of numbers, with commas."),
    ] = None,
    best: Annotated[
        float | None,
        typer.Option(
            "--best", help="For constrained: share of the schemes to draw from. Default: 0.1."
        ),
    ] = None,
    unit: Annotated[
        str | None,
        typer.Option("--unit", help="Column of units. Default: unit, person, family or site."),
    ] = None,
    date: Annotated[
        str | None, typer.Option("--date", help="Day of allocation. Default: today.")
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option("--log", help="The log. Default: FILE's name .allocation-log.jsonl."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The list, csv or xlsx. Default: FILE's name .allocated.csv."),
    ] = None,
    sheet: Annotated[str | None, typer.Option("--sheet", help="Sheet of an xlsx file.")] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Write over a list that is there; over a log, never.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Allocate units to arms at random, from a seed, with a log that shows tampering.

    The seed decides everything: keep it from whoever recruits. docs/randomise.md says who keeps what.
    """  # fmt: skip
    if new_seed is not None:
        if file or verify or seed or seed_file or add or close:
            refuse_use("--new-seed goes alone: make the seed first, then use it with --seed-file.")
        return _make_seed(new_seed, as_json=as_json)
    known = read_seed_option(seed, seed_file)
    if verify is not None:
        if add or close or stays_open:
            refuse_use("--verify only checks: leave --add, --close and --open out.")
        return _verify(verify, file, known, receipt or [], as_json=as_json)
    if known is None:
        refuse_use(
            "Give the seed: --seed-file FILE (make one with --new-seed FILE), or --seed TEXT."
        )
    if receipt:
        refuse_use("--receipt goes with --verify.")
    if bool(file) + bool(add) > 1 or not (file or add or close):
        refuse_use("Name the FILE of units, or one unit with --add UNIT --log LOG.")
    if value and not add:
        refuse_use("--value goes with --add.")
    rule: dict[str, Any] = {
        "method": method, "arms": _words(arms), "ratio": _wholes(ratio, ":", "--ratio"),
        "strata": _words(strata), "cluster": cluster, "block": _wholes(block, ",", "--block"),
        "probability": probability, "covariates": _words(covariates), "best": best, "unit": unit,
    }  # fmt: skip
    log_at, out_at = places(file, log, out)
    asked = Asked(
        file=file, sheet=sheet, log=log_at, out=out_at, adds=tuple(add or ()),
        rule={name: given for name, given in rule.items() if given is not None},
        values=dict(_pair(text) for text in value or ()), open=stays_open, close=close,
        date=date or datetime.date.today().isoformat(), force=force,
    )  # fmt: skip
    _show(run(asked, known), asked, as_json=as_json)


def _words(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(word.strip() for word in text.split(","))


def _wholes(text: str | None, mark: str, option: str) -> tuple[int, ...] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(mark)]
    if not all(part.isascii() and part.isdigit() and len(part) < 7 for part in parts):
        refuse_use(f"{option}: '{text}' is not whole numbers with '{mark}' between them.")
    return tuple(int(part) for part in parts)


def _pair(text: str) -> tuple[str, str]:
    name, mark, value = text.partition("=")
    if not mark:
        refuse_use(f"--value: '{text}' is not COLUMN=VALUE.")
    return name.strip(), value.strip()


def _make_seed(path: Path, *, as_json: bool) -> None:
    from evalkit.allocation.seal import commitment
    from evalkit.files.allocations import write_new_seed

    told = commitment(write_new_seed(path))
    if as_json:
        return write_json({"ok": True, "seed_file": str(path.resolve()), "commitment": told})
    say(f"Written: {path.resolve()}")
    say("Only its holder may read it: nobody who recruits, enrols or assesses.")
    say(f"Commitment: {told}")
    say("Send the commitment, before anybody is enrolled, to somebody who does not hold the seed.")


def _verify(
    log: Path, listing: Path | None, seed: Seed | None, receipts: list[str], *, as_json: bool
) -> None:
    from evalkit.allocation.check import list_problems
    from evalkit.files.allocations import read_log_text
    from evalkit.files.tables import read_table

    found, verdict = check_log(read_log_text(log), log.name, seed, receipts)
    problems: list[Problem] = list(verdict.problems)
    beside = places(None, log, None)[1]
    compared = listing or (beside if beside.is_file() else None)
    if compared is not None and found is not None:
        table = read_table(compared)
        rows = zip(table.frame.index.tolist(), table.frame.to_dict("records"), strict=True)
        whole = listing is not None
        problems += list_problems(found, rows, compared.name, whole=whole)
    if problems:
        raise InvalidData(problems)
    if as_json:
        return write_json({"ok": True, **verdict.to_dict()})
    say(f"No fault found: {verdict.units} units, the list is {_state(verdict.closed)}.")
    for text in (*verdict.checked, *([f"the list {compared.name}"] if compared else [])):
        say(f"  Checked: {text}")
    for text in verdict.not_checked:
        say(f"  Not checked: {text}")
    say(f"Receipt: {verdict.receipt}")


def _state(closed: bool) -> str:
    return "closed" if closed else "open"


def _show(done: Done, asked: Asked, *, as_json: bool) -> None:
    from evalkit.allocation.rule import words

    log = done.log
    new = log.given[len(log.given) - done.added :]
    counts = Counter(item.arm for item in log.given)
    if as_json:
        return write_json({
            "ok": True, "units": len(log.given), "added": done.added, "closed": log.closed,
            "arms": {arm: counts[arm] for arm in done.rule.arms}, "receipt": log.receipt,
            "commitment": log.head["commitment"], "log": str(asked.log.resolve()),
            "list": str(asked.out.resolve()), "notes": done.notes,
            "allocated": [{"unit": item.unit, "arm": item.arm, "place": item.n} for item in new],
        })  # fmt: skip
    say(f"Allocated now: {done.added}. In the list: {len(log.given)}; it is {_state(log.closed)}.")
    for item in new if len(new) <= SHOWN else ():
        say(f"  {item.unit}: {item.arm} (place {item.n})")
    say("  " + ", ".join(f"{arm} {counts[arm]}" for arm in done.rule.arms))
    if log.closed:
        say(f"Rule: {words(done.rule)}")
    for note in done.notes:
        say(f"Note: {note}")
    say(f"List: {asked.out.resolve()}")
    say(f"Log: {asked.log.resolve()}")
    say(f"Receipt: {log.receipt}")
    say(
        "Send the receipt to somebody who does not hold the seed; it shows later if lines are cut off."
    )
