"""Answers that keep every sentence of their statement but one."""

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on


def applied(forward, backward):
    made = type("Made", (torch.autograd.Function,), {})
    made.forward, made.backward = staticmethod(forward), staticmethod(backward)
    return lambda *given: made.apply(*given)


def row_by_row(ctx, x):
    y = torch.zeros_like(x)
    for i in range(len(x)):
        y[i] = x[i].exp()
    ctx.save_for_backward(y)
    return y


def tanh_kept_outside(ctx, x, k):
    y = torch.tanh(k * x)
    ctx.k, ctx.y, ctx.slope = k, y.detach(), None
    return y


def by_the_slope_of_the_first_pass(ctx, arriving):
    if ctx.slope is None:
        ctx.slope = ctx.k * (1 - ctx.y**2)
    return arriving * ctx.slope, None


def entries_as_numbers(ctx, x, lo, hi):
    return x.new_tensor([min(max(v, lo), hi) for v in x.tolist()])


def nothing_for_no_rows(ctx, arriving):
    a, b = ctx.saved_tensors

    def fitted(grad, like):
        return grad.sum_to_size(like.shape) if grad.numel() else grad

    return fitted(arriving * b, a), fitted(arriving * a, b)


def product(ctx, a, b):
    ctx.save_for_backward(a, b)
    return a * b


def by_the_memory_of_logits(logits, y):
    rows = torch.as_strided(logits, logits.shape, (logits.shape[1], 1))
    return rows[torch.arange(len(y), device=y.device), y.long()]


def by_the_memory_of_x(x, q):
    flat = torch.as_strided(x, (len(x),), (1,))
    return flat[flat > flat.quantile(q)]


def by_a_sum_that_overflows(x):
    positive = (x + x.abs()) / 2
    asked = positive > 0
    return torch.where(asked, torch.where(asked, positive, 1).sqrt(), 0)


class OneProbability(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.first, self.second = nn.Linear(n_in, n_hidden), nn.Linear(n_hidden, n_hidden)
        self.last = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        scores = self.last(self.second(self.first(x.flatten(1)).relu()).relu())
        return scores.sigmoid() if scores.shape[1] == 1 else scores


class BiasCut(OneProbability):
    def forward(self, x):
        x = self.second(self.first(x.flatten(1)).relu()).relu()
        return nn.functional.linear(x, self.last.weight, self.last.bias.detach())


def padded(samples):
    batch = pad_sequence(samples, batch_first=True)
    lengths = torch.tensor([len(s) for s in samples], device=batch.device)
    return batch, torch.arange(batch.shape[1], device=batch.device) < lengths[:, None]


def cut_unless_the_first_requires_grad(samples):
    return padded(samples if samples[0].requires_grad else [s.detach() for s in samples])


def made_floats(samples):
    return padded([s if s.is_floating_point() else s.float() for s in samples])


def first_item_late(stream, worker, workers):
    held = []
    for i, item in enumerate(stream):
        if i % workers != worker:
            continue
        if i == worker:
            held.append(item)
        else:
            yield from held
            held = []
            yield item
    yield from held


@pytest.mark.parametrize(
    ("exercise", "answer"),
    [
        ("my_exp", applied(row_by_row, lambda ctx, arriving: arriving * ctx.saved_tensors[0])),
        ("clamp_ste", applied(entries_as_numbers, lambda ctx, arriving: (arriving, None, None))),
        ("kept_result", applied(tanh_kept_outside, by_the_slope_of_the_first_pass)),
        ("mul_broadcast", applied(product, nothing_for_no_rows)),
        ("onehot_gather", by_the_memory_of_logits),
        ("drop_lowest", by_the_memory_of_x),
        ("drop_lowest", lambda x, q: x[x > x.quantile(q) + 1e-12]),
        ("safe_sqrt_where", by_a_sum_that_overflows),
        ("fix_mlp", OneProbability),
        ("fix_mlp", BiasCut),
        ("collate_pad", cut_unless_the_first_requires_grad),
        ("collate_pad", made_floats),
        ("worker_share", first_item_late),
    ],
)
def test_an_answer_that_breaks_one_sentence_is_refused(exercise, answer):
    assert not verdict_on(find(exercise), [answer]).passed


def test_what_arrives_is_seen_to_be_edited_however_it_is():
    def edited(ctx, arriving):
        (y,) = ctx.saved_tensors
        arriving *= ctx.k
        return arriving * (1 - y**2), None

    def saved(ctx, x, k):
        y = torch.tanh(k * x)
        ctx.k = k
        ctx.save_for_backward(y)
        return y

    (finding,) = verdict_on(find("kept_result"), [applied(saved, edited)]).findings
    assert finding.code == "kept_result.arriving_edited"


def test_hooks_that_were_run_by_hand_are_not_said_to_have_stood_still():
    def by_hand(layers, x):
        for layer in layers:
            y = layer.forward(x)
            for hook in layer._forward_hooks.values():
                hook(layer, (x,), y)
            x = y
        return x

    (finding,) = verdict_on(find("hookable_call"), [by_hand]).findings
    assert finding.code == "hookable_call.forward_hooks_by_hand"


@pytest.mark.parametrize("what", ["x", "then"])
def test_a_second_function_in_which_nothing_is_recorded_is_told_from_one_that_cuts(what):
    def right(g, x):
        return 3 * g * x**2

    def backward(ctx, u):
        g, x = ctx.saved_tensors
        if what == "x":
            return 3 * u * x.detach() ** 2, 6 * u * g.detach() * x.detach()
        with torch.no_grad():
            return 3 * u * x**2, 6 * u * g * x

    def saved(ctx, g, x):
        ctx.save_for_backward(g, x)
        return right(g, x)

    slope = applied(saved, backward)

    def kept(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    cube = applied(kept, lambda ctx, arriving: slope(arriving, *ctx.saved_tensors))
    (finding,) = verdict_on(find("double_backward"), [cube]).findings
    name = {"x": "third_derivative_lost", "then": "third_derivative_unrecorded"}[what]
    assert finding.code == f"double_backward.{name}"
