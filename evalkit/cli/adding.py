"""`evalkit measures new` and `measures check`: a measure of one's own, in one file."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

from evalkit.cli.options import AsJson
from evalkit.cli.output import FIXABLE, guarded, problem_record, say, show_problems, write_json
from evalkit.errors import FoundProblems, InvalidInput, Problem, Where

if TYPE_CHECKING:
    from evalkit.instruments.draft import Draft, DraftScale
    from evalkit.instruments.spec import Measure

KEBAB = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
RESPONDENTS = ("self", "carer", "teacher", "practitioner", "family", "organisation")
LICENCES = ("open", "free", "free-with-registration", "free-on-paper", "permission", "commercial")
Read = TypeVar("Read")


@guarded
def check(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="A measure file, or a folder.")],
    as_json: AsJson = False,
) -> None:
    """Check measure files: every fault with its line, and whether the worked examples come out."""
    files = sorted(path.rglob("*.yaml")) if path.is_dir() else [path]
    if not files:
        raise InvalidInput(f"There is no .yaml file in {path}.")
    found = {file: faults_of(file) for file in files}
    problems = [problem for faults, _ in found.values() for problem in faults]
    problems += _taken(files)
    if as_json:
        rows = [{"file": str(file), "ok": not faults} for file, (faults, _) in found.items()]
        write_json({"ok": not problems, "files": rows,
                    "problems": [problem_record(item) for item in problems]})  # fmt: skip
    else:
        for file, (faults, measure) in found.items():
            if not faults and measure is not None:
                say(f"{file}: in order. {_summary(measure)}")
        show_problems(problems, err=False)
    if problems:
        raise typer.Exit(FIXABLE)


def faults_of(file: Path) -> tuple[list[Problem], Measure | None]:
    """Return every fault of a measure file, and the measure where it could be built."""
    from evalkit.content import registry_from_texts
    from evalkit.instruments.examples import example_faults

    if file.suffix != ".yaml":
        what = "a measure file ends in .yaml."
        return [Problem(Where(file=str(file)), what, "", "Rename it.")], None
    if not file.is_file():
        return [Problem(Where(file=str(file)), "the file is not there.", "", "Check it.")], None
    try:
        text = file.read_bytes().decode("utf-8-sig")
        measure = registry_from_texts({str(file): text}, {}).measure(file.stem)
    except UnicodeDecodeError:
        what = "the text is not UTF-8."
        return [Problem(Where(file=str(file)), what, "UTF-8", "Save it as UTF-8.")], None
    except FoundProblems as error:
        return list(error.problems), None
    step = "Work it out by hand again, then correct the example or the rule."
    return [
        Problem(
            Where(file=str(file), line=_line(text, fault), key="examples"), f"{fault}.", "", step
        )
        for fault in example_faults(measure)
    ], measure


def _taken(files: list[Path]) -> list[Problem]:
    """Return a problem for every id that two files have, or a file and what is in force already."""
    from evalkit.content import folder, registry

    known = registry()
    first: dict[str, str] = {}
    problems = []
    for file in files:
        there = known.file(file.stem)
        shipped = (
            there is not None
            and str(file.resolve()).endswith(there)
            and str(folder("measures")) in str(file.resolve())
        )
        other = first.get(file.stem) or (None if shipped else there)
        if other is not None:
            what = f"the id '{file.stem}' is also that of {other}."
            step = "Rename one, or leave one of them out."
            problems.append(Problem(Where(file=str(file)), what, "", step))
        first.setdefault(file.stem, str(file))
    return problems


def _line(text: str, fault: str) -> int | None:
    """Return the line of the example that a fault begins with."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, start=1) if "title:" in line
                 and fault.startswith(line.partition("title:")[2].strip().strip("\"'{")[:20])), None)  # fmt: skip


def _summary(measure: Measure) -> str:
    parts = [
        f"{len(measure.asked)} items" if measure.items else measure.kind,
        f"{len(measure.scales)} {'scale' if len(measure.scales) == 1 else 'scales'}",
        f"worked examples that come out as stated: {len(measure.examples)}",
    ]
    return ", ".join(parts) + "."


