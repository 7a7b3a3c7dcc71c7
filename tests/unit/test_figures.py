"""Figures: safe, titled, reproducible SVG that keeps its boxes and labels apart."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import combinations
from xml.etree import ElementTree

import pytest

from evalkit.errors import InvalidInput
from evalkit.reports.figures import (
    BalanceRow,
    Bar,
    BoundaryPoint,
    DiagramLink,
    DiagramNode,
    FlowArm,
    FlowBox,
    FlowDiagram,
    ForestRow,
    Series,
    draw_balance,
    draw_bars,
    draw_boundary,
    draw_flow,
    draw_forest,
    draw_logic_model,
    draw_series,
    palette,
)
from evalkit.reports.figures.labels import Rect, Wanted, place_labels
from evalkit.reports.figures.place import spread
from evalkit.reports.figures.text import text_width, wrap

SVG = "{http://www.w3.org/2000/svg}"
CAUTIOUS = [(0, 5.7), (20, 6.3), (40, 5.0), (57, 0.3)]
OPTIMISTIC = [(0, 10.0), (20, 10.9), (40, 9.2), (65, 0.3)]
STATES = (
    "measured",
    "not-measured",
    "improved",
    "worsened",
    "no-clear-change",
    "not-enough-information",
    "described",
    "own-report-only",
)
BADGES = {"worsened": "Got worse", "described": "Described, not tested"}


def logic_model(word: str) -> str:
    nodes = [
        DiagramNode("a", "activities", f"Work {word}", word),
        DiagramNode("b", "outcomes", word, word, "improved", word),
        DiagramNode("c", "impacts", word),
    ]
    links = [DiagramLink("a", "b", "safety"), DiagramLink("a", "c"), DiagramLink("b", "c", word)]
    return draw_logic_model(nodes, links, title=word, description=word)


def flow(word: str) -> str:
    box = FlowBox(word, (word, word))
    arms = tuple(FlowArm(f"{word} {arm}", ((box, box), (box, None))) for arm in range(2))
    return draw_flow(FlowDiagram(((box, box),), arms), title=word, description=word)


def forest(word: str) -> str:
    rows = [
        ForestRow(word, -0.3, -0.5, -0.1, word, True, word),
        ForestRow(word, None, None, None, "", note=word),
        ForestRow(word, 0.1, float("-inf"), 9.0, word),
    ]
    both = (word, word)
    return draw_forest(rows, title=word, description=word, x_label=word, favours=both)


def boundary(word: str) -> str:
    points = [BoundaryPoint(word, 20, 4, True), BoundaryPoint(word, 21, 4.2, False)]
    return draw_boundary(
        points,
        cautious=CAUTIOUS,
        optimistic=OPTIMISTIC,
        in_force="cautious",
        title=word,
        description=word,
    )


def series(word: str) -> str:
    groups = [
        Series(word, (1.0, None, 3.0), (0.5, None, 2.0), (1.5, None, 4.0)),
        Series(f"{word} 2", (1.0, 2.0, float("nan"))),
    ]
    labels = [word, "later", "last"]
    return draw_series(groups, title=word, description=word, x_labels=labels, y_label=word)


def bars(word: str) -> str:
    shares = [Bar(word, 0.4, word, word), Bar(word, None, "", word), Bar(word, 0, word)]
    return draw_bars(shares, title=word, description=word, x_label=word)


def balance(word: str) -> str:
    rows = [BalanceRow(word, 0.03), BalanceRow(word, -0.3), BalanceRow(word, None)]
    return draw_balance(rows, title=word, description=word)


DRAWN = [logic_model, flow, forest, boundary, series, bars, balance]
each_figure = pytest.mark.parametrize("draw", DRAWN, ids=lambda draw: draw.__name__)


def words_of(svg: str) -> str:
    return " ".join(" ".join(ElementTree.fromstring(svg).itertext()).split())


def ids_of(svg: str) -> list[str]:
    return [
        element.attrib["id"]
        for element in ElementTree.fromstring(svg).iter()
        if "id" in element.attrib
    ]


def boxes_of(svg: str) -> list[Rect]:
    found = []
    for rect in ElementTree.fromstring(svg).iter(f"{SVG}rect"):
        if rect.get("class") == "box":
            x, y, width, height = (float(rect.attrib[k]) for k in ("x", "y", "width", "height"))
            found.append(Rect(x, y, x + width, y + height))
    return found


def sheet_of(svg: str) -> Rect:
    x, y, width, height = map(float, ElementTree.fromstring(svg).attrib["viewBox"].split())
    return Rect(x, y, x + width, y + height)


def lines_of(svg: str) -> list[Rect]:
    """Where each line of text lies, by the library's own upper estimate of its width."""
    root = ElementTree.fromstring(svg)
    found = []
    for block in root.iter(f"{SVG}text"):
        size = float(block.get("font-size", "12"))
        bold = block.get("font-weight") in ("600", "700")
        for line in [*block.iter(f"{SVG}tspan")] or [block]:
            width = text_width(line.text or "", size, bold=bold)
            x, y = float(line.attrib["x"]), float(line.attrib["y"])
            left = x - width * {"middle": 0.5, "end": 1.0}.get(block.get("text-anchor", ""), 0.0)
            found.append(Rect(left, y - size, left + width, y + 3))
    return found


