"""Everything the command line writes to the screen: words, JSON, problems and progress."""

from __future__ import annotations

import functools
import json
import math
import os
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from typing import Any, NoReturn, TypeVar, cast

import typer

from evalkit.errors import EvalkitError, FoundProblems, Problem, Where

Command = TypeVar("Command", bound=Callable[..., Any])
SHOWN = 50
NOT_TEXT = "Something given holds characters that are no text (not UTF-8). Type it again."
OK, FIXABLE, USAGE = 0, 1, 2
_CONTROL = dict.fromkeys((*range(32), *range(127, 160), *range(8234, 8239)), "?")
_CONTROL |= dict.fromkeys(range(8294, 8298), "?")
del _CONTROL[10]
_CONTROL[9] = " "


def say(text: str = "", *, err: bool = False) -> None:
    """Write a line for people; control characters, which could fool a terminal, become '?'."""
    typer.echo(text.translate(_CONTROL), err=err)


def write_json(document: Mapping[str, Any]) -> None:
    """Write the one JSON document of a command to standard output."""
    typer.echo(json.dumps(plain(document), indent=2, ensure_ascii=False, allow_nan=False))


def plain(value: Any) -> Any:
    """Return records, tuples and numbers as JSON can hold them; NaN and infinity become null."""
    if is_dataclass(value) and not isinstance(value, type):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)


def refuse_use(message: str) -> NoReturn:
    """Say that the command was used wrongly, and leave with exit code 2."""
    say(message, err=True)
    raise typer.Exit(USAGE)


def refuse_later(name: str, instead: str = "") -> NoReturn:
    """Refuse, by name, what this version does not have."""
    refuse_use(f"{name} is not available in this version. {instead}".strip())


def guarded(command: Command) -> Command:
    """Show what a user can fix without a traceback and leave with exit code 1.

    With `--json` the problems are one JSON document on standard output. Bugs go through.
    """

    @functools.wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        try:
            return command(*args, **kwargs)
        except EvalkitError as error:
            _leave(problems_of(error), as_json=bool(kwargs.get("as_json")))
        except BrokenPipeError:
            _leave_quietly()
        except UnicodeEncodeError:
            _leave([Problem(Where(), NOT_TEXT)], as_json=bool(kwargs.get("as_json")))
        except OSError as error:
            _leave([_from_system(error)], as_json=bool(kwargs.get("as_json")))

    return cast(Command, run)


def _leave(problems: list[Problem], *, as_json: bool) -> NoReturn:
    show_problems(problems)
    if as_json:
        write_json({"ok": False, "problems": [problem_record(item) for item in problems]})
    raise typer.Exit(FIXABLE)


def _leave_quietly() -> NoReturn:
    """Whoever read the output has gone; keep Python from complaining about it on the way out."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    raise typer.Exit(OK)


def problems_of(error: EvalkitError) -> list[Problem]:
    """Return the problems an error holds; a plain message is one problem without a place."""
    if isinstance(error, FoundProblems):
        return list(error.problems)
    return [Problem(Where(), str(error))]


def _from_system(error: OSError) -> Problem:
    """Word what the operating system refused, such as a folder that cannot be written to."""
    name = str(error.filename or "")
    what = f"{(error.strerror or type(error).__name__).lower()}."
    steps = {
        PermissionError: "Choose a folder you may write to, or close the file where it is open.",
        FileNotFoundError: "Check the name and the folder.",
        FileExistsError: "Choose another name: a file of that name is in the way.",
        NotADirectoryError: "Choose another folder: a file of that name is in the way.",
        IsADirectoryError: "Name a file, not a folder.",
    }
    step = next((text for kind, text in steps.items() if isinstance(error, kind)), "")
    return Problem(Where(file=name), what, "", step or "Check the disk and the folder, try again.")


def problem_record(problem: Problem) -> dict[str, Any]:
    """Return a problem as a flat record."""
    where = problem.where
    return {
        "file": where.file or None,
        "line": where.line,
        "row": where.row,
        "column": where.column or None,
        "key": where.key or None,
        "what": problem.what,
        "allowed": problem.allowed or None,
        "next_step": problem.next_step or None,
    }


def show_problems(problems: list[Problem], *, err: bool = True) -> None:
    """Write problems by file: the first 50, then how many more there are."""
    grouped: dict[str, list[Problem]] = {}
    for problem in problems[:SHOWN]:
        grouped.setdefault(problem.where.file, []).append(problem)
    for file, group in grouped.items():
        if file:
            say(file, err=err)
        for problem in group:
            say(("  " if file else "") + _without_file(problem), err=err)
    if len(problems) > SHOWN:
        say(f"and {len(problems) - SHOWN} more: use --json to see all", err=err)


def _without_file(problem: Problem) -> str:
    where = problem.where
    place = Where(row=where.row, column=where.column, line=where.line, key=where.key)
    return str(Problem(place, problem.what, problem.allowed, problem.next_step))


@contextmanager
def progress(total: int, *, quiet: bool = False) -> Iterator[Callable[[str], None]]:
    """Give a function that says what is being done now; it is silent unless a person watches.

    A bar is drawn on standard error when that is a terminal, never in a file or a pipe, whatever
    the settings for colour say.
    """
    if quiet or not sys.stderr.isatty() or os.environ.get("TERM") == "dumb":
        yield lambda text: None
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (BarColumn(bar_width=20), TextColumn("{task.description}"))
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        task = bars.add_task("", total=total, completed=-1)
        yield lambda text: bars.update(task, advance=1, description=escape(text))
