"""Read an allocation log as it lies there and say, line by line, what is wrong with it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from evalkit.allocation.log import FORMAT, RECEIPT, Line, Log
from evalkit.allocation.rule import Enrolled, arms_of, rule_of
from evalkit.allocation.seal import FIRST, can_be_guessed, commitment, compact, line_hash, line_hmac
from evalkit.errors import EvalkitError, InvalidInput, Problem, Where
from evalkit.results import Record

HEAD: dict[str, Any] = {"log": str, "reads": str, "cluster": (str, type(None)), "columns": list, "open": bool,
        "date": str, "commitment": str, "rule": str}  # fmt: skip
UNIT: dict[str, Any] = {
    "n": int,
    "unit": str,
    "cluster": str,
    "values": list,
    "arm": str,
    "date": str,
}
END: dict[str, Any] = {"closed": int, "date": str, "rule": dict}
MANY = 20
LAST_GOOD = (
    "Allocate nobody with this log. Find the copy that fits the last receipt, and ask who held it."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict(Record):
    """What was found: problems, in order of the file, and what could not be checked, in sentences.

    `checked` says what was, for the reader who asks how far the verdict goes.
    """

    units: int
    closed: bool
    receipt: str
    problems: tuple[Problem, ...]
    checked: tuple[str, ...]
    not_checked: tuple[str, ...]


def read_log(text: str, name: str) -> tuple[Log | None, list[Problem]]:
    """Return a log and what its shape, its numbering and its chain of hashes show without a seed.

    The log is None where nothing of it can be read.
    """
    rows = text.removesuffix("\n").split("\n")
    problems: list[Problem] = []
    lines: list[Line] = []
    link: str | None = FIRST
    for place, row in enumerate(rows, start=1):
        line = _line(place, row.removesuffix("\r"))
        what = _shape(line, place) if line else "this line is not as evalkit writes it."
        if line is None or what:
            cut = place == len(rows) and not text.endswith("\n")
            what = (
                "the last line is incomplete: writing was stopped, or it was cut." if cut else what
            )
            problems.append(_problem(name, place, what))
            link = None
            continue
        what = _order(lines, line) or _broken_link(link, line)
        problems += [_problem(name, place, what)] if what else []
        lines.append(line)
        link = line.digest
    if not lines or "log" not in lines[0].body:
        return None, [_problem(name, 1, "this is not the first line of an allocation log.")]
    return Log(tuple(lines)), [*problems, *_ending(lines, name)]


def _line(place: int, row: str) -> Line | None:
    try:
        body = json.loads(row)
        mac, digest = body.pop("hmac"), body.pop("hash")
        line = Line(place, body, compact(body), str(mac), str(digest))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError):
        return None
    return line if line.written() == row else None


def _shape(line: Line, place: int) -> str:
    """Say what is wrong with the keys and kinds of a line, or nothing."""
    kinds = HEAD if place == 1 else END if "closed" in line.body else UNIT
    body = line.body
    fits = list(body) == list(kinds) and all(
        isinstance(body[key], kind) and not (kind is int and isinstance(body[key], bool))
        for key, kind in kinds.items()
    )
    if fits and place == 1:
        fits = body["log"] == FORMAT
    if fits and kinds is UNIT:
        fits = all(isinstance(value, str) for value in body["values"])
    return "" if fits else "this line does not hold what a line of a log holds."


def _order(before: Sequence[Line], line: Line) -> str:
    """Say whether a line stands where its number belongs."""
    if not before:
        return "" if "log" in line.body else "the first line of the log is missing."
    last = before[-1].body
    if "closed" in last:
        return "this line stands after the line that closes the list."
    units = last.get("n", 0)
    if "closed" in line.body:
        told = line.body["closed"]
        return (
            "" if told == units else f"the list was closed with {told} units; {units} stand here."
        )
    found, due = line.body["n"], units + 1
    if found == due:
        return ""
    if found > due:
        return f"unit {found} stands where unit {due} is due: lines were removed or moved."
    return f"unit {found} stands where unit {due} is due: a line was repeated, put in or moved."


def _broken_link(link: str | None, line: Line) -> str:
    if link is None or line_hash(link, line.text, line.mac) == line.digest:
        return ""
    return "this line was changed after it was written, or lines before it were removed or put in."


def _ending(lines: Sequence[Line], name: str) -> list[Problem]:
    """Say what the whole shows: an end that was cut off, a unit that stands twice."""
    found = []
    seen: set[str] = set()
    for line in lines[1:]:
        unit = line.body.get("unit")
        if unit in seen:
            found.append(_problem(name, line.place, f"unit '{unit}' stands in the log twice."))
        seen |= {unit} if unit is not None else set()
    if "closed" not in lines[-1].body and not lines[0].body["open"]:
        what = "the log was cut off here: the line that closes the list is missing."
        found.append(_problem(name, lines[-1].place, what))
    return found


def verify(
    text: str, name: str, *, seed: str | None = None, receipts: Iterable[str] = ()
) -> tuple[Log | None, Verdict]:
    """Return the log of a text and the verdict on it.

    Without the seed the shape, the numbering, the chain of hashes and the receipts are checked;
    with it the HMACs too, the rule revealed at the end, and every arm, derived again.
    """
    log, problems = read_log(text, name)
    kept = list(receipts)
    if log is None:
        return None, Verdict(units=0, closed=False, receipt="", problems=tuple(problems),
                             checked=(), not_checked=())  # fmt: skip
    whole = not problems
    problems += [p for one in kept for p in _receipt_problems(log, one, name)]
    if seed is not None:
        known = {problem.where.line for problem in problems}
        problems += [p for p in _seed_problems(log, seed, name, whole) if p.where.line not in known]
    problems.sort(key=lambda problem: problem.where.line or 0)
    checked, not_checked = _reach(log, seed, kept)
    return log, Verdict(
        units=len(log.given), closed=log.closed, receipt=log.receipt,
        problems=tuple(dict.fromkeys(problems)), checked=checked, not_checked=not_checked,
    )  # fmt: skip


def _reach(log: Log, seed: str | None, receipts: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Say how far the verdict goes."""
    done = ["the form, number and chain of every line"]
    left = []
    if receipts:
        done.append(f"{len(receipts)} receipt(s)")
    elif not log.closed:
        left.append(
            "The list is open, and no receipt was given: lines cut off its end do not show."
        )
    if seed is None:
        left.append(
            "No seed was given: a log written anew by somebody who knows how does not show."
        )
    else:
        done += ["every line's HMAC by the seed", "every arm, derived again from the seed"]
        if can_be_guessed(seed) and not receipts:
            left.append(
                "The seed is one that might be found by trying: whoever did could write the log "
                "anew. A receipt rules that out."
            )
    return tuple(done), tuple(left)


