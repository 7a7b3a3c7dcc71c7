"""Small counts stay hidden, what is shown adds up, and nothing hidden can be worked out."""

from __future__ import annotations

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from evalkit.disclosure import COMBINED, Part, Rules

STRICT = Rules(open=False, threshold=10, round_to=5)


@st.composite
def tables(draw: st.DrawFn) -> tuple[Rules, list[Part], Part, bool]:
    rules = Rules(
        open=False,
        threshold=draw(st.integers(3, 30)),
        round_to=draw(st.sampled_from([1, 2, 3, 5, 10, 25, 100])),
    )
    sizes = st.integers(0, 120)
    parts = []
    for n, people in enumerate(draw(st.lists(sizes, max_size=6))):
        families = draw(st.integers(min(1, people), people)) if people else 0
        parts.append(Part(f"reason {n}", people, families))
    rest = draw(sizes)
    return rules, parts, Part("rest", rest, rest), draw(st.booleans())


@settings(deadline=None, max_examples=400)
@given(tables())
def test_strict_tables_add_up_and_show_nothing_small(made: tuple) -> None:
    rules, parts, rest, combine = made
    people = sum(p.n for p in parts) + rest.n
    total = rules.count(people, sum(p.families for p in parts) + rest.families)
    shown, left = rules.split(total, parts, rest, combine=combine)
    again = rules.split(total, parts, rest, combine=combine)
    assert (shown, left) == again
    known = {p.label: p for p in parts}
    for label, count in [*shown, ("rest", left)]:
        if count.hidden:
            continue
        assert count.value >= rules.threshold
        assert count.value % rules.round_to == 0
        if label in known:
            assert min(known[label].n, known[label].families) >= rules.threshold
    if left.hidden:
        assert all(count.hidden for _, count in shown)
        return
    assert rest.n >= rules.threshold
    added = sum(rules.round_to if c.hidden else c.value for _, c in shown) + left.value
    assert added == total.value
    off = [(c.value, known[label].n) for label, c in shown if label in known and not c.hidden]
    for value, n in [*off, (left.value, rest.n)]:
        assert abs(value - n) <= max(1.5 * rules.round_to, rules.least - rules.threshold)


@given(st.lists(st.integers(0, 50), max_size=5), st.integers(0, 50))
def test_an_open_profile_is_exact(sizes: list[int], rest: int) -> None:
    rules = Rules(open=True, threshold=10, round_to=5)
    parts = [Part(f"p{i}", n, n) for i, n in enumerate(sizes)]
    shown, left = rules.split(rules.count(sum(sizes) + rest, 0), parts, Part("", rest, 0))
    assert [(label, c.value) for label, c in shown] == [(p.label, p.n) for p in parts if p.n]
    assert left.value == rest


def test_nobody_can_work_out_a_hidden_count() -> None:
    """Every table a reader may see fits at least two different hidden numbers."""
    behind: dict[tuple, set[int]] = defaultdict(set)
    for large in range(10, 45):
        for small in range(1, 10):
            for rest in range(10, 45):
                total = STRICT.count(large + small + rest, 99)
                parts = [Part("a", large, large), Part("b", small, small)]
                shown, left = STRICT.split(total, parts, Part("", rest, rest))
                if not left.hidden:
                    key = (total.value, tuple(c.text for _, c in shown), left.value)
                    behind[key].add(small)
    assert len(behind) > 20
    assert min(len(hidden) for hidden in behind.values()) >= 2


def test_what_stands_beside_a_small_rest_is_withheld_and_not_called_small() -> None:
    shown, left = STRICT.split(STRICT.count(48, 48), [Part("moved", 40, 40)], Part("", 8, 8))
    assert left.hidden and shown[0][1].hidden
    assert shown[0][1].text == "not shown"


def test_many_people_of_few_families_are_small() -> None:
    assert STRICT.count(30, 4).hidden
    assert STRICT.count(30, 10).value == 30
    assert STRICT.count(0, 0).text == "<10"


def test_people_of_few_families_never_bend_the_other_counts() -> None:
    parts = [Part("moved", 50, 3), Part("silent", 60, 60)]
    shown, left = STRICT.split(STRICT.count(200, 200), parts, Part("", 90, 90), combine=False)
    for (_, count), n in zip([*shown[::-1], ("", left)], [50, 60, 90], strict=True):
        assert count.hidden or abs(count.value - n) <= 7.5


def test_small_reasons_are_combined() -> None:
    parts = [Part("moved", 6, 6), Part("ill", 7, 7), Part("silent", 20, 20)]
    shown, left = STRICT.split(STRICT.count(73, 73), parts, Part("", 40, 40))
    assert {label: c.value for label, c in shown} == {"silent": 20, COMBINED: 15}
    assert left.value == 40


def test_a_threshold_that_is_no_multiple_is_kept_by_what_is_shown() -> None:
    rules = Rules(open=False, threshold=11, round_to=5)
    assert rules.count(11, 11).value == 15
    assert Rules(open=False, threshold=3, round_to=100).count(30, 30).value == 100
