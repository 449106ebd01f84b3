"""The page of an open-set bench: one HTML file with its pictures in it, to look at in any browser."""

from bench.page.drawing import require_drawing
from bench.page.page import write_page

__all__ = ["require_drawing", "write_page"]
