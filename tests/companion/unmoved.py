"""Programs that leave a model as it is and raise nothing, each beside one that its cure makes."""

import copy

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion.derived import named
from tests.companion.programs import leaf, net, pair, squares

# Recording that is off, buffers, models that are not called, layers that a step makes


def _evaluated_before(leave_off):
    w = leaf(3)
    with torch.set_grad_enabled(not leave_off), watch():
        loss = squares(w)
        if leave_off:
            loss.requires_grad_()
        loss.backward()
    return why_no_grad(w, loss)


@pair("off_before", lambda: _evaluated_before(False))
def _():
    return _evaluated_before(True)


def _scored(leave_off):
    head, w = leaf(3), leaf(3)
    with torch.set_grad_enabled(not leave_off), watch():
        h = w.exp()
        with torch.enable_grad():
            loss = (h * head).sum()
        loss.backward()
    return why_no_grad(w, loss)


@pair("off_before", lambda: _scored(False))
def _():
    return _scored(True)


class Scaled(nn.Module):
    """A net with a scale that is a parameter or a buffer."""

    def __init__(self, trained):
        super().__init__()
        self.layer = nn.Linear(3, 1)
        if trained:
            self.scale = nn.Parameter(torch.ones(1))
        else:
            self.register_buffer("scale", torch.ones(1))

    def forward(self, x):
        return self.layer(x) * self.scale


def _scaled(trained):
    model = Scaled(trained)
    with watch():
        loss = model(torch.ones(2, 3)).sum()
        loss.backward()
    return why_no_grad(model.scale, loss)


@named('self.register_buffer("scale", torch.ones(1))')
@pair("buffer", lambda: _scaled(True))
def _():
    return _scaled(False)


def _with_features(kept):
    extractor, head = net(3, 4), nn.Linear(4, 1)
    optimizer = torch.optim.SGD([*extractor.parameters(), *head.parameters()], lr=0.1)
    x = torch.ones(2, 3)
    with torch.no_grad():
        features = extractor(x)
    with watch():
        if not kept:
            features = extractor(x)
        loss = head(features).square().mean()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@pair("never_called", lambda: _with_features(kept=False))
def _():
    return _with_features(kept=True)


class Heads(nn.Module):
    """A body, and a head that is made in __init__ or in every call."""

    def __init__(self, anew):
        super().__init__()
        self.body, self.anew = nn.Linear(3, 4), anew
        self.head = None if anew else nn.Linear(4, 1)

    def forward(self, x):
        h = self.body(x).tanh()
        head = nn.Linear(4, 1) if self.anew else self.head
        return head(h)


def _headed(anew):
    model = Heads(anew)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
        optimizer.step()
    return why_no_grad()


@named("head = nn.Linear(4, 1) if self.anew else self.head")
@pair("made_in_step", lambda: _headed(False))
def _():
    return _headed(True)


# Steps that change nothing


