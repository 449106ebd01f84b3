"""Results drawn on pictures: text, marked faces, contact sheets, and files of them."""

from data.canvas.marks import Mark, Thumbnail, annotate
from data.canvas.sheet import Tile, contact_sheet
from data.canvas.text import draw_text
from data.canvas.tone import Tone
from data.canvas.writing import write_picture

__all__ = ["Mark", "Thumbnail", "Tile", "Tone", "annotate", "contact_sheet", "draw_text", "write_picture"]
