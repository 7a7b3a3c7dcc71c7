"""Text in figures: made safe for XML, measured and wrapped without asking any font.

The widths are those of a wide sans-serif face, so that whatever face the reader's machine picks,
a line that fits here fits there.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_NARROW: Final = frozenset("ijlI.,:;'|!`·’‘")
_SLIM: Final = frozenset('frt()[]{}-/\\"*“”°')
_WIDE: Final = frozenset("mwMWQO@%—+=<>~&≤≥±−→←")
_BOLD: Final = 1.11


def clean(text: str) -> str:
    """The text on one line, without the control and direction characters a page must not hold."""
    spaced = " ".join(str(text).split())
    return "".join(character for character in spaced if character.isprintable())


def _character_width(character: str) -> float:
    if character in _NARROW:
        return 0.33
    if character == " ":
        return 0.32
    if character in _SLIM:
        return 0.42
    if unicodedata.east_asian_width(character) in "WF":
        return 1.05
    if character in _WIDE:
        return 0.9
    if unicodedata.combining(character):
        return 0.0
    return 0.69 if character.isupper() else 0.62


def text_width(text: str, size: float, *, bold: bool = False) -> float:
    """An upper estimate of the width of a line, in the units of `size`."""
    return sum(map(_character_width, text)) * size * (_BOLD if bold else 1.0)


def _pieces(word: str, width: float, size: float, bold: bool) -> list[str]:
    """A word too long for the line, cut where it must be."""
    pieces, current = [], ""
    for character in word:
        if current and text_width(current + character, size, bold=bold) > width:
            pieces.append(current)
            current = ""
        current += character
    return [*pieces, current]


def wrap(text: str, width: float, size: float, *, bold: bool = False) -> tuple[str, ...]:
    """The lines of a text that fit a width; nothing is cut off. No lines for an empty text."""
    lines: list[str] = []
    current = ""
    for word in clean(text).split(" "):
        longer = f"{current} {word}" if current else word
        if text_width(longer, size, bold=bold) <= width:
            current = longer
            continue
        if current:
            lines.append(current)
        *whole, current = _pieces(word, width, size, bold)
        lines.extend(whole)
    return (*lines, current) if current else tuple(lines)
