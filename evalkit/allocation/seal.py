"""What an allocation log's seed makes: a commitment, links of the chain, the sealed rule.

Each is SHA-256 or HMAC-SHA256 of UTF-8 text, in hexadecimal, so that ten lines of other code can
check it. A seed is text; none of these tells it, as long as it cannot be found by trying.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

FIRST = "0" * 64
SHORTEST, VARIED = 32, 10
"""A seed with fewer characters, or fewer different ones, might be found by trying."""
PADDED = 512


def can_be_guessed(seed: str) -> bool:
    """Return whether a seed is too short or too even to keep the next allocation hidden."""
    return len(seed) < SHORTEST or len(set(seed)) < VARIED


def commitment(seed: str) -> str:
    """Return what commits to a seed without telling it: SHA-256 of "evalkit commitment|SEED"."""
    return sha256(f"evalkit commitment|{seed}".encode()).hexdigest()


def line_hmac(seed: str, before: str, text: str) -> str:
    """Return HMAC-SHA256, keyed by "evalkit log|SEED", of the hash before and the line's text."""
    return hmac.digest(f"evalkit log|{seed}".encode(), f"{before}{text}".encode(), "sha256").hex()


def line_hash(before: str, text: str, mac: str) -> str:
    """Return SHA-256 of the hash before, the line's text and its HMAC: the next link."""
    return sha256(f"{before}{text}{mac}".encode()).hexdigest()


def seal(content: Mapping[str, Any], seed: str) -> str:
    """Return content as only the seed's holder can read it.

    The JSON text, filled up with spaces to a multiple of 512 bytes so that its length tells
    nothing, is combined by exclusive or with the HMACs, keyed by "evalkit rule|SEED", of "0", "1"
    and so on.
    """
    text = compact(content).encode()
    return _combined(text + b" " * (-len(text) % PADDED), seed).hex()


def unseal(sealed: str, seed: str) -> dict[str, Any]:
    """Return what was sealed; raises ValueError where this is not the seed or not a seal."""
    found = json.loads(_combined(bytes.fromhex(sealed), seed))
    if not isinstance(found, dict):
        raise ValueError("not a seal")
    return found


def _combined(content: bytes, seed: str) -> bytes:
    key = f"evalkit rule|{seed}".encode()
    blocks = range(-(-len(content) // 32))
    stream = b"".join(hmac.digest(key, str(block).encode(), "sha256") for block in blocks)
    return bytes(one ^ other for one, other in zip(content, stream, strict=False))


def compact(content: Mapping[str, Any]) -> str:
    """Return JSON without spaces, keys in their order, letters as they are."""
    return _ENCODER.encode(content)


_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False)