@guarded
def new(
    name: Annotated[str, typer.Argument(metavar="ID", help="A new id: words-with-hyphens.")],
    out: Annotated[Path, typer.Option("--out", help="The folder to write to.")] = Path("."),
) -> None:
    """Ask for what a measure needs, with one form scored by hand, and write a valid file."""
    if not KEBAB.fullmatch(name):
        raise InvalidInput(f"'{name}' is not kebab-case. Write for example family-hope-scale.")
    _refuse_known(name)
    target = out / f"{name}.yaml"
    if target.exists():
        raise InvalidInput(f"{target} is there already. Nothing was written.")
    text = _proved(_ask(name))
    out.mkdir(parents=True, exist_ok=True)
    target.write_text(text, encoding="utf-8", newline="\n")
    say()
    say(f"Written: {target}. The form you scored by hand comes out the same.")
    say(f"Check it after every change: evalkit measures check {target}")
    say(f"Use it: evalkit score FILE --measure {name} --measures {out}")
    say("Add ages, recall, bands, norms, sources for each fact: see CONTRIBUTING.md.")


def _refuse_known(name: str) -> None:
    import evalkit as ek

    if name in ek.measures():
        raise InvalidInput(f"There is a measure '{name}' already. Choose another id.")


def _proved(draft: Draft) -> str:
    """Return the text of the file once the form scored by hand comes out the same.

    Where it does not, the form is asked for again; raises where the file would be faulty.
    """
    from evalkit.content import registry_from_texts
    from evalkit.instruments.draft import draft_text
    from evalkit.instruments.examples import example_faults

    while True:
        text = draft_text(draft)
        measure = registry_from_texts({f"{draft.id}.yaml": text}, {}).measure(draft.id)
        faults = example_faults(measure)
        if not faults:
            return text
        for fault in faults:
            say(f"  {fault}.")
        say("  Either the sum or what you said of the items is wrong. Score the form again.")
        if (
            _asked(
                "Score it again, or stop and start anew (again, stop)",
                _one_of(("again", "stop")),
                "again",
            )
            == "stop"
        ):
            raise InvalidInput("Nothing was written.")
        example, scores = _example(
            len(draft.labels), [code for code, _ in draft.codes], draft.scales
        )
        draft = replace(draft, example=example, scores=scores)


def _ask(name: str) -> Draft:
    from evalkit.instruments.draft import Draft, codes_of

    say(f"A new measure: {name}. Answer as its authors do; leave nothing to memory.")
    title = _asked("Full title", str)
    construct = _asked("What does it measure (a few words)", str)
    respondent = _asked(f"Who fills it in ({', '.join(RESPONDENTS)})", _one_of(RESPONDENTS), "self")
    citation = _asked("Reference of the paper or manual that gives the scoring", str)
    licence = _asked(f"Licence ({', '.join(LICENCES)})", _one_of(LICENCES))
    holder = _asked("Who holds the rights", str)
    size = _asked("How many items", _whole(1, 500))
    hint = "Answers, for example 0=never, 1=sometimes, 2=often"
    codes = _asked(hint, lambda text: codes_of(re.split("[,;]", text)))
    labels = tuple(_asked(f"Topic of item {n} (one to three words)", str, f"item {n}")
                   for n in range(1, size + 1))  # fmt: skip
    scales = _scales(size)
    example, scores = _example(size, [code for code, _ in codes], scales)
    return Draft(
        id=name, title=title, construct=construct, respondent=respondent, citation=citation,
        labels=labels, codes=codes, scales=scales, example=example, scores=scores,
        licence=licence, holder=holder, year=_year(citation),
    )  # fmt: skip


def _year(citation: str) -> str:
    found = re.search(r"\b(?:19|20)\d\d\b", citation)
    return found[0] if found else ""


