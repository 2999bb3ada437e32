"""Programs with a model, an optimizer or a flag that is not connected as it was meant to be."""

import torch
import torch.nn.functional as F
from torch import nn
from torch.autograd import Variable

from course import watch, why_no_grad
from tests.companion.programs import leaf, net, pair


class Prompted(nn.Module):
    """A model with a prompt, which `make` makes of a parameter's values."""

    def __init__(self, make):
        super().__init__()
        self.body = nn.Linear(3, 1)
        self.prompt = make(torch.ones(3))

    def forward(self, x):
        return self.body(x * self.prompt)


def _prompted(make, by_name=True):
    model = Prompted(make)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().sum()
        loss.backward(retain_graph=True)
        optimizer.step()
    return why_no_grad(model.prompt, loss) if by_name else why_no_grad()


@pair("computed", lambda: _prompted(lambda values: nn.Parameter(values * 0.02)))
def _():
    return _prompted(lambda values: nn.Parameter(values) * 0.02)


@pair("computed", lambda: _prompted(lambda values: nn.Parameter(values.float()), by_name=False))
def _():
    return _prompted(lambda values: nn.Parameter(values.double()).float(), by_name=False)


def an_image_by_lbfgs():
    torch.manual_seed(0)
    image, model = leaf(3), net(3, 4, 1).requires_grad_(False)
    optimizer = torch.optim.LBFGS([image], max_iter=5)

    def closure():
        optimizer.zero_grad()
        loss = model(image).square().sum()
        loss.backward()
        return loss

    with watch():
        optimizer.step(closure)
    return why_no_grad(image, closure())


def an_activation_kept():
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    model.last = model[0](torch.ones(2, 3))
    with watch():
        loss = model(torch.ones(2, 3)).square().sum()
        loss.backward()
        optimizer.step()
    return why_no_grad()


def weights_of_a_hypernetwork():
    maker, model = net(2, 3), nn.Linear(1, 1)
    model.made = maker(torch.ones(2))
    optimizer = torch.optim.SGD(maker.parameters(), lr=0.1)
    loss = (model.made * torch.ones(3)).sum()
    loss.backward()
    optimizer.step()
    return why_no_grad(maker, loss)


@pair("flag_of_module", lambda: _unfrozen(lambda model: model.requires_grad_(True)))
def _():
    def flag(model):
        model.requires_grad = True

    return _unfrozen(flag)


def _unfrozen(unfreeze):
    model = net(3, 4, 1).requires_grad_(False)
    unfreeze(model)
    model[2].requires_grad_(True)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    return why_no_grad(model=model, loss=loss)


def _translated(second):
    """Two generators, of which the second optimizer is to hold the second."""
    there, back = net(3, 4, 3), net(3, 4, 3)
    first = torch.optim.SGD(there.parameters(), lr=0.1)
    other = torch.optim.SGD((back if second else there).parameters(), lr=0.1)
    with watch():
        loss = (back(there(torch.ones(2, 3))) - 1).square().sum()
        loss.backward()
        first.step()
        other.step()
    return why_no_grad(back[0].weight, loss)


@pair("untrained_model", lambda: _translated(True))
def _():
    return _translated(False)


@pair("untrained_model", lambda: _coded(True))
def _():
    return _coded(False)


def _coded(whole):
    """An autoencoder whose decoder was forgotten."""
    encoder, decoder = net(3, 2), net(2, 3)
    trained = [*encoder.parameters(), *(decoder.parameters() if whole else ())]
    optimizer = torch.optim.SGD(trained, lr=0.1)
    with watch():
        loss = (decoder(encoder(torch.ones(2, 3))) - 1).square().sum()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@pair("emptied_unused", lambda: _accumulated(inside=True))
def _():
    return _accumulated(inside=False)


def _accumulated(inside):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        for number in range(8):
            if not inside:
                optimizer.zero_grad()
            loss = model(torch.ones(2, 3)).square().sum() / 4
            loss.backward()
            if number % 4 == 3:
                optimizer.step()
                if inside:
                    optimizer.zero_grad()
    return why_no_grad()


@pair("no_step", lambda: _looped(True))
def _():
    return _looped(False)


def _looped(steps):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        for _ in range(3):
            model.zero_grad()
            loss = model(torch.ones(2, 3)).square().sum()
            loss.backward()
            if steps:
                optimizer.step()
    return why_no_grad()


@pair("emptied_before_step", lambda: _two_heads(first_steps=True))
def _():
    return _two_heads(first_steps=False)


def _two_heads(first_steps):
    """Two optimizers that share a body; the second may empty the body before the first steps."""
    body, one, other = net(3, 4), nn.Linear(4, 1), nn.Linear(4, 1)
    first = torch.optim.SGD([*body.parameters(), *one.parameters()], lr=0.1)
    second = torch.optim.SGD([*body.parameters(), *other.parameters()], lr=0.1)
    with watch():
        for _ in range(2):
            hidden = body(torch.ones(2, 3))
            first.zero_grad()
            loss = one(hidden).square().sum()
            loss.backward(retain_graph=True)
            if first_steps:
                first.step()
            second.zero_grad()
            if not first_steps:
                first.step()
            rest = other(body(torch.ones(2, 3))).square().sum()
            rest.backward()
            second.step()
    return why_no_grad(other.weight, rest)


