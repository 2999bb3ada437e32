"""Programs in which a term, a backward or a step takes no effect, each beside a right one."""

import torch
import torch.nn.functional as F
from torch import nn

from course import watch, why_no_grad
from tests.companion import unemptied
from tests.companion.programs import pair

LINES = []
"""Programs, each with the line that its first finding names."""


def named(line):
    """Register a program whose first finding, a candidate perhaps, names this line."""

    def register(wrong):
        LINES.append((wrong, line))
        return wrong

    return register


# No line that empties gradients


@named("self.steps.step()")
@pair("unemptied", unemptied.a_step_by_itself)
def _():
    return unemptied.in_a_method(1)


@named("self.steps.step()")
@pair("unemptied", unemptied.of_nets_that_are_new_in_each_pass)
def _():
    return unemptied.in_a_method(2)


@named("optimizer.step()")
@pair("unemptied", unemptied.a_step_by_itself)
def _():
    return unemptied.in_the_loop_itself()


@named("optimizer.step()")
@pair("unemptied", lambda: unemptied.in_one_of_two_branches(False))
def _():
    return unemptied.in_one_of_two_branches(True)


# A schedule in the place of a step


def _scheduled(step, plateau=False):
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    kinds = torch.optim.lr_scheduler
    schedule = kinds.ReduceLROnPlateau(optimizer) if plateau else kinds.StepLR(optimizer, 3)
    for _ in range(2):
        with watch():
            loss = net(torch.ones(2, 3)).square().mean()
            optimizer.zero_grad()
            loss.backward()
            if step:
                optimizer.step()
            schedule.step(loss.item()) if plateau else schedule.step()
    return why_no_grad(net.weight, loss)


@pair("schedule_alone", lambda: _scheduled(True))
def _():
    return _scheduled(False)


class Fitted:
    """Moves its schedule in a method of its own."""

    def __init__(self):
        self.net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)
        self.plan = torch.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 10)

    def finish(self, step):
        if step:
            self.optimizer.step()
        self.plan.step()

    def fit(self, step):
        with watch():
            loss = self.net(torch.ones(2, 3)).mean()
            self.optimizer.zero_grad()
            loss.backward()
            self.finish(step)
        return why_no_grad()


@named("self.plan.step()")
@pair("schedule_alone", lambda: Fitted().fit(True))
def _():
    return Fitted().fit(False)


def a_plateau_that_waits_for_a_step():
    return _scheduled(False, plateau=True)


# Terms that were cut off


def _adversarial(judged, joined):
    torch.manual_seed(0)
    maker, judge = nn.Linear(3, 4), nn.Linear(4, 1)
    optimizer = torch.optim.SGD(maker.parameters(), lr=0.1)
    with watch():
        made = maker(torch.ones(2, 3))
        verdict = judged(judge, made)
        fit = (made - 1).abs().mean()
        fooled = F.binary_cross_entropy_with_logits(verdict, torch.ones(2, 1))
        loss = joined(fit, fooled)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(maker.weight, loss)


def _detached(judge, made):
    return judge(made).detach()


def _unrecorded(judge, made):
    with torch.no_grad():
        return judge(made.tanh())


def _weighed(fit, fooled):
    return fit + 0.5 * fooled


def _begun(fit, fooled):
    total = 0
    total = total + fooled
    return total + 10 * fit


def _whole(judge, made):
    return judge(made)


@named("judge(made).detach()")
@pair("term_cut", lambda: _adversarial(_whole, _weighed))
def _():
    return _adversarial(_detached, _weighed)


@named("judge(made).detach()")
@pair("term_cut", lambda: _adversarial(_whole, _begun))
def _():
    return _adversarial(_detached, _begun)


def _distilled(cut):
    torch.manual_seed(0)
    teacher, student = nn.Linear(3, 4), nn.Linear(3, 4)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    x, y = torch.ones(2, 3), torch.tensor([0, 3])
    with watch():
        wanted, scores = teacher(x).softmax(1).detach(), student(x)
        given = scores.log_softmax(1)
        if cut:
            given = given.detach()
        soft = F.kl_div(given, wanted, reduction="batchmean")
        loss = F.cross_entropy(scores, y) + 0.7 * soft
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(student.weight, loss)


