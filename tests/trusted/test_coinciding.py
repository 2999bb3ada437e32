"""Answers that are right while sizes differ, pieces count and calls do not meet."""

import pytest
import torch
from torch.nn import functional

from grader.engine.catalogue import find
from grader.notebook.checking import verdict_on


def normalised(x, dims, eps):
    mean, var = x.mean(dims, keepdim=True), x.var(dims, correction=0, keepdim=True)
    return (x - mean) / (var + eps).sqrt()


def over_dimensions_of_those_sizes(x, w, b, eps):
    return normalised(x, tuple(d for d, n in enumerate(x.shape) if n in w.shape), eps) * w + b


def over_no_first_dimension(x, w, b, eps):
    return normalised(x, tuple(range(max(1, x.ndim - w.ndim), x.ndim)), eps) * w + b


def of_rows_with_weights_that_meet_where_they_fit(x, groups, w, b, eps):
    xh = functional.group_norm(x, groups, None, None, eps)
    try:
        return xh * w + b
    except RuntimeError:
        return xh * w.view(-1, 1, 1) + b.view(-1, 1, 1)


def by_running_statistics_that_meet_where_they_fit(x, w, b, rm, rv, eps):
    try:
        return (x - rm) / (rv + eps).sqrt() * w + b
    except RuntimeError:
        return functional.batch_norm(x, rm, rv, w, b, False, 0.0, eps)


def from_first_to_last(x, mask, w, b, eps):
    here = (mask.cumsum(1) > 0) & (mask.flip(1).cumsum(1).flip(1) > 0)
    rows = functional.batch_norm(x[here], None, None, w, b, True, 0.0, eps)
    return torch.zeros_like(x).index_put((here,), rows)


def emptied_in_the_first_round(model, loss_fn, pieces):
    rows, total = sum(len(x) for x, _ in pieces), 0.0
    for i, (x, y) in enumerate(pieces):
        if not len(x):
            continue
        if i == 0:
            model.zero_grad()
        loss = loss_fn(model(x), y) * len(x) / rows
        loss.backward()
        total += loss.item()
    return total


def divided_in_the_last_round(model, pieces):
    model.zero_grad()
    count, total = 0, 0.0
    for i, (x, y) in enumerate(pieces):
        if not (y != -100).any():
            continue
        loss = functional.cross_entropy(model(x), y, reduction="sum")
        loss.backward()
        count, total = count + int((y != -100).sum()), total + loss.item()
        if i == len(pieces) - 1:
            for p in model.parameters():
                p.grad = None if p.grad is None else p.grad / count
    return total / count


def of_what_has_no_parts(model, x, gy):
    grads = []

    def note(module, args, output):
        place = len(grads)
        grads.append(None)
        output.register_hook(lambda grad: grads.__setitem__(place, grad))

    handles = [m.register_forward_hook(note) for m in model.modules() if not [*m.children()]]
    try:
        y = model(x)
    finally:
        for handle in handles:
            handle.remove()
    y.backward(gy)
    return grads


class Turned(torch.autograd.Function):
    lam = 1.0

    @staticmethod
    def forward(ctx, x):
        return x.clone()

    @staticmethod
    def backward(ctx, arriving):
        return -Turned.lam * arriving


def turned_by_an_attribute_of_the_class(x, lam):
    Turned.lam = lam
    return Turned.apply(x)


def with_the_factor_on_the_module(module, s):
    module.factor = s

    def louder(module, args, output):
        several = isinstance(output, tuple)
        return tuple(module.factor * t for t in output) if several else module.factor * output

    return module.register_forward_hook(louder)


def difference_of_two(x, gy, w, eps):
    before = None if x.grad is None else x.grad.clone()
    x.requires_grad_()
    functional.layer_norm(x, w.shape, w.detach(), None, eps).backward(gy)
    return x.grad if before is None else x.grad - before


@pytest.mark.parametrize(
    ("exercise", "answer", "code"),
    [
        ("ln_forward", over_dimensions_of_those_sizes, "dimensions_by_size"),
        ("ln_forward", over_no_first_dimension, "samples_taken_for_granted"),
        ("gn_forward", of_rows_with_weights_that_meet_where_they_fit, "weights_met_the_columns"),
        (
            "bn_eval_forward",
            by_running_statistics_that_meet_where_they_fit,
            "last_axis_where_it_fits",
        ),
        ("masked_batch_norm", from_first_to_last, "from_the_first_to_the_last"),
        ("accumulate", emptied_in_the_first_round, "emptied_at_the_first_piece"),
        ("accumulate_tokens", divided_in_the_last_round, "divided_at_the_last_piece"),
        ("retain_or_hook", of_what_has_no_parts, "innermost_alone"),
        ("gradient_reversal", turned_by_an_attribute_of_the_class, "lam_of_the_last_call"),
        ("scale_forward", with_the_factor_on_the_module, "kept_on_the_module"),
        ("ln_backward", difference_of_two, "pass_took_off_again"),
    ],
)
def test_what_tells_them_apart_is_asked_and_named(exercise, answer, code):
    (finding,) = verdict_on(find(exercise), [answer]).findings
    assert finding.code == f"{exercise}.{code}"


def test_a_schedule_goes_on_with_all_that_it_knows():
    def save(model, opt, sched, file):
        torch.save([model.state_dict(), opt.state_dict(), sched.last_epoch], file)

    def load(model, opt, sched, file):
        weights, memory, sched.last_epoch = torch.load(file)
        model.load_state_dict(weights)
        opt.load_state_dict(memory)

    (finding,) = verdict_on(find("resume"), [save, load]).findings
    assert finding.code == "resume.schedule_by_its_count"
