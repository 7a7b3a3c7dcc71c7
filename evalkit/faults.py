"""Gathering what is wrong between the parts of a declaration whose shape is right."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from evalkit.declaration import Declaration
from evalkit.errors import Problem, Where, nearest

if TYPE_CHECKING:
    from evalkit.registry import Registry

OUTSIDERS = ("teacher", "practitioner")


class Faults:
    """A declaration, what it may name, and the problems found so far."""

    def __init__(self, declared: Declaration, registry: Registry, where: Callable[..., Where]):
        self.declared = declared
        self.registry = registry
        self.where = where
        self.roles = [role.id for role in declared.roles]
        self.waves = [wave.id for wave in declared.waves]
        self.found: list[Problem] = []

    def _say(self, path: tuple[Any, ...], what: str, allowed: str = "", step: str = "") -> None:
        self.found.append(Problem(self.where(path), what, allowed, step))

    def _one_of(self, path: tuple[Any, ...], word: str, allowed: Iterable[str], noun: str) -> bool:
        choices = list(allowed)
        if word in choices:
            return True
        self._say(path, f"unknown {noun} '{word}'.", ", ".join(choices), nearest(word, choices))
        return False

    def _once(self, path: tuple[Any, ...], words: Iterable[str], noun: str) -> None:
        """A word listed twice would give the same result twice."""
        listed = list(words)
        for word in dict.fromkeys(word for word in listed if listed.count(word) > 1):
            self._say(path, f"the {noun} '{word}' is listed twice.", "", "List it once.")
