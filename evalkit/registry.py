"""The measures and designs in force: found by id, parsed one file at a time, kept once parsed."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar

from evalkit.errors import InvalidContent, Problem, UnknownDesign, UnknownMeasure, Where, nearest

if TYPE_CHECKING:
    from evalkit.design_spec import Design
    from evalkit.instruments.spec import Measure

Made = TypeVar("Made")


class Document(Protocol):
    """A parsed file: its data, the problems met while parsing, and the place of any path."""

    @property
    def data(self) -> Any: ...

    @property
    def problems(self) -> tuple[Problem, ...]: ...

    def where(self, path: tuple[Hashable, ...]) -> Where: ...


Reader = Callable[[], Document]
Readers = Mapping[str, Reader]


@dataclass(frozen=True, slots=True)
class Registry:
    """Measures and designs by id.

    Parameters
    ----------
    measure_readers, design_readers : for each file, its name relative to its folder
        (`children/sdq-parent-4-17.yaml`) and a function that reads and parses it. The stem of the
        name is the id; nothing is read until the id is asked for.
    origins : where the files come from that are not shipped, by file name: "folder NAME" or
        "package NAME".
    faults : what is wrong with packages that should add measures, said where an id is not found.
    """

    measure_readers: Readers
    design_readers: Readers
    origins: Mapping[str, str] = field(default_factory=dict)
    faults: tuple[str, ...] = ()
    _made: dict[str, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def measures(self) -> list[str]:
        """Return the ids of all measures, sorted."""
        return sorted(_by_id(self.measure_readers))

    def designs(self) -> list[str]:
        """Return the ids of all designs, sorted."""
        return sorted(_by_id(self.design_readers))

    def measure(self, measure_id: str) -> Measure:
        """Return a measure. Raises UnknownMeasure, or InvalidContent where its file is faulty."""
        from evalkit.instruments.spec import build_measure

        names = _by_id(self.measure_readers)
        if measure_id not in names:
            said = [_unknown("measure", measure_id, names), *self.faults]
            raise UnknownMeasure(" ".join(said))
        return self._kept(self.measure_readers, names[measure_id], build_measure)

    def file(self, measure_id: str) -> str | None:
        """Return the name of the file of a measure, None where there is none."""
        return _by_id(self.measure_readers).get(measure_id)

    def origin(self, measure_id: str) -> str:
        """Return where a measure comes from: "shipped", "folder NAME" or "package NAME"."""
        name = _by_id(self.measure_readers).get(measure_id, "")
        return self.origins.get(name, "shipped")

    def design(self, design_id: str) -> Design:
        """Return a design. Raises UnknownDesign, or InvalidContent where its file is faulty."""
        from evalkit.design_spec import build_design

        names = _by_id(self.design_readers)
        if design_id not in names:
            raise UnknownDesign(_unknown("design", design_id, names))
        return self._kept(self.design_readers, names[design_id], build_design)

    def _kept(self, readers: Readers, name: str, build: Callable[..., Made]) -> Made:
        key = f"{build.__name__} {name}"
        if key not in self._made:
            self._made[key] = _made_from(readers[name](), name, build)
        made: Made = self._made[key]
        return made


def _made_from(document: Document, name: str, build: Callable[..., Made]) -> Made:
    if document.problems:
        raise InvalidContent(document.problems)
    stem = _stem(name)
    declared = document.data.get("id", stem) if isinstance(document.data, Mapping) else stem
    if declared != stem:
        what = f"the id '{declared}' is not the name of the file."
        raise InvalidContent([Problem(document.where(("id",)), what, stem, "Rename one of them.")])
    return build(document.data, document.where)


def _stem(name: str) -> str:
    return name.rsplit("/", 1)[-1].removesuffix(".yaml")


def _by_id(names: Iterable[str]) -> dict[str, str]:
    """Return file names by id; two files with one id are refused."""
    found: dict[str, str] = {}
    for name in names:
        stem = _stem(name)
        if stem in found:
            what = f"the id '{stem}' is also that of {found[stem]}."
            raise InvalidContent([Problem(Where(file=name), what, "", "Rename one of the files.")])
        found[stem] = name
    return found


MOST = 30
"""How many ids a message lists; of more only those alike."""


def _unknown(kind: str, word: str, names: Mapping[str, str]) -> str:
    allowed = sorted(names)
    near = nearest(str(word), allowed)
    if len(allowed) > MOST:
        allowed = alike(str(word), allowed)
        near = " ".join([near, f"`evalkit {kind}s list` shows all {len(names)}."]).strip()
    problem = Problem(Where(), f"There is no {kind} '{word}'.", ", ".join(allowed), near)
    return str(problem)


def alike(word: str, names: Iterable[str]) -> list[str]:
    """Return the names that share a part with a word, or are spelt nearly like it; at most ten."""
    from difflib import get_close_matches

    listed = sorted(names)
    parts = [part for part in word.lower().split("-") if len(part) > 2]
    shared = [name for name in listed if any(part in name for part in parts)]
    close = get_close_matches(word, listed, n=5, cutoff=0.5)
    return list(dict.fromkeys([*close, *shared]))[:10]
