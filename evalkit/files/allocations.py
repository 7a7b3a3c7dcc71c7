"""Read and write what allocation keeps: the log, which only grows, and the file of the seed."""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from evalkit.errors import InvalidData, InvalidInput, Problem, Where

PRIVATE = 0o600
LARGEST = 500_000_000
ABOUT = """\
# The seed of one allocation list. Whoever reads it knows every allocation to come:
# keep it where nobody who recruits can open it, and never beside the log.
# Lose it, and nobody can be added to the list. Receipts of each run are added below.
"""


@dataclass(frozen=True, slots=True)
class SeedFile:
    """A seed read from its file, and the receipts of the list that it was used for."""

    path: Path
    seed: str
    receipts: tuple[str, ...]

    def __repr__(self) -> str:
        """Say nothing of the seed."""
        return f"SeedFile({self.path.name}, {len(self.receipts)} receipts)"


def write_new_seed(path: Path) -> str:
    """Write a seed of 256 random bits to a new file that only its owner may read; return the seed."""
    refuse_link(path)
    if path.exists():
        raise InvalidInput(
            f"{path} is there already, and a seed is never written over. Choose another name."
        )
    seed = secrets.token_hex(32)
    _write(path, f"{ABOUT}seed: {seed}\n", os.O_CREAT | os.O_EXCL, PRIVATE)
    return seed


def read_seed(path: Path) -> SeedFile:
    """Read a seed file; refuses one that others may read, or that is not one."""
    where = Where(file=path.name)
    if not path.is_file():
        step = "Check the name, or make one with --new-seed."
        raise InvalidData([Problem(where, "the seed file is not there.", "", step)])
    if os.name == "posix" and path.stat().st_mode & 0o077:
        step = f"Run: chmod 600 {path.name}. If anybody may have read it, begin with another seed."
        raise InvalidData([Problem(where, "others than its owner may read this file.", "", step)])
    pairs = [line.partition(":") for line in _text(path).splitlines() if line[:1] not in ("#", "")]
    seeds = [value.strip() for name, _, value in pairs if name == "seed"]
    if len(seeds) != 1 or not seeds[0] or {name for name, _, _ in pairs} - {"seed", "receipt"}:
        what = "this is not a seed file that --new-seed made."
        raise InvalidData([Problem(where, what, "one line 'seed: ...'")])
    kept = tuple(value.strip() for name, _, value in pairs if name == "receipt")
    return SeedFile(path, seeds[0], kept)


def keep_receipt(held: SeedFile, receipt: str) -> None:
    """Add a receipt to the seed's file, once."""
    if receipt not in held.receipts:
        _write(held.path, f"receipt: {receipt}\n", os.O_APPEND, PRIVATE)


def read_log_text(path: Path) -> str:
    """Return the text of a log, lines ending as they were written."""
    if not path.is_file():
        step = "Check the name and the folder."
        raise InvalidData([Problem(Where(file=path.name), "the log is not there.", "", step)])
    return _text(path)


def _text(path: Path) -> str:
    where = Where(file=path.name)
    if path.stat().st_size > LARGEST:
        raise InvalidData([Problem(where, "the file is too large for what it should be.")])
    try:
        return path.read_bytes().decode("utf-8")
    except UnicodeDecodeError as error:
        line = path.read_bytes()[: error.start].count(b"\n") + 1
        what = "the text is not UTF-8: the file was changed."
        raise InvalidData([Problem(Where(file=path.name, line=line), what)]) from None


def grow_log(path: Path, text: str, *, new: bool) -> None:
    """Add lines to a log, on the disk before this returns; `new` refuses a file that is there."""
    refuse_link(path)
    _write(path, text, os.O_CREAT | os.O_EXCL if new else os.O_APPEND, 0o666)


def _write(path: Path, text: str, flags: int, mode: int) -> None:
    place = os.open(path, os.O_WRONLY | flags | getattr(os, "O_BINARY", 0), mode)
    with open(place, "wb") as stream:
        stream.write(text.encode("utf-8"))
        stream.flush()
        os.fsync(stream.fileno())


@contextlib.contextmanager
def one_at_a_time(log: Path) -> Iterator[None]:
    """Let one run at a time write to a log."""
    guard = log.with_name(f"{log.name}.lock")
    try:
        os.close(os.open(guard, os.O_CREAT | os.O_EXCL | os.O_WRONLY))
    except FileExistsError:
        raise InvalidInput(
            f"Another run is writing to {log.name}, or one was stopped halfway. Nothing was "
            f"allocated. If none is running, run --verify and delete {guard.name}."
        ) from None
    try:
        yield
    finally:
        guard.unlink(missing_ok=True)


def refuse_link(path: Path) -> None:
    """Refuse a link, which could point a file to anywhere."""
    if path.is_symlink():
        raise InvalidInput(f"{path} is a link. Nothing was written. Name the file itself.")
