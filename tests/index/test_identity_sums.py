import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import index.identity_sums as module
from index.identity_sums import identity_sums


@given(st.lists(st.integers(-1, 5), max_size=40), st.integers(1, 7))
def test_the_sums_do_not_depend_on_the_pieces(identities, rows):
    whose = np.array(identities, np.int64)
    encodings = np.random.default_rng(len(identities)).normal(size=(len(whose), 3)).astype(np.float16)
    module._ROWS, before = rows, module._ROWS
    names, sums = identity_sums(encodings, whose)
    module._ROWS = before
    assert names.tolist() == sorted(set(identities) - {-1})
    for name, found in zip(names, sums, strict=True):
        assert np.allclose(found, encodings[whose == name].astype(np.float64).sum(axis=0))