@named("given = given.detach()")
@pair("term_cut", lambda: _distilled(False))
def _():
    return _distilled(True)


def a_teacher_whose_entropy_is_subtracted():
    """A constant that belongs to the formula, made of what is detached."""
    torch.manual_seed(0)
    teacher, student = nn.Linear(3, 4), nn.Linear(3, 4)
    optimizer = torch.optim.SGD(student.parameters(), lr=0.1)
    x = torch.ones(2, 3)
    with watch():
        wanted = teacher(x).softmax(1).detach()
        given = student(x).log_softmax(1)
        loss = (wanted * wanted.log()).sum(1).mean() - (wanted * given).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(student.weight, loss)


def a_loss_whose_value_passes_straight_through():
    """The value of one loss with the gradient of another."""
    torch.manual_seed(0)
    net = nn.Linear(3, 1)
    with watch():
        out = net(torch.ones(2, 3))
        smooth, hard = F.mse_loss(out, torch.zeros(2, 1)), F.l1_loss(out, torch.zeros(2, 1))
        loss = smooth + (hard - smooth).detach()
        loss.backward()
    return why_no_grad(net.weight, loss)


# A module with a backward of its own


class Reversal(nn.Module):
    def forward(self, x):
        return x.view_as(x)

    def backward(self, gradient):
        return -gradient


class _Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


class ReversalByFunction(nn.Module):
    def forward(self, x):
        return _Reversed.apply(x)


def _reversed(layer):
    net = nn.Sequential(nn.Linear(3, 4), layer, nn.Linear(4, 2))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch():
        loss = net(torch.ones(2, 3)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net[0].weight, loss)


@named("def backward(self, gradient):")
@pair("backward_of_module", lambda: _reversed(ReversalByFunction()))
def _():
    return _reversed(Reversal())


class Scaled(nn.Module):
    """Sets the size of a gradient, as its author believes."""

    def __init__(self, factor):
        super().__init__()
        self.factor = factor

    def forward(self, x):
        return x * 1.0

    def backward(self, grad_output):
        return grad_output * self.factor


@named("def backward(self, grad_output):")
@pair("backward_of_module", lambda: _reversed(ReversalByFunction()))
def _():
    return _reversed(Scaled(0.1))


class Stepping(nn.Module):
    """A model whose backward is the author's own helper."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(4, 4)

    def forward(self, x):
        return self.layer(x)

    def backward(self, loss):
        loss.backward()
        return loss.item()


def a_helper_called_backward():
    return _reversed(Stepping())


# Modes and steps that are meant


def a_frozen_net_in_eval_mode_behind_a_new_layer():
    frozen = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Dropout(0.1), nn.Flatten())
    frozen.requires_grad_(False).eval()
    first = nn.Conv2d(2, 3, 1)
    net = nn.Sequential(first, frozen)
    optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
    with watch() as seen:
        loss = net(torch.ones(2, 2, 4, 4)).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen.report()


def a_judge_in_eval_mode_while_its_maker_is_trained():
    net = nn.ModuleDict({"maker": nn.Linear(3, 4), "judge": nn.Linear(4, 1)})
    judge = nn.Sequential(net["judge"], nn.Dropout(0.1)).eval()
    both = nn.ModuleDict({"maker": net["maker"], "judge": judge})
    of_maker = torch.optim.SGD(both["maker"].parameters(), lr=0.1)
    of_judge = torch.optim.SGD(judge.parameters(), lr=0.1)
    with watch() as seen:
        loss = judge(both["maker"](torch.ones(2, 3))).square().mean()
        both.zero_grad()
        loss.backward()
        of_maker.step()
    assert of_judge
    return seen.report()


def a_head_that_is_trained_alone():
    """By the line that makes its optimizer; what lies in front of it has the flag."""
    probed = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    of_head = torch.optim.Rprop(probed[-1].parameters(), lr=0.1)
    with watch() as seen:
        loss = probed(torch.ones(2, 3)).square().mean()
        of_head.zero_grad()
        loss.backward()
        of_head.step()
    return seen.report()


@named("of_head = torch.optim.Rprop")
@pair("part_alone", lambda: _held_in_part("whole"))
def _():
    return a_head_that_is_trained_alone()


def _held_in_part(of):
    """An optimizer of a net's beginning alone, which is no head."""
    half = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    of_half = torch.optim.Adamax((half[0] if of == "part" else half).parameters(), lr=0.1)
    with watch() as seen:
        loss = half(torch.ones(2, 3)).square().mean()
        of_half.zero_grad()
        loss.backward()
        of_half.step()
    return seen.report()


