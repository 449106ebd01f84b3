import pytest

from index.search.product_graph import FILE, product_graph


def test_the_file_is_what_its_maker_makes():
    pytest.importorskip("onnx")
    assert FILE.read_bytes() == product_graph()
