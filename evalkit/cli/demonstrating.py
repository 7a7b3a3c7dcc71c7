"""`evalkit demo`: the bundled examples, copied and run."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Annotated, Any

import typer

from evalkit.cli.options import AsJson, Quiet
from evalkit.cli.output import guarded, progress, say, write_json
from evalkit.cli.running import (
    FINDINGS,
    FORMATIVE,
    SUMMATIVE,
    Done,
    finding_lines,
    headline,
    run_evaluation,
)
from evalkit.errors import InvalidInput

NAMES = (SUMMATIVE, FORMATIVE, FINDINGS)
FIRST = "growing-together"
"""The example that shows the most, to be opened first."""


@guarded
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the examples.")] = Path(
        "evalkit-demo"
    ),
    as_json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Copy the bundled examples, run them, and say where the reports are."""
    from evalkit.content import example_folder

    examples = sorted(
        (item for item in example_folder().iterdir() if (item / "evaluation.yaml").is_file()),
        key=lambda item: item.name,
    )
    for example in examples:
        copy_example(example, out / example.name)
    done = {}
    with progress(len(examples) * (3 + len(NAMES)), quiet=quiet) as step:
        for example in examples:
            folder = out / example.name
            done[example.name] = run_evaluation(
                folder / "evaluation.yaml", folder / "reports", NAMES, step
            )
    if as_json:
        return write_json({"ok": True, "examples": [_record(*item) for item in done.items()]})
    _show(done)


def copy_example(source: Traversable, target: Path) -> None:
    """Copy an example, or refuse where files of the same names hold something else."""
    texts = dict(_files(source))
    for name in _changed(texts, target):
        raise InvalidInput(
            f"{target / name} is there already and is not the file of the example. "
            "Nothing was written. Choose another folder with --out."
        )
    for name, content in texts.items():
        if not (target / name).exists():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            (target / name).write_bytes(content)


def _files(folder: Traversable, within: str = "") -> Iterator[tuple[str, bytes]]:
    """Every file of an example by its name within it, but the scripts that made its data."""
    for item in folder.iterdir():
        if item.is_dir() and not item.name.startswith("_"):
            yield from _files(item, f"{within}{item.name}/")
        elif item.is_file() and not item.name.endswith(".py"):
            yield f"{within}{item.name}", item.read_bytes()


def _changed(texts: dict[str, bytes], target: Path) -> Iterator[str]:
    for name, content in texts.items():
        place = target / name
        if place.exists() and (not place.is_file() or place.read_bytes() != content):
            yield name


def _record(name: str, done: Done) -> dict[str, Any]:
    reports = {path.name: str(path) for path in done.written}
    return {
        "name": name,
        "programme": done.programme,
        "reports": reports,
        "headline": headline(done.findings),
    }


def _show(done: dict[str, Done]) -> None:
    for name, result in done.items():
        say(f"{name}: {result.programme}")
        found = headline(result.findings)
        for line in finding_lines(found) if found else []:
            say(f"  {line}")
        for path in result.written:
            say(f"  {path}")
        say()
    first = done.get(FIRST) or next(iter(done.values()))
    say("Open this first, in a web browser:")
    say(f"  {first.written[0]}")
    say("summative.html says what was found; formative.html helps while a programme runs;")
    say("findings.json is the full-precision copy for the evaluator, not for sharing.")
