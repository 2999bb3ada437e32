"""The mistake of calling a module's forward, as a family makes it."""

import pytest
import torch
from torch import nn

from grader.engine.lived import lived
from grader.trusted.families.calling import past_hooks


def test_the_modules_are_called_past_their_hooks_which_stand_again_afterwards():
    layer, x = nn.Linear(3, 2), torch.ones(7, 3)
    plain = layer(x)
    lived(layer, "hooked")
    (forward_called,) = past_hooks(lambda model, x: model(x), "layer(x)")
    assert torch.equal(forward_called(layer, x), plain)
    assert torch.equal(layer(x), plain * 1.25)
    assert "stands on layer" in str(forward_called.__doc__)


def test_the_hooks_stand_again_where_the_call_raises():
    layer = lived(nn.Linear(3, 2), "hooked")
    (forward_called,) = past_hooks(lambda model, x: model(x))
    with pytest.raises(RuntimeError):
        forward_called(layer, torch.ones(7, 5))
    assert len(layer._forward_hooks) == 1
