"""Which counts a shareable page may show: small numbers hidden, the others rounded, totals kept.

Under the strict profile a count of fewer than `threshold` people, or people from fewer than
`threshold` families, is hidden. The others are rounded to `round_to`, each to one of its two
neighbours or the next, chosen so that the parts of a total still add up to it; a hidden part
stands for `round_to` in its total. Under the open profile everything is shown as it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

NOT_SHOWN = "not shown"
COMBINED = "other reasons (small numbers combined)"


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
        return not self.open and min(n, families) < self.threshold

    def count(self, n: int, families: int) -> Count:
        """Return a count that stands alone."""
        if self.small(n, families):
            return self.hide()
        return self.shown(n if self.open else self.rounded(n))

    def rounded(self, n: int) -> int:
        """Round to the nearest multiple, halves up, and never to less than the threshold."""
        nearest = (2 * n + self.round_to) // (2 * self.round_to) * self.round_to
        return max(nearest, self.least)

    @property
    def least(self) -> int:
        """The smallest multiple that is not under the threshold."""
        return -(-self.threshold // self.round_to) * self.round_to

    def shown(self, n: int) -> Count:
        """Return a count to be shown as given."""
        return Count(n, f"{n:,}")

    def hide(self) -> Count:
        """Return the mark of a hidden count."""
        return Count(None, f"<{self.threshold}")

    def withhold(self) -> Count:
        """Return the mark of a count hidden, whatever its size, to keep a small one hidden."""
        return Count(None, NOT_SHOWN)

    def split(
        self, total: Count, parts: Iterable[Part], rest: Part, *, combine: bool = True
    ) -> tuple[list[tuple[str, Count]], Count]:
        """Split a shown total into parts and a rest that add up to it as shown.

        Empty parts are left out. Small parts are combined unless `combine` is False; what is still
        small is hidden and stands for `round_to`. Returns the parts as (label, count) and the
        rest. Where the total is hidden, all of it is.
        """
        listed = [part for part in parts if part.n]
        if self.open:
            return [(part.label, self.shown(part.n)) for part in listed], self.shown(rest.n)
        if total.value is None:
            return [(part.label, self.withhold()) for part in listed], self.withhold()
        large = [part for part in listed if not self.small(part.n, part.families)]
        little = [part for part in listed if self.small(part.n, part.families)]
        if combine and len(little) > 1:
            joined = Part(COMBINED, sum(p.n for p in little), _distinct(little))
            little = [joined]
            if not self.small(joined.n, joined.families):
                large, little = [*large, joined], []
        hidden = [(part.label, self.withhold()) for part in [*large, *little]]
        if self.small(rest.n, rest.families):
            return hidden, self.withhold()
        room = total.value - self.round_to * len(little)
        values = self._fit([part.n for part in large] + [rest.n], room)
        if values is None:
            return hidden, self.withhold()
        shown = [(part.label, self.shown(v)) for part, v in zip(large, values, strict=False)]
        return shown + [(part.label, self.hide()) for part in little], self.shown(values[-1])

    def _fit(self, numbers: list[int], total: int) -> list[int] | None:
        """Round numbers to multiples that add up to `total`, each to its nearest or the next.

        None where that cannot be done: what would be shown would then be too far from the truth.
        """
        values = [self.rounded(n) for n in numbers]
        while sum(values) != total:
            move = self.round_to if sum(values) < total else -self.round_to
            moved = [value + move for value in values]
            off = [abs(new - n) for new, n in zip(moved, numbers, strict=True)]
            free = [i for i, new in enumerate(moved) if new >= self.least]
            position = min(free, key=lambda i: (off[i], i), default=None)
            if position is None or 2 * off[position] > 3 * self.round_to:
                return None
            values[position] = moved[position]
        return values


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
        f"To keep families from being recognised, counts of fewer than {rules.threshold} people or "
        f"families are hidden (shown as <{rules.threshold}) and the others are rounded to the "
        f"nearest {rules.round_to}, or to the next, so that parts add up to their totals. A hidden "
        f"count stands for {rules.round_to} in its total. Where a hidden count could be worked out "
        f"from the others, these are not shown either. Percentages follow from the rounded counts."
    )
