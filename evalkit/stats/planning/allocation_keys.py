"""Allocation that anybody can derive again from a seed: SHA-256 keys, no library's random stream.

The key of a piece of text is SHA-256 of its UTF-8 bytes, in hexadecimal. Pieces are joined by "|".
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any

from evalkit.stats.shared.columns import invalid

NO_STRATUM = "all"
_ESCAPES = (("%", "%25"), ("|", "%7C"), ("/", "%2F"))


def key(*parts: Any) -> str:
    """Return SHA-256 of the parts joined by "|", in hexadecimal."""
    return sha256("|".join(str(part) for part in parts).encode()).hexdigest()


def uniform(digest: str) -> float:
    """Return the key as a number from 0 to below 1: its first 13 hexadecimal digits over 16^13."""
    return int(digest[:13], 16) / 16**13


def seed_text(seed: Any) -> str:
    """Return the seed as text, which has no "|" in it."""
    if isinstance(seed, bool) or not isinstance(seed, str | int) or not str(seed).strip():
        raise invalid(f"seed is a {type(seed).__name__}.", allowed="text or a whole number")
    if "|" in str(seed):
        raise invalid(
            "seed has a '|' in it.", allowed="text without '|', which separates the parts"
        )
    return str(seed)


def stratum_text(values: Iterable[Any]) -> str:
    """Return a stratum as text: its values joined by "/", with %, | and / in them as %25 %7C %2F."""
    return "/".join(_text(value) for value in values)


def _text(value: Any) -> str:
    value = getattr(value, "item", lambda: value)()
    text = str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)
    for plain, escaped in _ESCAPES:
        text = text.replace(plain, escaped)
    return text


def block_size(seed: str, stratum: str, block: int, sizes: Sequence[int]) -> int:
    """Return the size of a block: the key of "seed|stratum|block|size" modulo their number."""
    return sizes[int(key(seed, stratum, block, "size"), 16) % len(sizes)]


def block_order(
    seed: str, stratum: str, block: int, labels: Sequence[Any]
) -> list[tuple[Any, str]]:
    """Return the labels of a block in the order they are given out, each with its key.

    The key of the label at `index` (from 0) is that of "seed|stratum|block|index"; labels are
    sorted by key.
    """
    keyed = [(key(seed, stratum, block, index), label) for index, label in enumerate(labels)]
    return [(label, digest) for digest, label in sorted(keyed, key=lambda pair: pair[0])]


def weighted(share: float, ratio: Sequence[int]) -> int:
    """Return which arm a number from 0 to below 1 falls to, arms as wide as their ratio."""
    place, total = share * sum(ratio), 0
    for arm, width in enumerate(ratio):
        total += width
        if place < total:
            return arm
    return len(ratio) - 1
