import numpy as np

from data.drawn import draw_face, draw_scene


def test_equal_seeds_give_equal_faces() -> None:
    assert np.array_equal(draw_face(3, 5, 8), draw_face(3, 5, 8))


def test_a_scene_has_a_box_for_each_character() -> None:
    scene = draw_scene([4, 9], 1, 2, (400, 300))
    assert scene.picture.shape == (300, 400, 3)
    assert [face.character for face in scene.faces] == [4, 9]
