"""Figures as self-contained SVG: each function takes plain records and returns one string.

bands.py           Lines over a plane
bars.py            Shares as horizontal bars, with the figures written at their ends
boundary.py        Attrition against the What Works Clearinghouse boundaries
chart.py           The sheet that charts are drawn on
counterfactual.py  A series with a programme: what was seen, and what is expected had there been none
curve.py           The chance to find an effect, against how many are recruited
event_study.py     Effects by time since the start
flow_diagram.py    The participant flow diagram: who was eligible, who took part, who was left out and why
forest.py          The forest plot
frontier.py        Two things that could undo a result, against each other
funnel.py          Sites' effects against how precisely each is known, within the funnel that chance alone would g
labels.py          Labels beside points in a chart, with leader lines, that never lie on one another
logic_layout.py    Where the boxes of a logic model go: columns given, order and heights found
logic_links.py     The links of a logic model: their routes, arrow heads and the legend of their kinds
logic_model.py     The logic model as a diagram: what goes in, what is done, what should change, what did
love.py            The balance plot
overlap.py         Overlap
palette.py         The colours of every figure: few, calm, and never the only carrier of a meaning
place.py           Where labels and boxes go when several want the same place
placebos.py        Each unit treated in turn: how far it left its mixture after the start, against before
plane.py           The plane that curves and points are drawn on
series.py          Change over ordered periods for one or two groups, and shares as bars
svg.py             One way to finish a figure
text.py            Text in figures: made safe for XML, measured and wrapped without asking any font
"""

from __future__ import annotations

from .bands import BandPoint, Mark, draw_band, draw_chains
from .bars import Bar, draw_bars
from .boundary import BoundaryPoint, draw_boundary
from .counterfactual import CoursePoint, draw_counterfactual
from .curve import PowerLine, draw_power
from .event_study import EventPoint, draw_event_study
from .flow_diagram import FlowArm, FlowBox, FlowDiagram, FlowStep, draw_flow
from .forest import ForestRow, draw_forest
from .frontier import FrontierPoint, draw_frontier
from .funnel import FunnelPoint, draw_funnel
from .logic_model import DiagramLink, DiagramNode, draw_logic_model
from .love import BalanceRow, draw_balance
from .overlap import OverlapBin, draw_overlap
from .placebos import PlaceboRow, draw_placebos
from .series import Series, draw_series

__all__ = [
    "BalanceRow",
    "BandPoint",
    "Bar",
    "BoundaryPoint",
    "CoursePoint",
    "DiagramLink",
    "DiagramNode",
    "EventPoint",
    "FlowArm",
    "FlowBox",
    "FlowDiagram",
    "FlowStep",
    "ForestRow",
    "FrontierPoint",
    "FunnelPoint",
    "Mark",
    "OverlapBin",
    "PlaceboRow",
    "PowerLine",
    "Series",
    "draw_balance",
    "draw_band",
    "draw_bars",
    "draw_boundary",
    "draw_chains",
    "draw_counterfactual",
    "draw_event_study",
    "draw_flow",
    "draw_forest",
    "draw_frontier",
    "draw_funnel",
    "draw_logic_model",
    "draw_overlap",
    "draw_placebos",
    "draw_power",
    "draw_series",
]
