"""The numbers in the docstrings are the numbers that come out."""

import doctest
from importlib import import_module

import numpy as np
import pytest


@pytest.mark.parametrize(
    "name",
    [
        "measure.retrieval",
        "measure.interval",
        "measure.open_set",
        "measure.binomial",
        "measure.detection",
        "data.near_duplicates",
        "data.splits",
        "bench.groups",
    ],
)
def test_examples_in_docstrings(name):
    result = doctest.testmod(import_module(name), extraglobs={"np": np})
    assert result.attempted > 0 and result.failed == 0
