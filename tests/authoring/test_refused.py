"""Answers that look right and are not: each is refused, and by the sentence that names it."""

import copy
import re

import pytest
import torch

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on


def swallows(kind):
    """Evaluates, and returns None where the model raises one kind of exception."""

    def evaluate(model, x):
        modes = [(module, module.training) for module in model.modules()]
        try:
            with torch.no_grad():
                return model.eval()(x)
        except kind:
            return None
        finally:
            for module, training in modes:
                module.training = training

    return evaluate


def clears_all_hooks(module, x, gy):
    seen = []
    module.register_full_backward_hook(lambda m, gin, gout: seen.append((gin[0], gout[0])))
    try:
        module(x.requires_grad_()).backward(gy)
    finally:
        module._backward_hooks.clear()
    return seen[0]


def runs_twice(backbone, x):
    with torch.no_grad():
        backbone(x)
        return backbone(x)


def uniform(shape, scale, dtype, device):
    drawn = 2 * torch.rand(shape, dtype=dtype, device=device) - 1
    return (drawn * scale * 3**0.5).requires_grad_()


def truncated(shape, scale, dtype, device):
    drawn = torch.empty(shape, dtype=dtype, device=device)
    if not scale:
        return drawn.zero_().requires_grad_()
    return torch.nn.init.trunc_normal_(drawn, std=scale, a=-scale, b=scale).requires_grad_()


def counts_in_floats(model):
    return (
        float(sum(p.numel() for p in model.parameters() if p.requires_grad)),
        float(sum(p.numel() for p in model.parameters())),
    )


def kept_in_a_variable():
    kept = []

    def save_training(model, opt, sched, file):
        kept[:] = copy.deepcopy([part.state_dict() for part in (model, opt, sched)])
        torch.save(0, file)

    def load_training(model, opt, sched, file):
        for part, state in zip((model, opt, sched), kept, strict=True):
            part.load_state_dict(state)

    return save_training, load_training


def stops_at_an_empty_piece(model, loss_fn, pieces):
    model.zero_grad()
    rows, total = sum(len(x) for x, _ in pieces), 0.0
    for x, y in pieces:
        if not len(x):
            break
        loss = loss_fn(model(x), y) * (len(x) / rows)
        loss.backward()
        total += loss.item()
    return total


KINDS = (Exception, RuntimeError, ValueError, TypeError, IndexError, ArithmeticError)


@pytest.mark.parametrize(
    ("exercise", "answer", "said"),
    [
        *(("evaluate", (swallows(kind),), "You caught the model's exception") for kind in KINDS),
        ("full_backward_probe", (clears_all_hooks,), "hook that was there before you came is gone"),
        ("cached_features", (runs_twice,), "went through the backbone more than once"),
        ("scaled_parameter", (uniform,), "spread more evenly than normal"),
        ("scaled_parameter", (truncated,), "'smaller than scale'"),
        ("count_params", (counts_in_floats,), "in a float. Expected was an int"),
        ("resume", kept_in_a_variable(), "the training that was saved last"),
        ("accumulate", (stops_at_an_empty_piece,), "ends at a piece without rows"),
    ],
)
def test_an_answer_that_looks_right_is_refused_by_what_is_wrong_with_it(exercise, answer, said):
    verdict = verdict_on(find(exercise), answer)
    assert not verdict.passed
    assert re.search(re.escape(said), str(verdict))
