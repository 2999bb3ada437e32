"""Causes that lie away from the line that raises: each is named there, and its cure cures."""

import warnings
from collections import deque

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A second backward through what was put away with its graph


class Rollout:
    """What an agent met: a list for each."""

    def __init__(self):
        self.seen, self.chosen, self.logp = [], [], []


def collect(policy, detached):
    kept = Rollout()
    for row in torch.eye(3):
        told_by = Categorical(logits=policy(row))
        action = told_by.sample()
        kept.seen.append(row)
        kept.chosen.append(action)
        if detached:
            kept.logp.append(told_by.log_prob(action).detach())
        else:
            kept.logp.append(told_by.log_prob(action))
    return kept


def _improve(detached, named=True):
    policy = nn.Linear(3, 2)
    kept = collect(policy, detached)
    before = torch.stack(kept.logp)
    for _ in range(2):
        now = Categorical(logits=policy(torch.stack(kept.seen))).log_prob(torch.stack(kept.chosen))
        if named:
            loss = (now - before).exp().mean()
            loss.backward()
        else:
            (now - before).exp().mean().backward()


@told(
    "second_backward",
    r"before is made of kept\.logp",
    "kept.logp.append(told_by.log_prob(action))",
    "Detach it where it is kept: kept.logp.append(told_by.log_prob(action).detach())",
    lambda: _improve(True),
)
def a_stack_of_kept_logarithms():
    _improve(False)


@told(
    "second_backward",
    r"kept\.logp holds results with their graphs",
    "kept.logp.append(told_by.log_prob(action))",
    "Detach it where it is kept: kept.logp.append(told_by.log_prob(action).detach())",
    lambda: _improve(True, named=False),
)
def kept_logarithms_and_a_loss_without_a_name():
    _improve(False, named=False)


def _detached_sum_of_old_results():
    net = nn.Linear(2, 1)
    old = [net(torch.ones(2)), net(torch.zeros(2))]
    base = (old[0] + old[1]).detach()
    for _ in range(2):
        loss = (net(torch.ones(2)) - base).square().sum()
        loss.backward()


def _sum_of_old_results():
    net = nn.Linear(2, 1)
    old = [net(torch.ones(2)), net(torch.zeros(2))]
    base = old[0] + old[1]
    for _ in range(2):
        loss = (net(torch.ones(2)) - base).square().sum()
        loss.backward()


@told(
    "second_backward",
    r"base is made of old",
    "base = old[0] + old[1]",
    "base = (old[0] + old[1]).detach()",
    _detached_sum_of_old_results,
)
def a_sum_of_kept_results():
    _sum_of_old_results()


def _epochs(net, x, before):
    for _ in range(2):
        (net(x) - before).pow(2).mean().backward()


def _handed_in(detached):
    net, x = nn.Linear(3, 1), torch.ones(2, 3)
    first = net(x).exp()
    if detached:
        first = first.detach()
    _epochs(net, x, first)


def _undetached():
    net, x = nn.Linear(3, 1), torch.ones(2, 3)
    first = net(x).exp()
    _epochs(net, x, first)


@told(
    "second_backward",
    r"before was computed before the loop of _epochs\(\)",
    "first = net(x).exp()",
    "first = first.detach()",
    lambda: _handed_in(True),
)
def an_argument_with_a_graph():
    _undetached()


@told(
    "second_backward",
    r"The results in losses share a part of their graph",
    "one.backward()",
    "sum(losses).backward()",
    lambda: _shared_losses(True),
)
def losses_one_after_another():
    _shared_losses(False)


def _shared_losses(added):
    z = nn.Linear(3, 2)(torch.ones(2, 3)).tanh()
    losses = [z.sum(), z.pow(2).sum()]
    if added:
        sum(losses).backward()
        return
    for one in losses:
        one.backward()


@told(
    "second_backward",
    "table holds results with their graphs",
    'table["z"] = net(x).tanh()',
    "table['z'] = net(x).tanh().detach()",
    lambda: _looked_up(True),
)
def a_result_kept_in_a_dict():
    _looked_up(False)


