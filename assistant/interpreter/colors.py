"""Colours by the words that people have for them."""

from __future__ import annotations

from typing import Final

COLORS: Final = {
    "red": "#e53935", "orange": "#fb8c00", "yellow": "#fdd835", "lime": "#c0ca33", "green": "#43a047",
    "teal": "#00897b", "turquoise": "#00acc1", "light blue": "#42a5f5", "blue": "#1e88e5", "dark blue": "#1a237e",
    "navy": "#1a237e", "purple": "#8e24aa", "violet": "#5e35b1", "pink": "#d81b60", "brown": "#6d4c41",
    "black": "#212121", "white": "#ffffff", "grey": "#757575", "gray": "#757575",
}  # fmt: skip
