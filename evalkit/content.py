"""Find and read the shipped measures, designs and examples: the only input of content.

The folders lie inside the package in a wheel or a zip, and beside pyproject.toml in a checkout or
an editable install.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Literal

from evalkit.errors import NotAvailable
from evalkit.files.strict_yaml import Document, parse
from evalkit.registry import Reader, Registry

Kind = Literal["measures", "designs"]
SUFFIX = ".yaml"


def folder(kind: Kind) -> Traversable:
    """Return the folder of measures or designs."""
    return _folder(kind)


def example_folder() -> Traversable:
    """Return the folder of bundled examples."""
    return _folder("examples")


def read_texts(kind: Kind) -> dict[str, str]:
    """Return the text of every file by its name relative to the folder, sorted by name."""
    return {name: _text(path) for name, path in _paths(kind).items()}


@cache
def shipped_registry() -> Registry:
    """Return the registry of everything shipped; files are read when first asked for."""
    return Registry(_readers("measures"), _readers("designs"))


def registry_from_texts(measures: Mapping[str, str], designs: Mapping[str, str]) -> Registry:
    """Return a registry of measure and design files given as texts by file name."""

    def readers(texts: Mapping[str, str]) -> dict[str, Reader]:
        return {name: partial(parse, text, name) for name, text in texts.items()}

    return Registry(readers(measures), readers(designs))


def _folder(name: str) -> Traversable:
    package = files("evalkit")
    inside = package / "_content" / name
    if inside.is_dir():
        return inside
    if isinstance(package, Path):
        root = package.parent
        if (root / "pyproject.toml").is_file() and (root / name).is_dir():
            return root / name
    raise NotAvailable(f"The folder '{name}' is not part of this installation. Install it again.")


def _readers(kind: Kind) -> dict[str, Reader]:
    return {name: partial(_document, path, f"{kind}/{name}") for name, path in _paths(kind).items()}


def _document(path: Traversable, name: str) -> Document:
    return parse(_text(path), name)


def _text(path: Traversable) -> str:
    return path.read_text(encoding="utf-8")


def _paths(kind: Kind) -> dict[str, Traversable]:
    return dict(sorted(_walk(folder(kind), "")))


def _walk(parent: Traversable, before: str) -> Iterator[tuple[str, Traversable]]:
    for child in parent.iterdir():
        name = before + child.name
        if child.is_dir():
            yield from _walk(child, f"{name}/")
        elif child.name.endswith(SUFFIX):
            yield name, child