def _looked_up(detached):
    net, head, x, table = nn.Linear(3, 3), nn.Linear(3, 1), torch.ones(2, 3), {}

    def known():
        if "z" not in table:
            if detached:
                table["z"] = net(x).tanh().detach()
            else:
                table["z"] = net(x).tanh()
        return table["z"]

    for _ in range(2):
        loss = head(known()).sum()
        loss.backward()


class Memory:
    """Keeps rows of what it is given."""

    def __init__(self):
        self.rows = []

    def push(self, *row):
        self.rows.append(row)


def _rows(detached):
    net, memory, x = nn.Linear(3, 1), Memory(), torch.ones(3)
    memory.push(x, net(x).tanh().detach() if detached else net(x).tanh())
    scale = torch.ones(1, requires_grad=True)
    for _ in range(2):
        _, values = zip(*memory.rows, strict=True)
        loss = (torch.stack(values) * scale).sum()
        loss.backward()


@told(
    "second_backward",
    r"memory\.rows holds results with their graphs",
    "self.rows.append(row)",
    "of what is put into memory.rows, each tensor as value.detach()",
    lambda: _rows(True),
)
def a_result_kept_in_a_row_of_a_memory():
    _rows(False)


MEMORY = deque(maxlen=5)


def _replay(net, x, detached):
    z = net(x).exp()
    if detached:
        MEMORY.append(z.detach())
    else:
        MEMORY.append(z)
    torch.stack(list(MEMORY)).sum().mul(z.sum()).backward()


def _steps(detached):
    MEMORY.clear()
    net, x = nn.Linear(3, 1), torch.ones(2, 3)
    for _ in range(2):
        _replay(net, x, detached)


@told(
    "second_backward",
    "MEMORY holds results with their graphs, from before this step",
    "MEMORY.append(z)",
    "MEMORY.append(z.detach())",
    lambda: _steps(True),
)
def a_memory_that_another_function_fills():
    _steps(False)


class Positions(nn.Module):
    """Adds a value of its parameter to its input, computed once or in every pass."""

    def __init__(self, once):
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.once = once
        self.table = self.scale.exp()

    def forward(self, x):
        return x + (self.table if self.once else self.scale.exp())


def _positions(once):
    net = Positions(once)
    for _ in range(2):
        loss = net(torch.ones(2, 3)).pow(2).sum()
        loss.backward()


@told(
    "second_backward",
    r"net\.table was computed once, in __init__",
    "self.table = self.scale.exp()",
    "Compute net.table in forward",
    lambda: _positions(False),
)
def an_attribute_computed_at_the_start():
    _positions(True)


# A buffer that a loop fills and reads


class Rolled(nn.Module):
    """States after states, in one tensor or in a list."""

    def __init__(self):
        super().__init__()
        self.cell = nn.Linear(3, 3)

    def rollout(self, x, steps=3):
        states = torch.zeros(steps + 1, *x.shape)
        states[0] = x
        for t in range(steps):
            states[t + 1] = states[t] + self.cell(states[t])
        return states

    def listed(self, x, steps=3):
        parts = [x]
        for _ in range(steps):
            parts.append(parts[-1] + self.cell(parts[-1]))
        return torch.stack(parts)


def _rolled(how):
    net = Rolled()
    loss = getattr(net, how)(torch.ones(2, 3)).pow(2).mean()
    loss.backward()


@told(
    "modified",
    r"saved a part of states, .*, and states\[t \+ 1\] = \.\.\. wrote",
    "states[t + 1] = ",
    "states = torch.stack(parts)",
    lambda: _rolled("listed"),
)
def a_trajectory_in_one_tensor():
    _rolled("rollout")


def _decoded(cell, x):
    out = x.new_zeros(2, 4, 3)
    for t in range(1, 4):
        h = cell(out[:, t - 1])
        out[:, t] = h.tanh()
    return out


