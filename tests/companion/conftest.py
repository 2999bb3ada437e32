"""What every test of the companion stands on."""

import pytest
import torch


@pytest.fixture(autouse=True)
def _same_numbers():
    """Weights that are drawn may leave a ReLU without a gradient: each test draws the same."""
    torch.manual_seed(0)
