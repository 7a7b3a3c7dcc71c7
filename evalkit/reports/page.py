"""Lay out a page: the only place where markup made here is marked as safe."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from jinja2 import Environment
    from markupsafe import Markup


@cache
def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    return Environment(
        loader=PackageLoader("evalkit.reports", "templates"), autoescape=True,
        undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Picture:
    """A drawing and its caption."""

    svg: Markup
    caption: str


def drawing(svg: str) -> Markup:
    """Mark a drawing made by `evalkit.reports.figures`, which escapes its texts, as markup."""
    from markupsafe import Markup

    return Markup(svg)


def lay_out(template: str, **content: Any) -> str:
    """Fill a template; every text is escaped."""
    return _environment().get_template(template).render(**content)
