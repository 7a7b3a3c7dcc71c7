"""Which counts a shareable page may show: small numbers hidden, the others rounded.

Under the strict profile a count of fewer than `threshold` people, or of people from fewer than
`threshold` families, is hidden; every other count is rounded to the nearest `round_to`, the same
count always to the same figure. Small parts of a total are joined, and hidden if they are still
small. Rounding is what keeps a hidden part from being worked out from the rest, so `round_to` must
be at least half the threshold. Under the open profile everything is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

HIDDEN = "hidden"
COMBINED = "other reasons (small numbers joined)"


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a total: what it is, how many people, from how many families, and which.

    `written` marks a label in somebody's own words, which may say more than a count.
    """

    label: str
    n: int
    families: int
    ids: frozenset[str] | None = None
    written: bool = False


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
        return not self.open and min(n, families) < self.threshold

    def count(self, n: int, families: int) -> Count:
        """Return a count as it may be shown; nobody at all is shown as 0."""
        if n == 0 or self.open:
            return Count(n, f"{n:,}")
        if self.small(n, families):
            return Count(None, HIDDEN)
        return Count(self.rounded(n), f"{self.rounded(n):,}")

    def of(self, part: Part) -> Count:
        """Return the count of a part as it may be shown."""
        return self.count(part.n, part.families)

    def rounded(self, n: int) -> int:
        """Round to the nearest multiple, halves up, and never to less than the threshold."""
        nearest = (2 * n + self.round_to) // (2 * self.round_to) * self.round_to
        return max(nearest, -(-self.threshold // self.round_to) * self.round_to)

    def parts(self, parts: Iterable[Part]) -> tuple[tuple[str, Count], ...]:
        """Return the parts of a total as they may be shown, the empty left out, the small joined."""
        listed = [part for part in parts if part.n]
        small = [part for part in listed if self.small(part.n, part.families)]
        large = [part for part in listed if part not in small]
        if len(small) == 1 and not small[0].written:
            large += small
        elif small:
            large.append(Part(COMBINED, sum(part.n for part in small), _distinct(small)))
        return tuple((part.label, self.of(part)) for part in large)


def _distinct(parts: list[Part]) -> int:
    """Return how many families stand behind several parts; at least the most of any where unknown."""
    ids = [part.ids for part in parts if part.ids is not None]
    if len(ids) < len(parts):
        return max(part.families for part in parts)
    return len(frozenset().union(*ids))


def sentence(rules: Rules, because: str) -> str:
    """Say on the page what was done to its counts."""
    if rules.open:
        return f"All counts are shown as they are: {because.rstrip('.')}."
    return (
        f"To keep families from being recognised, counts of fewer than {rules.threshold} people, or "
        f"of people from fewer than {rules.threshold} families, are hidden, and every other count is "
        f"rounded to the nearest {rules.round_to}. So parts may differ from their totals by a few. "
        "Percentages follow from the rounded counts."
    )