@pair("not_in_optimizer", lambda: _held_in_part("whole"))
def _():
    return _held_in_part("part")


def a_maker_that_gets_nothing_beside_its_judge():
    """Its steps have no gradient, so none adds up."""
    maker, judge = nn.Linear(3, 4), nn.Linear(4, 1)
    of_maker, of_judge = (torch.optim.Adam(one.parameters()) for one in (maker, judge))
    with watch() as seen:
        for _ in range(2):
            made = maker(torch.ones(2, 3))
            judge.zero_grad()
            judge(made.detach()).mean().backward()
            of_judge.step()
        for _ in range(2):
            maker.zero_grad()
            (-judge(made.detach()).mean()).backward()
            of_maker.step()
    return seen.report()


# An optimizer of what is frozen


class Tuned(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.head = nn.Linear(3, 4), nn.Linear(4, 2)

    def forward(self, x):
        return self.head(self.body(x))


def _tuned(thaw):
    net = Tuned()
    for p in net.parameters():
        p.requires_grad = False
    if thaw:
        net.head.requires_grad_(True)
    optimizer = torch.optim.Adam(net.parameters())
    with watch():
        loss = net(torch.ones(2, 3)).square().mean()
        optimizer.zero_grad()
        loss.requires_grad_(True)
        loss.backward()
        optimizer.step()
    del loss
    return why_no_grad()


@pair("step_on_frozen", lambda: _tuned(True))
def _():
    return _tuned(False)


def _of_one(flag):
    w = torch.nn.Parameter(torch.ones(3), requires_grad=flag)
    optimizer = torch.optim.SGD([w], lr=0.1)
    with watch() as seen:
        loss = w.square().sum().requires_grad_()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return seen.report()


@pair("step_on_frozen", lambda: _of_one(True))
def _():
    return _of_one(False)


# A factor of 0


def _touched(by):
    """A head that takes no part gets zeros, so that every parameter has a gradient."""
    torch.manual_seed(0)
    body, one, other = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 2)
    net = nn.ModuleList([body, one, other])
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch():
        loss = one(body(torch.ones(2, 3)).tanh()).square().mean()
        loss = loss + by(sum(p.sum() for p in net.parameters()))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return why_no_grad(net, loss)


def a_head_that_is_touched_by_a_factor_of_0():
    return _touched(lambda whole: 0.0 * whole)


def a_head_that_is_touched_by_a_factor_behind():
    return _touched(lambda whole: whole.double() * 0)


def _weighed_by(number):
    w, v = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    with watch():
        loss = (w * v).sum() * 0 if not number else (w * v).sum() * number
        loss.backward()
    return why_no_grad(w, loss)


@named("(w * v).sum() * 0")
@pair("zero_number", lambda: _weighed_by(2))
def _():
    return _weighed_by(0)


def _counting(term):
    """A loss with a term of what is predicted, by a count or by a smooth measure."""
    w = torch.linspace(0.1, 0.9, 5).requires_grad_()
    with watch():
        p = w.sigmoid()
        loss = (p - 0.5).square().mean() + 0.1 * term(p)
        loss.backward()
    return why_no_grad(w, loss)


@named("torch.histc(p")
@pair("term_counted", lambda: _counting(lambda p: p.square().mean()))
def _():
    return _counting(lambda p: (torch.histc(p, 4) / 5 - 0.25).abs().mean())


@named("p.argmax()")
@pair("term_counted", lambda: _counting(lambda p: p.detach().max()))
def _():
    return _counting(lambda p: (p.argmax().float() - 2).square())