@each_figure
def test_figure_is_a_titled_image_that_scales(draw: Callable[[str], str]) -> None:
    svg = draw("Safety & care")
    root = ElementTree.fromstring(svg)
    assert svg.startswith("<svg ") and root.tag == f"{SVG}svg"
    assert (root.get("role"), root.get("width")) == ("img", "100%")
    title, description = root.find(f"{SVG}title"), root.find(f"{SVG}desc")
    assert title is not None and title.text == "Safety & care"
    assert description is not None and description.text == "Safety & care"
    assert root.attrib["aria-labelledby"].split() == [title.get("id"), description.get("id")]


@each_figure
@pytest.mark.parametrize(
    "payload", ["<script>alert(1)</script>", "\"&'><b onload=x>", "$x_1$ \\ %s"]
)
def test_text_of_any_kind_stays_text(draw: Callable[[str], str], payload: str) -> None:
    svg = draw(payload)
    root = ElementTree.fromstring(svg)
    squeezed = words_of(svg).replace(" ", "")
    assert squeezed.count(payload.replace(" ", "")) >= 4
    assert "<script" not in svg and "<b " not in svg
    for element in root.iter():
        assert element.tag.startswith(SVG)
        assert element.tag.removeprefix(SVG) not in ("script", "style", "foreignObject", "metadata")
        for name, value in element.attrib.items():
            assert not name.startswith("on") and name != "style"
            assert name != "href" or value.startswith("#")


@each_figure
def test_figure_refers_to_nothing_outside(draw: Callable[[str], str]) -> None:
    svg = draw("Safety")
    assert re.findall(r"https?://[^\"]*", svg) == ["http://www.w3.org/2000/svg"]
    inside = set(ids_of(svg))
    assert set(re.findall(r"(?:url\(#|href=\"#)([^)\"]+)", svg)) <= inside


@each_figure
def test_same_input_gives_the_same_bytes(draw: Callable[[str], str]) -> None:
    assert draw("Safety") == draw("Safety")


def test_ids_are_unique_in_a_page_of_figures() -> None:
    ids = [one for draw in DRAWN for word in ("Safety", "Wellbeing") for one in ids_of(draw(word))]
    assert len(ids) == len(set(ids))


@each_figure
def test_control_characters_are_dropped(draw: Callable[[str], str]) -> None:
    assert "a b c" in words_of(draw("a\x00 b\n\u202ec\ud800 \U0001f600"))


@each_figure
def test_text_keeps_inside_the_picture(draw: Callable[[str], str]) -> None:
    svg = draw("Emotional and behavioural difficulties reported by the parent")
    assert all(line.within(sheet_of(svg)) for line in lines_of(svg))


