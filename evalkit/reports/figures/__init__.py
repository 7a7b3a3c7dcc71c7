"""Figures as self-contained SVG: each function takes plain records and returns one string."""

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
