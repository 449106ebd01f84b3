"""Characters drawn by program: `character`, `artist` and `picture` are three seeds of three independent things."""

from data.drawn.character import trait_combinations
from data.drawn.scene import DrawnFace, Scene, draw_face, draw_scene

__all__ = ["DrawnFace", "Scene", "draw_face", "draw_scene", "trait_combinations"]
