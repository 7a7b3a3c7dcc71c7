"""Which counts a shareable page may show: small numbers hidden, the others rounded.

Under the strict profile a count of people is hidden where it is under `threshold`, where its rounded
figure would stand for such counts too, or where the people come from fewer than `threshold` families;
so is nobody at all. Every other count is rounded to the nearest `round_to`, the same count always to
the same figure. Small parts of a total are joined, and left out if they are still small. Rounding is
what keeps a hidden part from being worked out from the rest, so `round_to` must be at least half the
threshold. Under the open profile everything is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HIDDEN = "few or none"
COMBINED = "other reasons (small numbers joined)"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a total: what it is, how many people, from how many families, and which."""

    label: str
    n: int
    families: int
    ids: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """A count as it may be shown; `value` is None where it is hidden."""

    value: int | None
    text: str

    @property
    def hidden(self) -> bool:
        """Whether the count may not be shown."""
        return self.value is None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Rules:
    """The disclosure rules in force."""

    open: bool
    threshold: int
    round_to: int

    def small(self, n: int, families: int) -> bool:
        """Whether a count of so many people from so many families is too small to show."""
        return not self.open and (n < self.least or families < self.threshold)

    def count(self, n: int, families: int) -> Count:
        """Return a count as it may be shown; nobody at all looks the same as a few."""
        if self.open:
            return Count(n, f"{n:,}")
        if self.small(n, families):
            return Count(None, HIDDEN)
        return Count(self.rounded(n), f"{self.rounded(n):,}")

    def of(self, part: Part) -> Count:
        """Return the count of a part as it may be shown."""
        return self.count(part.n, part.families)

    def rounded(self, n: int) -> int:
        """Round to the nearest multiple, halves up."""
        return (2 * n + self.round_to) // (2 * self.round_to) * self.round_to

    @property
    def least(self) -> int:
        """The smallest count shown: the first whose figure stands for no count under the threshold.

        With a threshold of 10 and rounding to 5 the figure 10 would stand for 10 to 12 alone, so the
        first figure shown is 15, for 13 to 17.
        """
        if self.open:
            return 0
        figure = self.rounded(self.threshold)
        lowest = figure - self.round_to // 2
        return lowest if lowest >= self.threshold else lowest + self.round_to

    def parts(
        self, parts: Iterable[Part], joined_as: str = COMBINED
    ) -> tuple[tuple[str, Count], ...]:
        """Return the parts of a total that may be shown, the small ones joined.

        What is still small when joined is left out, so that a list that names nobody may mean
        nobody or a few: to say that there are a few would be enough to count them.
        """
        listed = [part for part in parts if part.n]
        small = [part for part in listed if self.small(part.n, part.families)]
        large = [part for part in listed if part not in small]
        joined = Part(joined_as, sum(part.n for part in small), _distinct(small))
        if small and not self.small(joined.n, joined.families):
            large.append(joined)
        return tuple((part.label, self.of(part)) for part in large)


def _distinct(parts: list[Part]) -> int:
    """Return how many families stand behind several parts; at least the most of any where unknown."""
    ids = [part.ids for part in parts if part.ids is not None]
    if len(ids) < len(parts):
        return max((part.families for part in parts), default=0)
    return len(frozenset().union(*ids))


def sentence(rules: Rules, because: str) -> str:
    """Say on the page what was done to its counts."""
    if rules.open:
        return f"All counts are shown as they are: {because.rstrip('.')}."
    return (
        f"To keep families from being recognised, counts of fewer than {rules.least} people, or "
        f"of people from fewer than {rules.threshold} families, are not shown (they read “{HIDDEN}”, or "
        f"are left out of a list of reasons), and every other count is rounded to the nearest "
        f"{rules.round_to}. So parts may differ from their totals by a few. "
        "Percentages follow from the rounded counts."
    )