def _receipt_problems(log: Log, receipt: str, name: str) -> list[Problem]:
    count, _, end = receipt.strip().partition("-")
    if not (count.isascii() and count.isdigit() and len(count) < 10 and len(end) == RECEIPT):
        raise InvalidInput(f"'{receipt}' is not a receipt. Allowed: as 12-0123456789abcdef0123.")
    units = int(count)
    if units > len(log.given):
        what = (f"the log was cut off: a receipt was given for {units} units and the log holds "
                f"{len(log.given)}.")  # fmt: skip
        return [_problem(name, log.lines[-1].place, what)]
    held = [line for line in log.lines if line.body.get("n", line.body.get("closed", 0)) == units]
    if any(line.digest[:RECEIPT] == end for line in held):
        return []
    what = f"up to unit {units} this is not the log that the receipt was given for"
    closing = " (or its closing line was cut off)" if log.open and not log.closed else ""
    return [_problem(name, held[0].place if held else 1, f"{what}{closing}.")]


def _seed_problems(log: Log, seed: str, name: str, whole: bool) -> list[Problem]:
    if commitment(seed) != log.head["commitment"]:
        what = ("this log does not commit to this seed: the seed is wrong, or the log was written "
                "anew by somebody without it.")  # fmt: skip
        return [_problem(name, 1, what)]
    wrong = _wrong_macs(log, seed)
    problems = []
    if wrong:
        more = f" So were {len(wrong) - 1} line(s) after it." if len(wrong) > 1 else ""
        what = "this line was not written with the seed: somebody changed or put it in." + more
        problems.append(_problem(name, wrong[0], what))
    if whole:
        problems += _arm_problems(log, seed, name)
    return problems


def _wrong_macs(log: Log, seed: str) -> list[int]:
    """Return the places of lines whose HMAC is not the seed's, by the hash before as it stands."""
    link, wrong = FIRST, []
    for line in log.lines:
        if line_hmac(seed, link, line.text) != line.mac:
            wrong.append(line.place)
        link = line.digest
    return wrong


def _arm_problems(log: Log, seed: str, name: str) -> list[Problem]:
    """Derive every arm again from the seed, the rule and the order of the units."""
    units = [Enrolled(item.unit, item.cluster, item.values) for item in log.given]
    try:
        rule = log.rule(seed)
        due = arms_of(rule, units, seed) if units else []
        told = rule_of(log.lines[-1].body["rule"]) if log.closed else rule
    except (EvalkitError, ValueError, TypeError, IndexError, KeyError) as error:
        return [_problem(name, 1, f"the arms cannot be derived again ({type(error).__name__}).")]
    problems = []
    if told != rule:
        what = "the rule told at the close is not the one that the log was begun with."
        problems.append(_problem(name, log.lines[-1].place, what))
    wrong = [
        (place, item.unit, item.arm, arm)
        for place, (item, arm) in enumerate(zip(log.given, due, strict=True), start=2)
        if item.arm != arm
    ]
    for place, unit, arm, right in wrong[:MANY]:
        what = f"unit '{unit}' has the arm '{arm}', and the seed gives it '{right}'."
        problems.append(_problem(name, place, what))
    if len(wrong) > MANY:
        what = f"from here on {len(wrong) - MANY} more units have another arm than the seed gives."
        problems.append(_problem(name, wrong[MANY][0], what))
    return problems


def list_problems(
    log: Log, rows: Iterable[tuple[int, Mapping[str, str]]], name: str, *, whole: bool = True
) -> list[Problem]:
    """Return where an allocation list (row number, cells by column) differs from the log.

    `whole` is whether every unit of the log must be in it.
    """
    known = {mark + item.unit: item for item in log.given for mark in ("'", "")}
    unit, found, seen = log.head["reads"], [], set()
    for row, cells in rows:
        item = known.get(cells.get(unit, ""))
        if item is None:
            what = f"'{cells.get(unit, '')}' is not in the log."
            found.append(Problem(Where(file=name, row=row), what))
            continue
        seen.add(item.unit)
        due = {"arm": item.arm, "place": str(item.n), "date": item.date}
        for column, value in due.items():
            if cells.get(column, value) != value:
                what = f"'{cells[column]}' stands here, and the log has '{value}'."
                found.append(Problem(Where(file=name, row=row, column=column), what))
    lost = [item.unit for item in log.given if item.unit not in seen]
    if lost and whole:
        what = f"{len(lost)} unit(s) of the log are not in the list, '{lost[0]}' first."
        found.append(Problem(Where(file=name), what))
    return found


def _problem(name: str, line: int, what: Any) -> Problem:
    return Problem(Where(file=name, line=line), str(what), "", "")
