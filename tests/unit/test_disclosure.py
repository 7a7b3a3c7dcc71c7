"""Small numbers stay hidden, the same count is always the same figure, and rounding stays near."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.disclosure import COMBINED, HIDDEN, Part, Rules, sentence

STRICT = Rules(open=False, threshold=10, round_to=5)
OPEN = Rules(open=True, threshold=10, round_to=5)
RULES = st.builds(
    lambda threshold, extra: Rules(False, threshold, -(-threshold // 2) + extra),
    st.integers(3, 40), st.integers(0, 20),
)  # fmt: skip


@st.composite
def part(draw: st.DrawFn, label: str = "a reason") -> Part:
    n = draw(st.integers(0, 200))
    return Part(label, n, draw(st.integers(min(n, 1), n)))


def test_by_hand() -> None:
    shown = [STRICT.count(n, n).text for n in (0, 1, 9, 12, 13, 17, 18, 84, 1003)]
    assert shown == [HIDDEN, HIDDEN, HIDDEN, HIDDEN, "15", "15", "20", "85", "1,005"]
    assert [OPEN.count(n, n).text for n in (0, 1, 9, 1003)] == ["0", "1", "9", "1,003"]


def test_families_count_and_not_only_people() -> None:
    assert STRICT.count(30, 9).hidden and not STRICT.count(30, 10).hidden
    assert STRICT.least == 13


@settings(max_examples=200, deadline=None)
@given(RULES, st.integers(0, 500), st.integers(0, 500))
def test_what_is_shown_is_near_and_never_small(rules: Rules, n: int, families: int) -> None:
    families = min(n, max(families, min(n, 1)))
    count = rules.count(n, families)
    assert count == rules.count(n, families)
    if count.value:
        assert n >= rules.threshold and families >= rules.threshold
        assert count.value >= rules.threshold
        assert 2 * abs(count.value - n) <= rules.round_to
        assert count.value % rules.round_to == 0
    else:
        assert count.hidden and (n < rules.least or families < rules.threshold)
        assert rules.least < rules.threshold + rules.round_to


@settings(max_examples=150, deadline=None)
@given(RULES, st.lists(part(), max_size=6))
def test_small_parts_are_joined_and_lose_their_names(rules: Rules, parts: list[Part]) -> None:
    named = [Part(f"reason {n}", p.n, p.families) for n, p in enumerate(parts)]
    shown = dict(rules.parts(named))
    for p in named:
        assert (p.label in shown) == (p.n > 0 and not rules.small(p.n, p.families))
    assert not any(count.hidden for count in shown.values())
    small = [p for p in named if p.n and rules.small(p.n, p.families)]
    if COMBINED in shown:
        assert sum(p.n for p in small) >= rules.least


def test_joined_reasons_count_each_family_once() -> None:
    """Ten people of five families do not become showable by having two reasons."""
    five = frozenset("abcde")
    shown = dict(STRICT.parts([Part("moved", 5, 5, five), Part("refused", 5, 5, five)]))
    assert shown == {}
    ten = [Part("moved", 8, 5, five), Part("refused", 8, 5, frozenset("fghij"))]
    assert dict(STRICT.parts(ten))[COMBINED].text == "15"
    unknown = [Part("moved", 6, 6), Part("refused", 6, 6)]
    assert STRICT.parts(unknown) == ()


@settings(max_examples=100, deadline=None)
@given(st.integers(13, 300), st.integers(1, 9))
def test_a_hidden_loss_cannot_be_worked_out(due: int, lost: int) -> None:
    """Everybody who sees due and analysed as shown must still be left with several numbers."""
    if due - lost < STRICT.least:
        return
    shown = STRICT.count(due, due).value, STRICT.count(due - lost, due - lost).value
    fitting = {
        hidden
        for total in range(10, 320)
        for hidden in range(STRICT.least)
        if total - hidden >= STRICT.least
        and (STRICT.count(total, total).value, STRICT.count(total - hidden, total - hidden).value) == shown
    }  # fmt: skip
    assert lost in fitting and len(fitting) >= 5


def test_several_small_reasons_do_not_give_each_other_away() -> None:
    """Between two equal figures a named small reason would be one person; so none is named."""
    parts = [Part(f"reason {n}", 1, 1) for n in range(4)]
    assert STRICT.parts(parts) == ()
    assert STRICT.count(0, 0) == STRICT.count(4, 4)


def test_the_page_says_what_was_done() -> None:
    assert "published" in sentence(OPEN, "published data.") and ".." not in sentence(OPEN, "x.")
    said = sentence(STRICT, "")
    assert "fewer than 13 people" in said and "nearest 5" in said and "families" in said
