"""Figures as self-contained SVG: each function takes plain records and returns one string."""

from __future__ import annotations

from .bands import BandPoint, Mark, draw_band, draw_chains
from .bars import Bar, draw_bars
from .boundary import BoundaryPoint, draw_boundary
from .curve import PowerLine, draw_power
from .flow_diagram import FlowArm, FlowBox, FlowDiagram, FlowStep, draw_flow
from .forest import ForestRow, draw_forest
from .logic_model import DiagramLink, DiagramNode, draw_logic_model
from .love import BalanceRow, draw_balance
from .overlap import OverlapBin, draw_overlap
from .series import Series, draw_series

__all__ = [
    "BalanceRow",
    "BandPoint",
    "Bar",
    "BoundaryPoint",
    "DiagramLink",
    "DiagramNode",
    "FlowArm",
    "FlowBox",
    "FlowDiagram",
    "FlowStep",
    "ForestRow",
    "Mark",
    "OverlapBin",
    "PowerLine",
    "Series",
    "draw_balance",
    "draw_band",
    "draw_bars",
    "draw_boundary",
    "draw_chains",
    "draw_flow",
    "draw_forest",
    "draw_logic_model",
    "draw_overlap",
    "draw_power",
    "draw_series",
]