def large_model() -> tuple[list[DiagramNode], list[DiagramLink]]:
    nodes = [DiagramNode(f"a{i}", "activities", f"Activity number {i}") for i in range(5)]
    nodes += [DiagramNode(f"p{i}", "outputs", f"Output number {i}", "per month") for i in range(4)]
    nodes += [
        DiagramNode(
            f"o{i}", "outcomes", f"Emotional difficulties of child {i}", "CIM", STATES[i % 8]
        )
        for i in range(12)
    ]
    nodes += [DiagramNode(f"m{i}", "impacts", f"Impact number {i}") for i in range(3)]
    links = [DiagramLink(f"a{i % 5}", f"p{i % 4}", "wellbeing") for i in range(9)]
    links += [DiagramLink(f"p{i % 4}", f"o{i}", "safety") for i in range(12)]
    links += [DiagramLink(f"o{i}", f"m{i % 3}", "sustainment") for i in range(12)]
    links += [DiagramLink("a0", "m2"), DiagramLink("o3", "o1"), DiagramLink("m0", "a1")]
    return nodes, links


def test_logic_model_with_twelve_outcomes_is_legible() -> None:
    svg = draw_logic_model(*large_model(), title="Logic model")
    boxes, sheet = boxes_of(svg), sheet_of(svg)
    assert len(boxes) == 24
    assert not any(a.meets(b, margin=4) for a, b in combinations(boxes, 2))
    assert all(box.within(sheet) for box in boxes)
    assert all(line.within(sheet) for line in lines_of(svg))
    sizes = [
        float(text.attrib["font-size"]) for text in ElementTree.fromstring(svg).iter(f"{SVG}text")
    ]
    assert min(sizes) >= 12


def test_every_outcome_has_its_badge() -> None:
    svg = draw_logic_model(*large_model(), title="Logic model")
    words = words_of(svg)
    for index, state in enumerate(STATES):
        badge = BADGES.get(state, state.replace("-", " ").capitalize())
        assert words.count(badge) >= (2 if index < 4 else 1)
    badges = [
        r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if r.get("class") == "badge"
    ]
    assert len(badges) == 12


def test_logic_model_leaves_out_empty_columns_and_names_used_kinds() -> None:
    words = words_of(draw_logic_model(*large_model(), title="t"))
    assert "Inputs" not in words and "Impacts" in words
    assert "Change in those who harm" not in words and "Keeping the change going" in words


def test_logic_model_orders_boxes_so_that_links_do_not_cross() -> None:
    nodes = [
        DiagramNode(f"{c[0]}{i}", c, f"{c} {i}") for c in ("inputs", "activities") for i in range(6)
    ]
    links = [DiagramLink(f"i{i}", f"a{5 - i}") for i in range(6)]
    boxes = boxes_of(draw_logic_model(nodes, links, title="t"))
    assert [box.top for box in boxes[:6]] == [box.top for box in reversed(boxes[6:])]


@pytest.mark.parametrize(
    ("nodes", "links", "named"),
    [
        ([DiagramNode("a", "goals", "A")], [], "column 'goals'"),
        ([DiagramNode("a", "inputs", "A")] * 2, [], "share the id 'a'"),
        ([DiagramNode("a", "inputs", "A")], [DiagramLink("a", "z")], "'z'"),
    ],
)
def test_logic_model_refuses_what_it_cannot_place(
    nodes: list[DiagramNode], links: list[DiagramLink], named: str
) -> None:
    with pytest.raises(InvalidInput, match=named):
        draw_logic_model(nodes, links, title="t")


@pytest.mark.parametrize("arms", [0, 1, 2, 3])
def test_flow_boxes_stay_apart_for_any_number_of_arms(arms: int) -> None:
    box = FlowBox("Followed up", ("n = 52 families", "no contact with the family (3)"))
    steps = ((box, box), (box, box), (box, None))
    diagram = FlowDiagram(steps, tuple(FlowArm(f"Arm {i}", steps) for i in range(arms)))
    svg = draw_flow(diagram, title="t", description="d")
    boxes = boxes_of(svg)
    assert len(boxes) == 5 * (arms + 1)
    assert not any(a.meets(b) for a, b in combinations(boxes, 2))
    assert all(item.within(sheet_of(svg)) for item in (*boxes, *lines_of(svg)))