def _decoded_in_a_list(cell, x):
    parts = [x.new_zeros(2, 3)]
    for _ in range(1, 4):
        parts.append(cell(parts[-1]).tanh())
    return torch.stack(parts, 1)


@told(
    "modified",
    "saved a part of out",
    "out[:, t] = h.tanh()",
    "Collect the parts in a list",
    lambda: _decoded_in_a_list(nn.Linear(3, 3), torch.ones(2, 3)).sum().backward(),
)
def outputs_that_are_read_again():
    cell, x = nn.Linear(3, 3), torch.ones(2, 3)
    _decoded(cell, x).sum().backward()


# A tensor made of tensors


@told(
    "one_number",
    r"torch\.tensor\(\.\.\.\) takes numbers, and lists of numbers: states holds tensors",
    "torch.tensor(states)",
    "Use torch.stack(states)",
    lambda: torch.stack((torch.ones(4), torch.zeros(4))),
)
def a_tensor_of_a_tuple_of_tensors():
    states = (torch.ones(4), torch.zeros(4))
    torch.tensor(states)


@told(
    "one_number",
    r"torch\.FloatTensor\(\.\.\.\) takes numbers",
    "torch.FloatTensor(rows)",
    "torch.cat(rows)",
    lambda: torch.cat([torch.ones(4), torch.zeros(3)]),
)
def a_tensor_of_rows_of_several_lengths():
    rows = [torch.ones(4), torch.zeros(3)]
    torch.FloatTensor(rows)


@told(
    "one_number",
    "item.., float.. and the functions of math",
    None,
    "Reduce it first",
    lambda: torch.ones(3).sum().item(),
)
def a_number_of_several_entries():
    float(torch.ones(3))


# A dataset that promises more than it has


class Windows(Dataset):
    def __init__(self, series, width, fewer):
        self.series, self.width, self.fewer = series, width, fewer

    def __len__(self):
        return len(self.series) - (self.width if self.fewer else 0)

    def __getitem__(self, i):
        return self.series[i : i + self.width], self.series[i + self.width]


def _windows(series, fewer):
    if fewer:
        return [y for _, y in DataLoader(Windows(series, 3, True), batch_size=2)]
    return [y for _, y in DataLoader(Windows(series, 3, False), shuffle=False)]


@told(
    "index_range",
    "Windows has no sample 7, and its __len__ says that there are 10",
    "self.series[i + self.width]",
    "return len(self.series) - self.width",
    lambda: _windows(torch.arange(10.0), True),
)
def windows_of_a_tensor():
    _windows(torch.arange(10.0), False)


@told(
    "sample_index",
    "Windows has no sample 7, and its __len__ says that there are 10",
    "self.series[i + self.width]",
    "return len(self.series) - self.width",
    lambda: Windows(list(range(10)), 3, True)[6],
)
def windows_of_a_list():
    next(iter(DataLoader(Windows([*range(10)], 3, False), sampler=[7])))


@told(
    "index_range",
    "Sample 12 of Windows was asked for, and len.. of it is 10",
    "self.series[i + self.width]",
    "Let the sampler give numbers below len(dataset)",
    lambda: _windows(torch.arange(10.0), True),
)
def a_sampler_of_another_dataset():
    next(iter(DataLoader(Windows(torch.arange(10.0), 3, False), sampler=[12])))


# Weights that are nan


def _policy_of(lengths, guarded):
    net = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for length in lengths:
        chosen = Categorical(logits=net(torch.ones(length, 2)), validate_args=True)
        returns = torch.arange(float(length))
        spread = returns.std(correction=0) if guarded else returns.std()
        returns = (returns - returns.mean()) / (spread + 1e-8)
        loss = (chosen.log_prob(chosen.sample()) * returns).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@told(
    "nan_parameter",
    r"net\.weight holds nan already.*std\(\) was asked for the spread of a single number",
    "else returns.std()",
    "correction=0",
    lambda: _policy_of([3, 1, 3], True),
)
def a_spread_of_one_number():
    globals().get("__warningregistry__", {}).clear()
    with warnings.catch_warnings():
        warnings.simplefilter("default")
        _policy_of([3, 1, 3], False)


