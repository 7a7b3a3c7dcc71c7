"""The colours of every figure: few, calm, and never the only carrier of a meaning.

Each colour used for text or lines has a contrast of at least 4.5 with white and with the shades
below; the programme and the comparison also differ by marker, dash and label.
"""

from __future__ import annotations

from typing import Final

INK: Final = "#1f2933"
MUTED: Final = "#4a5765"
PROGRAMME: Final = "#14507d"
COMPARISON: Final = "#8f4a0b"
GOOD: Final = "#1b6340"
WARNING: Final = "#a12622"
EXTRA: Final = "#5b3f8c"

PAPER: Final = "#ffffff"
SHADE: Final = "#f3f5f8"
SHADE_STRONG: Final = "#e3e8ee"
RULE: Final = "#c3ccd6"
GOOD_SHADE: Final = "#e6f2eb"
WARNING_SHADE: Final = "#fbeae8"
PROGRAMME_SHADE: Final = "#e5eef6"
COMPARISON_SHADE: Final = "#f8eee2"
