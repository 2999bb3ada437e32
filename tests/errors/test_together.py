"""Results that move into a loop together, optimizers that a helper steps, and arguments' graphs."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Several results in front of a loop


def _tables(inside):
    users, items = nn.Embedding(4, 3), nn.Embedding(5, 3)
    optimizer = torch.optim.SGD([*users.parameters(), *items.parameters()], lr=0.1)
    u = users(torch.tensor([0, 1])).tanh()
    v = items(torch.tensor([2, 3])).tanh()
    for _ in range(2):
        if inside:
            u = users(torch.tensor([0, 1])).tanh()
            v = items(torch.tensor([2, 3])).tanh()
        loss = (u * v).sum(1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


def _factors():
    users, items = nn.Embedding(4, 3), nn.Embedding(5, 3)
    optimizer = torch.optim.SGD([*users.parameters(), *items.parameters()], lr=0.1)
    u = users(torch.tensor([0, 1])).tanh()
    v = items(torch.tensor([2, 3])).tanh()
    for _ in range(2):
        loss = (u * v).sum(1).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@told(
    "second_backward",
    r"^u and v were computed once, before the loop",
    "u = users(",
    "`u = users(torch.tensor([0, 1])).tanh()`; `v = items(torch.tensor([2, 3])).tanh()`",
    lambda: _tables(True),
)
def vectors_of_two_tables():
    _factors()


def _fitted():
    x, y = torch.arange(4.0), torch.arange(4.0) * 2
    w = torch.zeros((), requires_grad=True)
    guess = w * x
    error = (guess - y).square().mean()
    for _ in range(2):
        w.grad = None
        error.backward()
        w.data -= 0.01 * w.grad


def _fitted_anew():
    x, y = torch.arange(4.0), torch.arange(4.0) * 2
    w = torch.zeros((), requires_grad=True)
    for _ in range(2):
        guess = w * x
        error = (guess - y).square().mean()
        w.grad = None
        error.backward()
        w.data -= 0.01 * w.grad


@told(
    "second_backward",
    r"^guess and error were computed once, before the loop",
    "guess = w * x",
    "`guess = w * x`; `error = (guess - y).square().mean()`",
    _fitted_anew,
)
def a_forward_pass_in_front_of_the_loop():
    _fitted()


# Optimizers that one helper steps


def _apply(loss, optimizer):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


class Encoded:
    def __init__(self):
        self.left, self.right, self.head = nn.Linear(2, 3), nn.Linear(2, 3), nn.Linear(2, 2)
        self.on_left, self.on_right, self.on_head = (
            torch.optim.SGD(one.parameters(), lr=0.1) for one in (self.left, self.right, self.head)
        )

    def update(self, x, late):
        left, right = self.left(x).square().mean(), self.right(x).square().mean()
        if not late:
            both = (self.left(self.head(x)) * self.right(self.head(x))).mean()
        _apply(left, self.on_left)
        _apply(right, optimizer=self.on_right)
        if late:
            both = (self.left(self.head(x)) * self.right(self.head(x))).mean()
        _apply(both, self.on_head)


@told(
    "modified",
    r"on_left\.step\(\) changed|on_right\.step\(\) changed",
    None,
    "self.on_right.step()",
    lambda: Encoded().update(torch.ones(4, 2), True),
)
def two_encoders_that_a_helper_steps_in_front_of_a_third_loss():
    Encoded().update(torch.ones(4, 2), False)


# An argument that brings its graph along


def _fit_values(critic, optimizer, x):
    value = critic(x)
    loss = value.square().mean()
    optimizer.zero_grad()
    loss.backward(retain_graph=True)
    optimizer.step()
    return value


def _fit_policy(policy, optimizer, x, advantage):
    loss = -(policy(x).log_softmax(1)[:, :1] * advantage).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def _acted(detached):
    critic = nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    policy = nn.Linear(2, 2)
    of_critic = torch.optim.Adam(critic.parameters())
    of_policy = torch.optim.Adam(policy.parameters())
    x = torch.ones(4, 2)
    value = _fit_values(critic, of_critic, x)
    _fit_policy(policy, of_policy, x, value.detach() if detached else value)


@told(
    "modified",
    r"it is handed to _fit_policy\(\) with its graph, as advantage",
    "_fit_policy(policy, of_policy, x, value",
    "hand it over as value.detach()",
    lambda: _acted(True),
)
def an_advantage_that_a_critic_gave_before_its_step():
    _acted(False)


class Teacher:
    def __init__(self):
        self.net = nn.Sequential(nn.Linear(3, 4), nn.ReLU(), nn.Linear(4, 3))
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def scores(self, x):
        out = self.net(x)
        self.optimizer.zero_grad()
        F.cross_entropy(out, torch.tensor([0, 1])).backward(retain_graph=True)
        self.optimizer.step()
        return out


class Student:
    def __init__(self):
        self.net = nn.Linear(3, 3)
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

    def distil(self, x, aims):
        loss = F.mse_loss(self.net(x), aims)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()


def _distilled(detached):
    teacher, student, x = Teacher(), Student(), torch.ones(2, 3)
    out = teacher.scores(x)
    student.distil(x, out.detach() if detached else out)


@told(
    "modified",
    r"it is handed to distil\(\) with its graph, as aims",
    "student.distil(",
    "hand it over as out.detach()",
    lambda: _distilled(True),
)
def scores_of_a_teacher_that_has_stepped():
    _distilled(False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_program_is_explained_and_its_cure_runs(program):
    program.is_explained()
