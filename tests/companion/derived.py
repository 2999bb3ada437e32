"""Programs that differentiate twice, that draw, and that copy weights; each beside a right one."""

import copy

import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Bernoulli, Categorical, Independent, MixtureSameFamily, Normal

from course import watch, why_no_grad
from tests.companion.programs import asked, leaf, pair

NAMED = []
"""(program, text of the line that its finding names)."""


def named(line):
    """Register a program whose finding names this line."""

    def register(wrong):
        NAMED.append((wrong, line))
        return wrong

    return register


# Derivatives of derivatives


def _slope(y, x):
    return torch.autograd.grad(y.sum(), x, create_graph=True)[0]


def _residual(kind):
    """A net whose second derivative is to be -sin(x), after a watched pass."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(1, 8), kind(), nn.Linear(8, 8), kind(), nn.Linear(8, 1))
    x = torch.linspace(0.1, 6, 20).unsqueeze(1).requires_grad_()
    return net, (_slope(_slope(net(x), x), x) + torch.sin(x)).pow(2).mean()


def _watched(kind):
    with watch():
        net, loss = _residual(kind)
        loss.backward()
    return why_no_grad(net[0].weight, loss)


def not_watched(kind):
    with watch():  # of something else
        leaf(2).sum().backward()
    net, loss = _residual(kind)
    return why_no_grad(net[0].weight, loss)


@named("torch.autograd.grad(y.sum(), x, create_graph=True)")
@pair("zero_curvature", lambda: _watched(nn.Tanh))
def _():
    return _watched(nn.ReLU)


@pair("zero_curvature", lambda: _watched(nn.Softplus))
def _():
    return _watched(nn.LeakyReLU)


@pair("zero_curvature", lambda: _watched(nn.SiLU))
def _():
    return _watched(nn.Hardtanh)


@pair("zero_curvature", lambda: _watched(nn.GELU))
def _():
    return _watched(nn.PReLU)


def _sloped(asked_about, kind, data=0.0):
    """A net whose slopes are to be 1, and perhaps its values."""
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(2, 8), kind(), nn.Linear(8, 1))
    x = torch.rand(9, 2).requires_grad_()
    with watch():
        loss = (_slope(net(x), x) - 1).pow(2).mean()
        if data:
            loss = loss + data * net(x).pow(2).mean()
        loss.backward()
    return why_no_grad(asked_about(net), loss)


@pair("constant_in_derivative", lambda: _sloped(lambda net: net[2].bias, nn.Tanh, 1.0))
def _():
    return _sloped(lambda net: net[2].bias, nn.Tanh)


@pair("constant_in_derivative", lambda: _sloped(lambda net: net[0].bias, nn.Softplus))
def _():
    return _sloped(lambda net: net[0].bias, nn.ReLU)


def a_penalty_of_a_slope_that_is_masked():
    """The nodes of the slope are older than the calls behind it, and are not theirs."""
    net, mask = nn.Linear(3, 1), torch.zeros(4, 3)
    x = torch.ones(4, 3, requires_grad=True)
    with watch():
        slope = torch.autograd.grad(net(x * mask).sum(), x, create_graph=True)[0]
        loss = torch.cos(slope).sum() + torch.sin(slope).sum()
        loss.backward()
    return why_no_grad(net.weight, loss)


@torch.jit.script
def _rounded(x: torch.Tensor) -> torch.Tensor:
    return (x * 2).round()


def a_zero_inside_of_a_script():
    """A watch does not see the calls of a script."""
    w = leaf(3)
    with watch():
        loss = _rounded(w.exp()).cos().sum()
        loss.backward()
    return why_no_grad(w, loss)


# Draws


def _actor(draw, kind=None):
    """A policy whose action goes into a critic; the spread alone has an entropy."""
    torch.manual_seed(0)
    net, critic = nn.Linear(3, 2), nn.Linear(2, 1)
    made = kind or (lambda h: Normal(h, critic.weight.exp()))
    with watch():
        dist = made(net(torch.ones(5, 3)))
        action = draw(dist)
        loss = critic(action.float()).mean()
        if kind is None:
            loss = loss - dist.entropy().mean()
        loss.backward()
    return why_no_grad(net.weight, loss)


@named("action = draw(dist)")
def _():
    return _actor(Normal.sample)


@pair("cut_sample", lambda: _actor(lambda dist: dist.rsample()))
@named("dist.sample()")
def _():
    return _actor(lambda dist: dist.sample())


def _together(h):
    return Independent(Normal(h, 1.0), 1)


@pair("cut_sample", lambda: _actor(lambda dist: dist.rsample(), _together))
def _():
    return _actor(lambda dist: dist.sample(), _together)


def _choice(gives):
    torch.manual_seed(0)
    net, value = nn.Linear(3, 2), nn.Linear(2, 1)
    with watch():
        loss = gives(net(torch.ones(5, 3)), value)
        loss.backward()
    return why_no_grad(net.weight, loss)


def _by_index(scores, value):
    drawn = Categorical(logits=scores).sample()
    return value(F.one_hot(drawn, 2).float()).mean()


def _by_logarithm(scores, value):
    dist = Categorical(logits=scores)
    drawn = dist.sample()
    reward = value(F.one_hot(drawn, 2).float()).squeeze(1)
    return -(dist.log_prob(drawn) * reward.detach()).mean()


def _by_gumbel(scores, value):
    return value(F.gumbel_softmax(scores, hard=True)).mean()


def _by_passing_on(scores, value):
    p = scores.softmax(1)
    drawn = F.one_hot(Categorical(p.detach()).sample(), 2)
    return value(p + (drawn - p).detach()).mean()


def _by_multinomial(scores, value):
    drawn = torch.multinomial(scores.softmax(1), 1).squeeze(1)
    return value(F.one_hot(drawn, 2).to(scores)).mean()


def _by_bernoulli(scores, value):
    return value(Bernoulli(logits=scores).sample()).mean()


def _by_mixture(scores, value):
    parts = Normal(scores, torch.ones_like(scores))
    drawn = MixtureSameFamily(Categorical(torch.ones(5, 2)), parts).sample()
    return value(torch.stack([drawn, drawn], 1)).mean()


@pair("cut_draw", lambda: _choice(_by_logarithm))
@named("Categorical(logits=scores).sample()")
def _():
    return _choice(_by_index)


@pair("cut_draw", lambda: _choice(_by_gumbel))
@named("torch.multinomial(scores.softmax(1), 1)")
def _():
    return _choice(_by_multinomial)


@pair("cut_draw", lambda: _choice(_by_passing_on))
@named("Bernoulli(logits=scores).sample()")
def _():
    return _choice(_by_bernoulli)


@pair("cut_draw", lambda: _choice(_by_logarithm))
def _():
    return _choice(_by_mixture)


def _shifted(mean):
    return (mean + 0.5 * torch.randn_like(mean)).sum()


@pair("zero_draw", lambda: asked(_shifted))
def _():
    return asked(lambda w: torch.normal(w, 0.5).sum())


@pair("zero_draw", lambda: _choice(_by_gumbel))
def _():
    return asked(lambda w: torch.bernoulli(w.sigmoid()).sum())


# Weights of an inner step


def _adapted(run):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(2, 4), nn.Tanh(), nn.Linear(4, 1))
    local, x = copy.deepcopy(model), torch.ones(3, 2)
    opt = torch.optim.SGD(model.parameters(), 0.1)
    with watch():
        inner = model(x).pow(2).mean()
        slopes = torch.autograd.grad(inner, list(model.parameters()), create_graph=True)
        pairs = zip(model.named_parameters(), slopes, strict=True)
        fast = {name: p - 0.1 * slope for (name, p), slope in pairs}
        loss = (run(local, fast, x) - 1).pow(2).mean()
        opt.zero_grad()
        loss.backward()
        opt.step()
    return why_no_grad(model[0].weight, loss)


def _by_call(local, fast, x):
    return torch.func.functional_call(local, fast, (x,))


def _by_state(local, fast, x):
    local.load_state_dict(fast)
    return local(x)


def _by_copy(local, fast, x):
    with torch.no_grad():
        for name, p in local.named_parameters():
            p.copy_(fast[name])
    return local(x)


@pair("cut_copied", lambda: _adapted(_by_call))
@named("local.load_state_dict(fast)")
def _():
    return _adapted(_by_state)


@pair("cut_copied", lambda: _adapted(_by_call))
@named("p.copy_(fast[name])")
def _():
    return _adapted(_by_copy)
