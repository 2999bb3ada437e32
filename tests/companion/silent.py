"""Programs whose gradients are 0 and raise nothing, each beside one that its cure makes of it."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.derived import named
from tests.companion.programs import asked, leaf, net, pair

# Zeros that the parts of a sum make, and values where a function is flat


def _through(of):
    return asked(lambda w: of(w.exp()).sum())


@named("_through(lambda h: h - h.mean())")
@pair("zero_parts", lambda: _through(lambda h: (h - h.mean()).square()))
def _():
    return _through(lambda h: h - h.mean())


@named("_through(lambda h: h + h.round() - h)")
@pair("zero_parts", lambda: _through(lambda h: h + (h.round() - h).detach()))
def _():
    return _through(lambda h: h + h.round() - h)


def _normalized(dim):
    return asked(lambda w: F.normalize(w.exp(), dim=dim).square()[0].sum(), leaf(3, 1))


@pair("zero_parts", lambda: _normalized(0))
def _():
    return _normalized(1)


def _attended(temperature):
    return asked(lambda w: (w / temperature).softmax(0)[0])


@pair("zero_saturated", lambda: _attended(1.0))
def _():
    return _attended(1e-6)


def _likelihood(of):
    return asked(lambda w: of(torch.sigmoid(w - 1)), leaf(4000))


@pair("zero_product", lambda: _likelihood(lambda p: p.log().sum()))
def _():
    return _likelihood(torch.prod)


def _replaced(start):
    return asked(lambda w: torch.nan_to_num((w.exp() + start).log().mean()))


@pair("zero_nan_hidden", lambda: _replaced(1))
def _():
    return _replaced(-9)


def _in_halves(factor):
    model = nn.Linear(3, 1).half()
    with watch():
        loss = (model(torch.ones(2, 3).half()).float() - 1).square().mean() * factor
        loss.backward()
    return why_no_grad(model.weight, loss)


@pair("zero_half", lambda: _in_halves(1.0))
def _():
    return _in_halves(1e-8)


def _scaled(number, summed):
    """A fixed factor on a loss, in front of a part that computes in float16."""
    w = leaf(3)
    with watch():
        loss = (w.half() * 2).float().square()
        loss = loss.sum() if summed else loss
        (loss.sum() * number).backward()
    w.grad.nan_to_num_(0, 0, 0)
    return why_no_grad(w, loss)


@named("(w.half() * 2).float()")
@pair("inf_half", lambda: _scaled(8, True))
def _():
    return _scaled(2**17, True)


@named("(w.half() * 2).float()")
@pair("inf_half", lambda: _scaled(8, False))
def _():
    return _scaled(2**17, False)


# Zeros that hooks, clipping and backward itself make


def _with_a_hook(hook, of_result):
    w = leaf(3)
    if not of_result:
        w.register_hook(hook)
    with watch():
        h = w.exp()
        if of_result:
            h.register_hook(hook)
        loss = h.square().sum()
        loss.backward()
    return why_no_grad(w, loss)


@named("h.register_hook(hook)")
@pair("zero_hook", lambda: _with_a_hook(lambda grad: grad / 2, of_result=True))
def _():
    return _with_a_hook(torch.zeros_like, of_result=True)


@named("_with_a_hook(lambda grad: grad * 0, of_result=False)")
@pair("zero_hook", lambda: _with_a_hook(lambda grad: None, of_result=False))
def _():
    return _with_a_hook(lambda grad: grad * 0, of_result=False)


def _with_a_hook_of_a_module(factor):
    model = net(3, 4, 1)
    model[1].register_full_backward_hook(lambda module, given, came: (given[0] * factor,))
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
    return why_no_grad(model[0].weight, loss)


@pair("zero_hook", lambda: _with_a_hook_of_a_module(2.0))
def _():
    return _with_a_hook_of_a_module(0.0)


def _clipped(limit):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), limit)
        optimizer.step()
    return why_no_grad(model, loss)


@named("nn.utils.clip_grad_norm_(model.parameters(), limit)")
@pair("zero_clipped", lambda: _clipped(0.1))
def _():
    return _clipped(0.0)


def _started(at):
    model = net(3, 4, 2)
    with watch():
        loss = model(torch.ones(5, 3)).square().sum(1)
        loss.backward(torch.full((5,), at))
    return why_no_grad(model, loss)


@named("loss.backward(torch.full((5,), at))")
@pair("zero_seed", lambda: _started(1.0))
def _():
    return _started(0.0)


def emptied_with_zeros(by_hand):
    """A right loop that leaves zeros in the place of None."""
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
        optimizer.step()
        if by_hand:
            for p in model.parameters():
                p.grad.zero_()
        else:
            optimizer.zero_grad(set_to_none=False)
    return why_no_grad(model[0].weight, loss), why_no_grad(model, loss)


# Functions of one's own


class Product(torch.autograd.Function):
    """A product whose backward may forget a factor, or be asked for zeros."""

    @staticmethod
    def forward(ctx, x, w, given):
        ctx.save_for_backward(x, w)
        ctx.given = given
        return x * w

    @staticmethod
    def backward(ctx, grad):
        x, w = ctx.saved_tensors
        of_w = {"right": grad * x, "zeros": torch.zeros_like(w), "none": None}[ctx.given]
        return grad * w, of_w, None


def _by_function(given, inner):
    w = leaf(3)
    with watch():
        loss = Product.apply(leaf(3), w.exp() if inner else w, given).sum()
        loss.backward()
    return why_no_grad(w, loss)


@named("return grad * w, of_w, None")
@pair("none_returned", lambda: _by_function("right", inner=False))
def _():
    return _by_function("none", inner=False)


@pair("none_returned", lambda: _by_function("right", inner=True))
def _():
    return _by_function("none", inner=True)


@pair("zero_other", lambda: _by_function("right", inner=True))
def _():
    report = _by_function("zeros", inner=True)
    assert report.findings[0].place.text == "return grad * w, of_w, None"
    return report


# Numbers that are not finite


def _after_a_step_of(spread):
    model = net(3, 4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        for _ in range(2):
            out = model(torch.ones(4, 3))
            loss = out.square().mean() + spread(out)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    return why_no_grad(model, loss)


def watched_after_the_weights_are_nan():
    """Two steps of a model whose weights were nan before."""
    model = net(3, 4, 2)
    nn.init.constant_(model[0].weight, float("nan"))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        for _ in range(2):
            optimizer.zero_grad()
            loss = model(leaf(5, 3).detach()).square().mean()
            loss.backward()
            optimizer.step()
    return seen, why_no_grad(model, loss)


def _root(out):
    return (out - out[0]).square().sum(1).sqrt().mean()


@named("return (out - out[0]).square().sum(1).sqrt().mean()")
@pair("nan_weights", lambda: _after_a_step_of(lambda out: out.var(0).mean()))
def _():
    return _after_a_step_of(_root)


def _scaled_loss(factor):
    """Only what is alive shows where it overflows: a mean saves nothing of its result."""
    model = net(3, 4, 1)
    with watch():
        loss = F.mse_loss(model(torch.ones(2, 3)) * factor, torch.zeros(2, 1))
        scaled = loss * 2
        scaled.backward()
    return why_no_grad(model, scaled)


@named("loss = F.mse_loss(model(torch.ones(2, 3)) * factor")
@pair("nan_loss", lambda: _scaled_loss(1.0))
def _():
    return _scaled_loss(1e30)


def a_mask_with_a_row_of_its_own():
    """A masked score is -inf and meant; of a row that is masked altogether nan is made later."""
    scores = leaf(2, 3)
    mask = torch.tensor([[False, False, True], [True, True, True]])
    with watch():
        masked = scores.masked_fill(mask, float("-inf"))
        loss = masked.log_softmax(1)[:, 0].sum()
        loss.backward()
    assert masked.requires_grad
    return why_no_grad(scores, loss)


def _last_state(layer):
    torch.manual_seed(0)
    rnn, head = nn.GRU(3, 4, num_layers=2, batch_first=True), nn.Linear(4, 1)
    with watch():
        _, states = rnn(torch.ones(2, 5, 3))
        loss = head(states[layer]).square().mean()
        loss.backward()
    return why_no_grad(rnn.weight_ih_l1, loss)


@pair("zero_part", lambda: _last_state(-1))
def _():
    report = _last_state(0)
    assert "rnn(torch.ones(2, 5, 3))" in report.findings[0].place.text
    return report


@pair("zero_part", lambda: asked(lambda w: torch.cat([w.exp(), w.detach()])[:3].sum()))
def _():
    return asked(lambda w: torch.cat([w.exp(), w.detach()])[3:].sum())