def _stepped(called):
    model = net(3, 4, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().mean()
        if called:
            loss.backward()
        optimizer.step()
    assert loss.requires_grad
    return seen.report()


@named("optimizer.step()")
@pair("step_on_nothing", lambda: _stepped(True))
def _():
    return _stepped(False)


def _stepped_by_a_closure(called):
    model = net(3, 4, 1)
    optimizer = torch.optim.LBFGS(model.parameters())

    def closure():
        optimizer.zero_grad()
        loss = model(torch.ones(2, 3)).square().mean()
        if called:
            loss.backward()
        return loss

    with watch() as seen:
        optimizer.step(closure)
    return seen.report()


@pair("step_on_nothing", lambda: _stepped_by_a_closure(True))
def _():
    return _stepped_by_a_closure(False)


def _descended(update):
    model = net(3, 4, 1)
    with watch() as seen:
        for _ in range(3):
            loss = model(torch.ones(2, 3)).square().mean()
            model.zero_grad()
            loss.backward()
            with torch.no_grad():
                for p in model.parameters():
                    update(p)
    return seen.report()


def _in_place(p):
    p -= 0.1 * p.grad


def _through_data(p):
    p.data = p.data - 0.1 * p.grad


def _by_name(p):
    p = p - 0.1 * p.grad


@named("p = p - 0.1 * p.grad")
@pair("rebound", lambda: _descended(_in_place))
def _():
    return _descended(_by_name)


@pair("no_update", lambda: _descended(_through_data))
def _():
    return _descended(lambda p: None)


def functions_of_weights():
    """Weights that every step makes anew of those before, as a function of them."""
    weights = [leaf(3), leaf(3)]
    with watch() as seen:
        for _ in range(3):
            loss = sum(squares(one) for one in weights)
            slopes = torch.autograd.grad(loss, weights, create_graph=True)
            weights = [one - 0.1 * slope for one, slope in zip(weights, slopes, strict=True)]
    return seen.report()


# Copies, and targets that are met


def _trained_in_place_of(copied):
    model = net(3, 4, 1)

    def step(model):
        if copied:
            model = copy.deepcopy(model)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
        optimizer.step()
        return loss

    with watch():
        loss = step(model)
    return why_no_grad(model, loss)


@named("model = copy.deepcopy(model)")
@pair("cut_deepcopy", lambda: _trained_in_place_of(copied=False))
def _():
    return _trained_in_place_of(copied=True)


def gradients_of_a_copy_that_are_handed_back():
    """First-order MAML: a copy is trained, and its last gradients are the model's."""
    model, inner = nn.Linear(3, 1), nn.Linear(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch():
        inner.load_state_dict(model.state_dict())
        loss = inner(torch.ones(2, 3)).square().mean()
        loss.backward()
        for p, q in zip(model.parameters(), inner.parameters(), strict=True):
            p.grad = q.grad.clone()
        optimizer.step()
    return why_no_grad(model.weight, loss), why_no_grad()


def _distilled(share):
    student, teacher = net(3, 4, 1), net(3, 4, 1)
    if share:
        for p, q in zip(student.parameters(), teacher.parameters(), strict=True):
            p.data = q.data
    with watch():
        loss = F.mse_loss(student(torch.ones(2, 3)), teacher(torch.ones(2, 3)).detach())
        loss.backward()
    return why_no_grad(student, loss)


@named("F.mse_loss(student(torch.ones(2, 3))")
@pair("zero_equal", lambda: _distilled(share=False))
def _():
    return _distilled(share=True)


# A step of one of two players, gradients of others, and where a value was last read


def a_step_of_the_critic_alone():
    maker, critic = net(2, 3), net(3, 1)
    of_maker = torch.optim.SGD(maker.parameters(), lr=0.1)
    of_critic = torch.optim.SGD(critic.parameters(), lr=0.1)
    with watch():
        with torch.no_grad():
            fake = maker(torch.ones(2, 2))
        loss = critic(fake).mean() - critic(torch.ones(2, 3)).mean()
        of_critic.zero_grad()
        loss.backward()
        of_critic.step()
    assert of_maker
    return why_no_grad()


def an_attack_before_the_step():
    """Gradients of the attack lie in the model too, and zero_grad empties them once."""
    model, x = net(3, 4, 1), torch.ones(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with watch() as seen:
        moved = torch.zeros(2, 3, requires_grad=True)
        for _ in range(3):
            model(x + moved).mean().backward()
            moved.data = moved + 0.1 * moved.grad.sign()
            moved.grad.zero_()
        optimizer.zero_grad()
        model(x + moved.detach()).square().mean().backward()
        optimizer.step()
    return seen.report()


def _cropped(softly):
    w, signal = leaf(3), torch.arange(10.0)
    with watch():
        starts = w.exp()
        if softly:
            parts = [(signal - start).square() for start in starts]
        else:
            parts = [signal[int(start) :].mean() for start in starts]
        loss = (torch.stack(parts) * leaf(1)).mean()
        loss.backward()
    return why_no_grad(w, loss)


@pair("cut_number", lambda: _cropped(softly=True))
def _():
    return _cropped(softly=False)


def the_importance_of_weights():
    """Squares of gradients, sample by sample: nothing is to be updated."""
    model = net(3, 4, 1)
    importance = [torch.zeros_like(p) for p in model.parameters()]
    with watch() as seen:
        for row in torch.eye(3):
            model.zero_grad()
            model(row).square().sum().backward()
            for kept, p in zip(importance, model.parameters(), strict=True):
                kept += p.grad.square()
    return seen.report()


def leaves_made_anew_of_the_ones_before():
    w = leaf(3)
    with watch() as seen:
        for _ in range(4):
            squares(w).backward()
            w = (w - 0.1 * w.grad).detach().requires_grad_()
    return seen.report()


def several_players_of_which_the_last_trains_a_number():
    """The last loss leads to no model, and the target network is a target all the same."""
    actor, target, bias = net(2, 1), net(2, 1), leaf(1)
    of_actor = torch.optim.SGD(actor.parameters(), lr=0.1)
    of_bias = torch.optim.SGD([bias], lr=0.1)
    x = torch.ones(4, 2)
    with watch():
        with torch.no_grad():
            wanted = target(x)
        loss_of_actor = (actor(x) - wanted + 1).square().mean()
        of_actor.zero_grad()
        loss_of_actor.backward()
        of_actor.step()
        loss = (bias - 1).square().sum()
        of_bias.zero_grad()
        loss.backward()
        of_bias.step()
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), actor.parameters(), strict=True):
                slow.lerp_(fast, 0.1)
    return why_no_grad()


class Tied(nn.Module):
    """A table of words and a head whose weight is the table's."""

    def __init__(self, tie):
        super().__init__()
        self.table, self.tied = nn.Embedding(5, 3), nn.Linear(3, 5, bias=False)
        self.tied.weight = tie(self.table.weight)

    def forward(self, words):
        return self.tied(self.table(words))


def _tied(tie):
    model, words = Tied(tie), torch.arange(5)
    with watch() as seen:
        loss = F.cross_entropy(model(words), words)
        loss.backward()
    return seen.report()


@pair("two_in_one", lambda: _tied(lambda weight: weight))
def _():
    return _tied(nn.Parameter)


@pair("two_in_one", lambda: _tied(lambda weight: nn.Parameter(weight.detach().clone())))
def _():
    return _tied(lambda weight: nn.Parameter(weight.data))


class Gained(nn.Module):
    """A weight that is a plain tensor without the flag, or a parameter."""

    def __init__(self, kind):
        super().__init__()
        self.layer = nn.Linear(3, 4)
        self.plain_gain = kind(torch.ones(4))

    def forward(self, x):
        return self.layer(x) * self.plain_gain


def _gained(kind):
    model = Gained(kind)
    with watch():
        loss = model(torch.ones(2, 3)).square().mean()
        loss.backward()
    return why_no_grad(model.plain_gain, loss)


@named("self.plain_gain = ")
@pair("no_requires_grad", lambda: _gained(nn.Parameter))
def _():
    return _gained(torch.clone)


# Weights that an inner loop adapts


def _inner(net, cut, steps):
    """One query loss behind a few inner steps of first order."""
    names, fast = list(dict(net.named_parameters())), list(net.parameters())
    if cut:
        fast = [p.detach().clone().requires_grad_() for p in fast]
    for _ in range(steps):
        out = torch.func.functional_call(net, dict(zip(names, fast, strict=True)), torch.rand(4, 3))
        grads = torch.autograd.grad(out.square().mean(), fast)
        new = [p - 0.1 * g for p, g in zip(fast, grads, strict=True)]
        fast = [one.detach().requires_grad_() for one in new] if cut else new
    named = dict(zip(names, fast, strict=True))
    return torch.func.functional_call(net, named, torch.rand(4, 3)).square().mean(), fast


def _adapted(cut, steps, by_hand=False, of_copy=False):
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.Adam(net.parameters())
    with watch() as seen:
        loss, fast = _inner(net, cut, steps)
        optimizer.zero_grad()
        loss.backward()
        if by_hand:
            for p, w in zip(net.parameters(), fast, strict=True):
                p.grad = w.grad
        optimizer.step()
    return seen.report() if by_hand else why_no_grad(fast[0] if of_copy else net[0].weight, loss)


@pair("cut_detach", lambda: _adapted(False, 2))
def _():
    report = _adapted(True, 2)
    assert report.codes == ("cut_detach", "copies_in_step"), report
    return report


@pair("copies_in_step", lambda: _adapted(False, 1))
def _():
    return _adapted(True, 1, of_copy=True)


def gradients_of_copies_that_are_handed_on():
    return _adapted(True, 1, by_hand=True)
