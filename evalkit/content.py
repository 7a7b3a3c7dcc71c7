"""Find and read the shipped measures, designs and examples: the only input of content.

The folders lie inside the package in a wheel or a zip, and beside pyproject.toml in a checkout or
an editable install.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache, partial
from importlib.metadata import entry_points
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


GROUP = "evalkit.measures"
"""The entry points by which an installed package adds measures: the module whose folder holds them."""


@cache
def registry(folders: tuple[str, ...] = ()) -> Registry:
    """Return everything in force: what is shipped, what installed packages add, and these folders.

    A folder or package holds measure files, in folders of their own or not; an id that is there
    twice is refused, naming both files. Raises NotAvailable where a folder or package is not there.
    """
    readers = _readers("measures")
    origins: dict[str, str] = {}
    faults = []
    for point in entry_points(group=GROUP):
        name = point.dist.name if point.dist is not None else point.name
        try:
            found = _added(files(point.module), f"package {name}")
        except (ImportError, OSError):
            faults.append(_no_module(name, point.module))
            continue
        if not found:
            faults.append(_no_files(name, point.module))
        readers, origins = readers | found, origins | dict.fromkeys(found, f"package {name}")
    for folder in folders:
        place = Path(folder)
        if place.is_file():
            raise NotAvailable(f"'{folder}' is a file. Give the folder it lies in: {place.parent}.")
        if not place.is_dir():
            raise NotAvailable(f"There is no folder '{folder}' of measures. Check its name.")
        found = _added(place, place.as_posix().rstrip("/"))
        readers |= found
        origins |= dict.fromkeys(found, f"folder {place.resolve().name}")
    return Registry(readers, _readers("designs"), origins, tuple(faults))


def _no_module(package: str, module: str) -> str:
    return (
        f"The package '{package}' says that it adds measures, but {module} was not installed with it: "
        "its build leaves the folder out (setuptools: package-data)."
    )


def _no_files(package: str, module: str) -> str:
    return (
        f"The package '{package}' says that it adds measures, but {module} holds no .yaml file: its "
        "build leaves them out (setuptools: package-data)."
    )


def _added(folder: Traversable, label: str) -> dict[str, Reader]:
    return {
        f"{label}/{name}": partial(_document, path, f"{label}/{name}")
        for name, path in sorted(_walk(folder, ""))
    }


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
