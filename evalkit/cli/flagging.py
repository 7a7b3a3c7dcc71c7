"""What must reach a person: counted on the screen, written to a file of its own, never shared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evalkit.cli.output import say
from evalkit.errors import InvalidInput

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class Flagged:
    """How many answer sets of how many people raise a flag, and where they are listed."""

    answers: int
    people: int
    path: Path | None

    def record(self) -> dict[str, Any]:
        """Return the counts and the file, for --json."""
        path = str(self.path) if self.path else None
        return {"answers": self.answers, "people": self.people, "file": path}

    def show(self) -> None:
        """Print how many there are, and where to look; nothing of anybody."""
        if not self.answers:
            return
        say()
        sets = "1 answer set" if self.answers == 1 else f"{self.answers} answer sets"
        people = "1 person" if self.people == 1 else f"{self.people} people"
        say(f"Safeguarding: {sets} of {people} must be seen by a responsible person.")
        say(f"  Listed in {self.path}, for the team only: do not share it.")


def flags_beside(folder: Path) -> Path:
    """Return the file beside a folder of reports, never inside it."""
    folder = folder.resolve()
    return folder.with_name(f"{folder.name}.safeguarding.csv")


def write_flags(flags: pd.DataFrame, target: Path, who: str = "person") -> Flagged:
    """Write the flags, readable by the owner alone; an earlier list is replaced, never left to age.

    `who` is the column that says whose the answers are.
    """
    from evalkit.cli.writing import write_csv

    keys = [column for column in flags.columns if column not in ("flag", "state", "says")]
    answers, people = len(flags.drop_duplicates(keys)), flags[who].nunique()
    if not len(flags) and not target.exists():
        return Flagged(0, 0, None)
    _refuse_to_replace(target)
    write_csv(flags, target, mode=0o600)
    return Flagged(answers, people, target if len(flags) else None)


def _refuse_to_replace(target: Path) -> None:
    """Never write over a file that is not an earlier list."""
    if not target.exists():
        return
    with target.open("rb") as stream:
        first = stream.readline(10_000)
    if first.strip() and not first.rstrip().endswith(b"flag,state,says"):
        raise InvalidInput(
            f"{target} is there already and is no list of safeguarding flags. "
            "Move it, or choose another place with --out."
        )
