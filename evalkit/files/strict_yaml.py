"""Strict YAML 1.2: words stay text, repeated keys are errors, and every value knows its line.

Plain loaders turn the answer label `No` into False and `010` into 8, and let a repeated key win in
silence. Here the text is composed into nodes and read from them, so that anchors, tags and repeated
keys are refused and problems can name the line.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any

from evalkit.errors import Problem, Where

Path = tuple[Hashable, ...]
MAX_BYTES = 1_000_000
MAX_DEPTH = 30
LONGEST = 18
"""Digits of the longest whole number read as one."""

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]*)$")
_NUMBER = re.compile(r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][-+]?[0-9]+)?$")
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}$")
_NULL = {"", "~", "null"}
_BOOLEAN = {"true": True, "false": False}
_CORE_TAGS = {
    f"tag:yaml.org,2002:{kind}" for kind in ("str", "int", "float", "bool", "null", "timestamp")
}


@dataclass(frozen=True, slots=True)
class Document:
    """Parsed data, the line of every key and item by its path, and the problems found."""

    name: str
    data: Any
    lines: dict[Path, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()

    def where(self, path: Path) -> Where:
        """Return the place of a path, or of its nearest parent that has one."""
        line = next(
            (self.lines[path[:n]] for n in range(len(path), -1, -1) if path[:n] in self.lines), 1
        )
        return Where(file=self.name, line=line, key=".".join(str(part) for part in path))


def parse(text: str, name: str) -> Document:
    """Parse YAML text. `name` is the file name used in problems. Never raises on bad YAML."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    if len(text.encode()) > MAX_BYTES:
        return _failed(
            name, None, "the file is larger than 1 MB", "Keep data in tables, not in YAML."
        )
    if "\x00" in text:
        return _failed(name, None, "the file holds null bytes", "Save it as plain UTF-8 text.")
    try:
        node = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        if mark and "\t" in "".join(text.split("\n")[mark.line : mark.line + 1]):
            return _failed(name, line, "a tab is used for indentation", "Replace tabs with spaces.")
        what = f"not valid YAML: {error.problem or error.context}"
        return _failed(name, line, what, "Check indentation, colons and quotes on this line.")
    except (YAMLError, OverflowError, ValueError):
        return _failed(name, None, "not valid YAML", "Save the file as plain UTF-8 text.")
    except RecursionError:
        what = f"nested deeper than {MAX_DEPTH} levels"
        return _failed(name, None, what, "Look for brackets that are opened and not closed.")
    reader = _Reader(name)
    data = reader.read(node, ()) if node is not None else None
    return Document(name, data, reader.lines, tuple(reader.problems))


def _failed(name: str, line: int | None, what: str, next_step: str) -> Document:
    return Document(
        name, None, {}, (Problem(Where(file=name, line=line), f"{what}.", "", next_step),)
    )


class _Reader:
    """Walks composed nodes once, collecting values, lines and problems."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.lines: dict[Path, int] = {}
        self.problems: list[Problem] = []
        self.seen: set[int] = set()

    def read(self, node: Any, path: Path) -> Any:
        line = node.start_mark.line + 1
        self.lines.setdefault(path, line)
        if id(node) in self.seen or node.anchor:
            return self._refuse(path, line, "anchors and aliases are not used in evalkit files")
        self.seen.add(id(node))
        if len(path) > MAX_DEPTH:
            return self._refuse(path, line, f"nested deeper than {MAX_DEPTH} levels")
        kind = type(node).__name__
        if kind == "MappingNode":
            return self._mapping(node, path)
        if kind == "SequenceNode":
            return [self.read(item, (*path, index)) for index, item in enumerate(node.value)]
        return self._scalar(node, path, line)

    def _mapping(self, node: Any, path: Path) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        for key_node, value_node in node.value:
            line = key_node.start_mark.line + 1
            if type(key_node).__name__ != "ScalarNode":
                self._refuse(path, line, "a key must be a single word")
                continue
            key = str(key_node.value)
            if key in result:
                first = self.lines[(*path, key)]
                self._refuse(
                    (*path, key),
                    line,
                    f"the key '{key}' is repeated (first on line {first})",
                    "Remove one of the two.",
                )
                continue
            self.lines[(*path, key)] = line
            result[key] = self.read(value_node, (*path, key))
        return result

    def _scalar(self, node: Any, path: Path, line: int) -> Any:
        tag = str(node.tag or "")
        text = str(node.value).replace("\a", "")  # the composer marks folds with a bell
        if tag and tag not in _CORE_TAGS:
            return self._refuse(path, line, f"the tag '{tag}' is not used in evalkit files")
        if any("\ud800" <= character <= "\udfff" for character in text):
            return self._refuse(path, line, "half a character (a surrogate) stands in the text")
        if node.style in ("'", '"', "|", ">"):
            return text
        return plain_value(text)

    def _refuse(
        self, path: Path, line: int, what: str, next_step: str = "Write the value out."
    ) -> None:
        where = Where(file=self.name, line=line, key=".".join(str(part) for part in path))
        self.problems.append(Problem(where, f"{what}.", "", next_step))


def plain_value(text: str) -> Any:
    """Return the value of an unquoted word: null, true/false, number, ISO date, else the word."""
    if text.lower() in _NULL:
        return None
    if text in _BOOLEAN:
        return _BOOLEAN[text]
    if _INTEGER.match(text):
        return int(text) if len(text) <= LONGEST else text
    if _NUMBER.match(text) and not re.match(r"[-+]?0[0-9]", text):
        return float(text) if math.isfinite(float(text)) else text
    if _DATE.match(text):
        try:
            return datetime.date.fromisoformat(text)
        except ValueError:
            return text
    return text
