"""What the tests of pictures share."""

import gc

import pytest


@pytest.fixture(autouse=True, scope="module")
def only_what_the_tests_make():
    """Set aside what lives already: a picture of a graph looks at every object for its tensors."""
    gc.collect()
    gc.freeze()
