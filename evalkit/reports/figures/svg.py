"""One way to finish a figure: an `<svg>` that is titled, scaled, escaped and safe beside others.

Presentation attributes take the place of style attributes, so that a page may forbid inline styles.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

from .palette import INK, MUTED, PAPER, RULE
from .text import clean, wrap

Element = ElementTree.Element

_NAMESPACE: Final = "http://www.w3.org/2000/svg"
_LEAST_WIDTH: Final = 760.0
_OWN_ID: Final = re.compile(r"url\(#([^)]+)\)")
_DROPPED: Final = frozenset({"metadata", "style", "script"})
_DROPPED_STYLES: Final = frozenset({"font-family", "white-space"})


@dataclass(frozen=True, slots=True)
class Named:
    """What a figure is: its kind, and for those who cannot see it its title and description."""

    kind: str
    title: str
    description: str


def number(value: float) -> str:
    """A coordinate, short and the same everywhere."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text == "-0" else text


def add(parent: Element, tag: str, **attributes: float | str) -> Element:
    """A child element; underscores in names become hyphens and numbers become short text."""
    named = {
        key.rstrip("_").replace("_", "-"): value if isinstance(value, str) else number(value)
        for key, value in attributes.items()
    }
    return ElementTree.SubElement(parent, tag, named)


def add_text(
    parent: Element,
    lines: Iterable[str],
    *,
    x: float,
    y: float,
    size: float = 12,
    leading: float = 16,
    fill: str = INK,
    bold: bool = False,
    anchor: str = "start",
) -> None:
    """Lines of text, the baseline of the first at `y`; nothing at all without lines."""
    lines = tuple(lines)
    if not lines:
        return
    block = add(parent, "text", font_size=size, fill=fill, text_anchor=anchor)
    if bold:
        block.set("font-weight", "600")
    for index, line in enumerate(lines):
        span = add(block, "tspan", x=x, y=y + index * leading)
        span.text = line


def _slug(title: str, content: str) -> str:
    words = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:24].strip("-")
    digest = hashlib.sha256(content.encode()).hexdigest()[:10]
    return f"{words}-{digest}" if words[:1].isalpha() else f"figure-{digest}"


def _prefix_ids(root: Element, slug: str) -> None:
    """Give every id, and every reference to one, the figure's own prefix."""
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == "id":
                element.set(name, f"{slug}-{value}")
            elif name == "href" and value.startswith("#"):
                element.set(name, f"#{slug}-{value[1:]}")
            elif "url(#" in value:
                element.set(name, _OWN_ID.sub(rf"url(#{slug}-\1)", value))


def finish(body: Element, named: Named, *, width: float, height: float) -> str:
    """The whole figure as one `<svg>` string around the drawn group `body`.

    A narrow figure is set in the middle of the usual width, so that its text scales like others'.
    """
    title, description = clean(named.title), clean(named.description)
    content = ElementTree.tostring(body, encoding="unicode")
    slug = _slug(title, "\x00".join((named.kind, title, description, content)))
    root = Element("svg", {"xmlns": _NAMESPACE, "class": f"figure figure-{named.kind}"})
    across = max(width, _LEAST_WIDTH)
    root.set("viewBox", " ".join(map(number, ((width - across) / 2, 0, across, height))))
    root.attrib.update({"width": "100%", "role": "img", "font-family": "sans-serif"})
    root.set("aria-labelledby", f"{slug}-title {slug}-desc" if description else f"{slug}-title")
    add(root, "title", id="title").text = title
    if description:
        add(root, "desc", id="desc").text = description
    add(root, "rect", x=(width - across) / 2, y=0, width=across, height=height, fill=PAPER)
    root.append(body)
    _prefix_ids(root, slug)
    return ElementTree.tostring(root, encoding="unicode")


def placeholder(sentence: str, named: Named) -> str:
    """What stands where a figure would, when there is nothing to draw."""
    body = Element("g")
    lines = wrap(sentence, 700, 14)
    height = 44 + 20 * len(lines)
    frame = add(body, "rect", x=4, y=4, width=752, height=height - 8, fill=PAPER, stroke=RULE)
    frame.set("stroke-dasharray", "6 4")
    add_text(body, lines, x=380, y=36, size=14, leading=20, fill=MUTED, anchor="middle")
    return finish(body, named, width=760, height=height)


def _plain_attributes(element: Element) -> None:
    """Style declarations as presentation attributes; linked references without a prefix."""
    for declaration in element.attrib.pop("style", "").split(";"):
        name, _, value = declaration.partition(":")
        if value.strip() and name.strip() not in _DROPPED_STYLES:
            element.set(name.strip(), value.strip().removesuffix("px"))
    for name in [name for name in element.attrib if name.startswith("{")]:
        value = element.attrib.pop(name)
        if name.endswith("}href"):
            element.set("href", value)
    if element.get("transform", "").startswith("rotate(-0 "):
        del element.attrib["transform"]


def from_matplotlib(document: str) -> Element:
    """The drawing inside a matplotlib SVG document, without prolog, metadata or style sheets."""
    root = ElementTree.fromstring(document.encode())
    for element in root.iter():
        element.tag = element.tag.rpartition("}")[2]
        _plain_attributes(element)
        if element.tag == "path" and "d" in element.attrib:
            element.set("d", " ".join(element.attrib["d"].split()))
        if element.tag not in ("text", "tspan"):
            element.text = None
        element.tail = None
    for parent in list(root.iter()):
        for child in [child for child in parent if child.tag in _DROPPED]:
            parent.remove(child)
    body = Element("g", {"stroke-linejoin": "round"})
    body.extend(list(root))
    return body