@told(
    "nan_parameter",
    r"net\.weight holds nan already: it was loaded so, or made so",
    None,
    "reset_parameters()",
    lambda: Categorical(logits=nn.Linear(2, 2)(torch.ones(2))),
)
def weights_that_begin_as_nan():
    globals().get("__warningregistry__", {}).clear()
    net = nn.Linear(2, 2)
    nn.init.constant_(net.weight, float("nan"))
    Categorical(logits=net(torch.ones(2)), validate_args=True)


def _stepped(rate):
    globals().get("__warningregistry__", {}).clear()
    net = nn.Linear(2, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(2):
        scores = net(torch.ones(2))
        Categorical(logits=scores, validate_args=True)
        optimizer.zero_grad()
        (rate * scores.sum()).backward()
        optimizer.step()


@told(
    "nan_parameter",
    r"net\.weight holds nan already: an earlier step",
    None,
    "loss.isfinite()",
    lambda: _stepped(1.0),
)
def weights_that_a_step_made_nan():
    _stepped(float("nan"))


# A checkpointed block that keeps state


class Biased(nn.Module):
    def __init__(self):
        super().__init__()
        self.bias, self.cached, self.table = nn.Parameter(torch.ones(3)), None, {}

    def forward(self, x):
        if self.cached is None:
            self.cached = self.bias.sigmoid()
        return (x * self.cached).exp()

    def tabled(self, x):
        if "bias" not in self.table:
            self.table["bias"] = self.bias.sigmoid()
        return (x * self.table["bias"]).exp()

    def anew(self, x):
        return (x * self.bias.sigmoid()).exp()


def _through(block, run):
    x = torch.ones(2, 3, requires_grad=True)
    loss = checkpoint(run, x, use_reentrant=False).sum()
    loss.backward()
    assert block.bias.grad is not None


@told(
    "checkpoint",
    r"The block sets self\.cached",
    "self.cached = self.bias.sigmoid()",
    "Compute it anew in every run",
    lambda: (lambda block: _through(block, block.anew))(Biased()),
)
def a_cache_in_a_checkpointed_block():
    block = Biased()
    _through(block, block)


@told(
    "checkpoint",
    r"self\.table",
    None,
    "Compute it anew in every run",
    lambda: (lambda block: _through(block, block.anew))(Biased()),
)
def a_cache_in_a_dict_of_a_checkpointed_block():
    block = Biased()
    _through(block, block.tabled)


# No derivative


@told(
    "no_derivative",
    "torch has no formula",
    None,
    'torch.div(x, n, rounding_mode="floor")',
    lambda: torch.div(torch.ones(3, requires_grad=True), 2, rounding_mode="floor").sum().backward(),
)
def a_floor_division():
    (torch.ones(3, requires_grad=True) // 2).sum().backward()


def _twice_through_attention():
    q = torch.ones(1, 1, 4, 8, requires_grad=True)
    out = F.scaled_dot_product_attention(q, q, q)
    (slope,) = torch.autograd.grad(out.pow(2).sum(), q, create_graph=True)
    slope.pow(2).sum().backward()


def _twice_through_plain_attention():
    with sdpa_kernel(SDPBackend.MATH):
        _twice_through_attention()


@told(
    "no_derivative",
    "torch has no formula",
    None,
    "with sdpa_kernel(SDPBackend.MATH):",
    _twice_through_plain_attention,
)
def a_second_derivative_of_attention():
    _twice_through_attention()


@told(
    "no_derivative",
    "torch has no formula",
    None,
    "argument, detach it",
    lambda: (torch.ones(3, requires_grad=True) * 2).sum().backward(),
)
def a_step_function():
    x = torch.ones(3, requires_grad=True)
    torch.heaviside(x, x).sum().backward()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_cause_and_its_line_are_named_and_the_cure_cures(program):
    program.is_explained()
