"""Results drawn on pictures: text, marked faces, heat maps, contact sheets, and files of them."""

from data.canvas.heat import Heat, beside, heat_map
from data.canvas.marks import Mark, Thumbnail, annotate
from data.canvas.sheet import Tile, contact_sheet
from data.canvas.text import draw_text
from data.canvas.tone import Tone
from data.canvas.writing import write_picture

__all__ = [
    "Heat",
    "Mark",
    "Thumbnail",
    "Tile",
    "Tone",
    "annotate",
    "beside",
    "contact_sheet",
    "draw_text",
    "heat_map",
    "write_picture",
]