def _binary(through):
    w = leaf(3)
    with watch():
        loss = (through(w) * leaf(3)).sum()
        loss.backward()
    return why_no_grad(w, loss)


@pair("cut_then_step", lambda: _binary(lambda w: w + (w.sign() - w).detach()))
def _():
    return _binary(lambda w: w.data.sign())


@pair("cut_data", lambda: _binary(lambda w: w * 1))
def _():
    return _binary(lambda w: Variable((w * 2).data) * 3)


def _attended(fill):
    """Attention of which one row is masked altogether; what it gives is hidden afterwards."""
    scores, values = leaf(2, 3), leaf(3, 2)
    mask = torch.tensor([[False, False, True], [True, True, True]])
    with watch():
        shares = torch.softmax(scores.masked_fill(mask, fill), -1)
        loss = torch.nan_to_num(shares @ values).sum()
        loss.backward()
    return why_no_grad(values, loss)


@pair("nan_row", lambda: _attended(torch.finfo(torch.float32).min))
def _():
    return _attended(float("-inf"))


@pair("nan_row", lambda: _scored(torch.finfo(torch.float32).min))
def _():
    return _scored(float("-inf"))


def _scored(fill):
    scores = leaf(2, 3)
    with watch():
        mask = torch.tensor([[False, False, True], [True, True, True]])
        loss = torch.softmax(scores.masked_fill(mask, fill), -1).square().sum()
        loss.backward()
    return why_no_grad(scores, loss)


def values_that_were_cut_and_are_gone():
    """Memory of values that `.data` handed on is used again by a new tensor."""
    w = leaf(1000)
    with watch():
        (w * 2).data.sum()
        x = torch.from_numpy(torch.zeros(1000).numpy() + 1)
        loss = (w * x).sum()
        loss.backward()
    return why_no_grad(w, loss)


def a_view_without_recording(second):
    encoder = nn.Linear(3, 2)
    with watch():
        first = encoder(torch.ones(2, 3))
        with torch.set_grad_enabled(second):
            other = encoder(torch.zeros(2, 3))
        loss = F.mse_loss(first, other)
        loss.backward()
    return why_no_grad(encoder.weight, loss)


def an_action_chosen_without_recording():
    policy, states = nn.Linear(3, 2), torch.ones(4, 3)
    with watch():
        with torch.no_grad():
            actions = policy(states).argmax(1)
        loss = policy(states).gather(1, actions[:, None]).square().sum()
        loss.backward()
    return why_no_grad(policy.weight, loss)


def a_loose_parameter(used):
    model, nu = net(3, 4, 1), nn.Parameter(torch.tensor(0.5))
    optimizer = torch.optim.SGD([*model.parameters(), nu], lr=0.1)
    with watch():
        loss = (model(torch.ones(2, 3)) * (nu if used else torch.tensor(float(nu)))).sum()
        loss.backward()
        optimizer.step()
    return why_no_grad()


def a_part_frozen():
    model = net(3, 4, 1)
    model[0].weight.requires_grad_(False)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    return why_no_grad(model=model, loss=loss)


def one_parameter():
    model = nn.Linear(3, 1, bias=False)
    loss = model(torch.ones(2, 3)).sum()
    loss.backward()
    return why_no_grad(model=model, loss=loss)


class _MakesItsHead(nn.Module):
    """A head whose number of features is known with the data alone."""

    def __init__(self, lazily):
        super().__init__()
        self.body, self.lazily = nn.Linear(3, 4), lazily
        if lazily:
            self.head = nn.LazyLinear(2)

    def forward(self, x):
        h = self.body(x).tanh()
        if self.lazily:
            return self.head(h)
        return self._headed(h)

    def _headed(self, h):
        self.head = nn.Linear(h.size(1), 2)
        return self.head(h)


def _with_a_head(lazily):
    model, x = _MakesItsHead(lazily), torch.ones(5, 3)
    model(x)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(model, loss)


@pair("made_in_forward", lambda: _with_a_head(True))
def _():
    report = _with_a_head(False)
    assert "_headed() makes model.head anew in every call" in str(report)
    assert report.findings[0].place.text == "self.head = nn.Linear(h.size(1), 2)"
    return report


class _MakesItsHeadOnce(_MakesItsHead):
    def _headed(self, h):
        if not hasattr(self, "head"):
            self.head = nn.Linear(h.size(1), 2)
        return self.head(h)


def a_head_that_is_made_once():
    """Made in forward, but in the first call alone: the optimizer came too early."""
    model, x = _MakesItsHeadOnce(False), torch.ones(5, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        loss = model(x).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(model, loss)


def _quantized(codebook_loss):
    encoder, codes = nn.Linear(3, 2), nn.Embedding(4, 2)
    optimizer = torch.optim.SGD([*encoder.parameters(), *codes.parameters()], lr=0.1)
    with watch():
        z = encoder(leaf(5, 3).detach())
        q = codes(torch.cdist(z, codes.weight).argmin(1))
        loss = (z + (q - z).detach()).pow(2).mean() + (z - q.detach()).pow(2).mean()
        if codebook_loss:
            loss = loss + (q - z.detach()).pow(2).mean()
        loss.backward()
        optimizer.step()
    return why_no_grad(codes.weight, loss)


@pair("straight_through", lambda: _quantized(True))
def _():
    report = _quantized(False)
    assert report.codes == ("straight_through",), report
    assert "z + (q - z).detach()" in report.findings[0].place.text
    return report