def test_boundary_labels_never_overlap() -> None:
    points = [
        BoundaryPoint(f"Outcome {i} at 12 months", 30 + i % 3 * 0.5, 5 + 0.2 * i, i % 2 == 0)
        for i in range(8)
    ]
    for count in (2, 5, 8):
        svg = draw_boundary(
            points[:count],
            cautious=CAUTIOUS,
            optimistic=OPTIMISTIC,
            in_force="optimistic",
            title="t",
            description="d",
        )
        lines = lines_of(svg)
        assert not any(a.meets(b, margin=-2) for a, b in combinations(lines, 2))
        assert all(line.within(sheet_of(svg)) for line in lines)
        assert "Optimistic boundary (in force)" in words_of(svg)


def test_labels_without_room_are_not_placed() -> None:
    wanted = [Wanted(50, 50, 90, 20)] * 6
    assert place_labels(wanted, area=Rect(0, 0, 100, 100), taken=[], lines=[]) is None


@pytest.mark.parametrize(
    "svg",
    [
        draw_logic_model([], [], title="t"),
        draw_flow(FlowDiagram(), title="t", description="d"),
        draw_forest([], title="t", description="d", x_label="x"),
        draw_boundary(
            [], cautious=[], optimistic=[], in_force="cautious", title="t", description="d"
        ),
        draw_series([], title="t", description="d", x_labels=[], y_label="y"),
        draw_series(
            [Series("a", (None,))], title="t", description="d", x_labels=["x"], y_label="y"
        ),
        draw_bars([], title="t", description="d", x_label="x"),
        draw_balance([], title="t", description="d"),
    ],
)
def test_nothing_to_draw_gives_a_sentence(svg: str) -> None:
    assert re.search(r"(yet|available)\.$", words_of(svg))


def test_rows_without_an_estimate_show_their_note() -> None:
    row = ForestRow("Own report", None, None, None, "", note="Too few answers")
    only = draw_forest([row], title="t", description="d", x_label="x")
    assert "Too few answers" in words_of(only)


def test_hidden_figures_are_named_in_words() -> None:
    svg = draw_series(
        [Series("Programme", (1.0, None)), Series("Comparison", (2.0, 3.0))],
        title="t",
        description="d",
        x_labels=["Start", "End"],
        y_label="y",
    )
    assert "Programme: End" in words_of(svg)


def test_inputs_of_the_wrong_size_are_refused() -> None:
    with pytest.raises(InvalidInput, match="1 values for 2 periods"):
        draw_series(
            [Series("a", (1.0,))], title="t", description="d", x_labels=["x", "y"], y_label="y"
        )
    with pytest.raises(InvalidInput, match="0 to 1"):
        draw_bars([Bar("a", 40, "40%")], title="t", description="d", x_label="x")
    with pytest.raises(InvalidInput, match="in force"):
        draw_boundary([], cautious=[], optimistic=[], in_force="both", title="t", description="d")


def test_a_difference_beyond_a_limit_never_reads_as_within_it() -> None:
    svg = draw_balance(
        [BalanceRow("a", -0.051), BalanceRow("b", -0.001)], title="t", description=""
    )
    assert "−0.051" in words_of(svg) and "0.00" in words_of(svg) and "−0.00" not in words_of(svg)


def luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_every_text_colour_is_readable_on_every_shade() -> None:
    texts = ("INK", "MUTED", "PROGRAMME", "COMPARISON", "GOOD", "WARNING", "EXTRA")
    shades = [name for name in vars(palette) if "SHADE" in name or name == "PAPER"]
    for text in texts:
        for shade in shades:
            dark, light = luminance(getattr(palette, text)), luminance(getattr(palette, shade))
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (text, shade)


def test_spread_keeps_order_gaps_and_limits() -> None:
    assert spread([5, 5, 5], [10, 10, 10], gap=2, low=0, high=100) == [5, 17, 29]
    assert spread([50, 20], [10, 10], gap=0, low=0, high=100) == [30, 40]
    assert spread([99, 99], [10, 10], gap=0, low=0, high=100) == [85, 95]


def test_wrapping_loses_nothing() -> None:
    text = "Emotional_and_behavioural_difficulties_without_a_space and more"
    lines = wrap(text, 90, 12)
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(text_width(line, 12) <= 90 for line in lines)
    assert wrap("", 90, 12) == ()
