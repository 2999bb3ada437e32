"""What is kept for the backward pass is counted, in whatever way it is kept."""

import pytest
import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from grader import check
from grader.engine.kept import Kept


def counted(run):
    """The entries in memory of two results of (3, 5) each, after `run(block, x)`."""
    kept = Kept()
    with torch.random.fork_rng():
        first, second = nn.Linear(5, 5), nn.Linear(5, 5)
    x = torch.ones(3, 5)

    def block(x):
        h = first(x).tanh()
        kept.note(h)
        y = second(h).tanh()
        kept.note(y)
        return y

    y = run(block, x)
    return kept.noted, kept.entries(), kept.entries(besides=y)


def hooked(block, x):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):
        return block(x)


def in_an_attribute(block, x):
    kept = []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: kept.append(t) or t, lambda t: t):
        block(x)
    y = checkpoint(block, x, use_reentrant=False)
    y.kept = kept
    return y


def test_what_operations_save_is_counted_and_a_checkpoint_saves_nothing():
    assert counted(lambda block, x: block(x)) == (30, 30, 15)
    assert counted(lambda block, x: checkpoint(block, x, use_reentrant=False)) == (30, 15, 0)


@pytest.mark.parametrize("run", [hooked, in_an_attribute])
def test_hooks_of_the_answers_own_hide_nothing(run):
    _, _, others = counted(run)
    assert others >= 15
    assert not check("checkpointed", run).passed


def test_what_a_cycle_of_objects_holds_is_not_kept():
    def run(block, x):
        y = checkpoint(block, x, use_reentrant=False)
        cycle = [block(x)]
        cycle.append(cycle)
        return y

    assert counted(run)[2] == 0