def _scales(size: int) -> tuple[DraftScale, ...]:
    from evalkit.instruments.draft import DraftScale

    found: list[DraftScale] = []
    while True:
        more = " (blank: no more)" if found else ""
        taken = [scale.id for scale in found]
        name = _asked(
            f"Id of a scale, for example total{more}", _new_id(taken), "" if found else "total"
        )
        if not name:
            return tuple(found)
        items = _asked("  Its items", _some(size), f"1-{size}")
        turned = _asked("  Those scored in reverse (blank: none)", _among(items, size), "")
        method = _asked("  sum or mean", _one_of(("sum", "mean")), "sum")
        higher = _asked("  A higher score is better or worse", _one_of(("better", "worse")))
        least = _asked(
            "  How many items must be answered (all, or a published number)",
            _least(len(items)),
            "all",
        )
        found.append(DraftScale(
            id=name, title=name.replace("-", " ").capitalize(), items=items, reverse=turned,
            method=method, higher_is=higher, min_answered=least,
        ))  # fmt: skip


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not text.isdecimal() or not low <= int(text) <= high:
            raise InvalidInput(f"Write a whole number from {low} to {high}.")
        return int(text)

    return read


def _least(size: int) -> Callable[[str], int | None]:
    def read(text: str) -> int | None:
        return None if text == "all" else _whole(1, size)(text)

    return read


def _new_id(taken: list[str]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text and not KEBAB.fullmatch(text):
            raise InvalidInput(f"'{text}' is not kebab-case. Write for example daily-life.")
        if text in taken:
            raise InvalidInput(f"There is a scale '{text}' already.")
        return text

    return read


def _some(size: int) -> Callable[[str], tuple[int, ...]]:
    from evalkit.instruments.draft import numbers

    def read(text: str) -> tuple[int, ...]:
        found = numbers(text, size)
        if not found:
            raise InvalidInput("A scale needs items. Write for example 1-5, 8.")
        return found

    return read


def _among(items: tuple[int, ...], size: int) -> Callable[[str], tuple[int, ...]]:
    from evalkit.instruments.draft import numbers

    def read(text: str) -> tuple[int, ...]:
        odd = [n for n in numbers(text, size) if n not in items]
        if odd:
            raise InvalidInput(f"Item {odd[0]} is not in this scale.")
        return numbers(text, size)

    return read


def _example(
    size: int, codes: list[int], scales: tuple[DraftScale, ...]
) -> tuple[tuple[int | None, ...], tuple[tuple[str, float | None], ...]]:
    def answers(text: str) -> tuple[int | None, ...]:
        found = tuple(None if x == "-" else int(x) for x in text.split())
        if len(found) != size or any(x is not None and x not in codes for x in found):
            allowed = ", ".join(str(code) for code in codes)
            raise InvalidInput(
                f"Give {size} answers with spaces between; allowed: {allowed}, or -."
            )
        if not _telling(found, codes):
            raise InvalidInput(
                "Answers that are alike, or in the middle, cannot show a wrong reversal."
            )
        return found

    say("Now one filled form that you score by hand, with low and high answers, few in the middle.")
    example = _asked("Its answers in item order, - where blank", answers)
    scores = tuple((x.id, _asked(f"Its score on {x.id}, by hand", _score)) for x in scales)
    return example, scores


def _telling(answers: tuple[int | None, ...], codes: list[int]) -> bool:
    """Whether turning an item round would show in the score of a form."""
    given = [x for x in answers if x is not None]
    off = [x for x in given if 2 * x != codes[0] + codes[-1]]
    return len(set(given)) > 1 and 2 * len(off) >= len(given)


def _score(text: str) -> float | None:
    return None if text.strip() in ("-", "missing") else float(text)


def _one_of(allowed: tuple[str, ...]) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text not in allowed:
            raise InvalidInput(f"'{text}' is not one of: {', '.join(allowed)}.")
        return text

    return read


def _asked(question: str, read: Callable[[str], Read], default: str | None = None) -> Read:
    """Ask until the answer can be read."""
    while True:
        text: Any = typer.prompt(question, default=default, show_default=bool(default))
        try:
            return read(str(text).strip())
        except InvalidInput as error:
            say(f"  {error}")
        except ValueError:
            say("  Write a whole number.")
