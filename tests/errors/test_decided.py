"""What one text says of several errors, the tensors of the frames decide; and the cure cures."""

import copy
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, prune
from torch.utils.checkpoint import checkpoint
from torch.utils.data import DataLoader, Dataset, TensorDataset

from course import watch
from grader.errors import explain_error
from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# A step between the forward and the backward pass


class Agent:
    """Two nets with an optimizer each, in attributes of a plain object."""

    def __init__(self):
        self.nets = {"actor": nn.Linear(2, 2), "critic": _mlp(2)}
        self.steps = {key: torch.optim.SGD(net.parameters(), 0.1) for key, net in self.nets.items()}

    def policy(self, x):
        return -self.nets["critic"](self.nets["actor"](x)).mean()

    def value(self, x):
        return self.nets["critic"](x).square().mean()


def _mlp(features):
    return nn.Sequential(nn.Linear(features, 3), nn.Tanh(), nn.Linear(3, 1))


def _train(agent, x, afterwards):
    policy = agent.policy(x)
    agent.value(x).backward()
    nn.utils.clip_grad_norm_(agent.nets["critic"].parameters(), 1.0)
    agent.steps["critic"].step()
    if afterwards:
        policy = agent.policy(x)
    policy.backward()


@told(
    "modified",
    r"agent\.steps\['critic'\]\.step\(\) changed agent\.nets\['critic'\]\.2\.weight",
    'agent.steps["critic"].step()',
    "Compute policy after agent.steps['critic'].step()",
    lambda: _train(Agent(), torch.ones(4, 2), True),
)
def optimizers_in_a_dict_of_an_object():
    _train(Agent(), torch.ones(4, 2), False)


@pytest.mark.parametrize("together", [False, True])
def test_a_second_backward_before_the_step_is_added_to_the_gradients_of_the_first(together):
    torch.manual_seed(0)
    agent, x = Agent(), torch.ones(4, 2)
    wanted, critic = copy.deepcopy(agent), agent.nets["critic"]
    wanted.value(x).backward()
    wanted.steps["critic"].step()
    policy = agent.policy(x)
    agent.value(x).backward()
    if together:
        policy.backward()
    agent.steps["critic"].step()
    agent.policy(x).backward()
    pairs = zip(critic.parameters(), wanted.nets["critic"].parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in pairs) == (not together)


@pytest.mark.parametrize("added", [False, True])
def test_two_losses_that_are_added_both_train_what_they_share(added):
    torch.manual_seed(0)
    maker, judge = nn.Linear(2, 2), _mlp(2)
    made = maker(torch.ones(4, 2))
    (wanted,) = torch.autograd.grad(judge(made).mean(), maker.weight, retain_graph=True)
    of_judge, of_maker = (-judge(made if added else made.detach())).exp().mean(), judge(made).mean()
    (of_judge + of_maker).backward()
    assert maker.weight.grad.allclose(wanted) == (not added)


def _critic_alone(critic, steps, policy, value):
    value.backward()
    steps.step()
    policy.backward()


@told(
    "modified",
    r"steps\.step\(\) changed critic\.2\.weight",
    "steps.step()",
    "would add its gradients to those that steps uses",
    lambda: _train(Agent(), torch.ones(4, 2), True),
)
def a_loss_that_trains_what_no_frame_holds():
    agent, x = Agent(), torch.ones(4, 2)
    handed = agent.nets["critic"], agent.steps["critic"], agent.policy(x), agent.value(x)
    del agent
    _critic_alone(*handed)


def _two_tasks(added):
    held = SimpleNamespace(net=_mlp(3))
    held.steps = torch.optim.SGD(held.net.parameters(), 0.1)
    out = held.net(torch.ones(4, 3))
    losses = [out.mean(), out.square().mean()]
    for loss in [sum(losses)] if added else losses:
        held.steps.zero_grad()
        loss.backward(retain_graph=True)
        held.steps.step()


@told(
    "modified",
    r"held\.steps\.step\(\) changed held\.net\.2\.weight",
    "held.steps.step()",
    "add them: (a + b).backward(), then one step(), with no zero_grad() between",
    lambda: _two_tasks(True),
)
def one_optimizer_in_a_namespace():
    _two_tasks(False)


def _in_place(inplace):
    net = nn.Sequential(nn.Linear(3, 4), nn.Sigmoid(), nn.ReLU(inplace=inplace))
    loss = net(torch.ones(2, 3)).sum()
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    loss.backward()


@told("modified", r"work in place: net\.2", None, "inplace=False", lambda: _in_place(False))
def a_layer_that_works_in_place():
    _in_place(True)


# A second backward: the order of the cures


def _advantage(detached):
    policy, critic, x = nn.Linear(3, 1), _mlp(3), torch.ones(4, 3)
    advantage = 1 - critic(x)
    if detached:
        advantage = advantage.detach()
    for _ in range(2):
        loss = (policy(x) * advantage).mean() + (critic(x) - 1).square().mean()
        loss.backward()


@told(
    "second_backward",
    "advantage was computed once, before the loop",
    "advantage = 1 - critic(x)",
    "Detach it, advantage = advantage.detach()",
    lambda: _advantage(True),
)
def an_advantage_of_a_critic_that_is_trained_beside():
    critic, policy, x = _mlp(3), nn.Linear(3, 1), torch.ones(4, 3)
    advantage = 1 - critic(x)
    for _ in range(2):
        loss = (policy(x) * advantage).mean() + (critic(x) - 1).square().mean()
        loss.backward()


def _adversaries(detached):
    maker, judge = nn.Linear(2, 3), _mlp(3)
    of_maker = torch.optim.SGD(maker.parameters(), 0.1)
    of_judge = torch.optim.SGD(judge.parameters(), 0.1)
    made = maker(torch.ones(4, 2)).tanh()
    judge(made.detach() if detached else made).mean().backward()
    of_judge.step()
    won = -judge(made).mean()
    won.backward()
    of_maker.step()


@told(
    "second_backward",
    "go through the graph of made",
    "won.backward()",
    "Give the loss that is not to train what made was computed from made.detach()",
    lambda: _adversaries(True),
)
def two_losses_of_two_optimizers():
    _adversaries(False)


# A second backward: which of several carried values, and what a module computes once


def _chunks(step):
    """Three steps over an LSTM; `step` gives the state that the next one begins with."""
    net, h, c = nn.LSTM(2, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    for _ in range(3):
        y, (h, c) = net(torch.ones(5, 4, 2), (h, c))
        y.sum().backward()
        h, c = step(h, c)


@told(
    "second_backward",
    "^c comes from an earlier step",
    "y, (h, c) = net(",
    "at the end of each step: c = c.detach()",
    lambda: _chunks(lambda h, c: (h.detach(), c.detach())),
)
def a_cell_state_beside_a_hidden_state_that_is_detached():
    net, h, c = nn.LSTM(2, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    for _ in range(3):
        h = h.detach()
        y, (h, c) = net(torch.ones(5, 4, 2), (h, c))
        y.sum().backward()


@told(
    "second_backward",
    "^h comes from an earlier step",
    "y, (h, c) = net(",
    "h = h.detach()",
    lambda: _chunks(lambda h, c: (h.detach(), c.detach())),
)
def a_hidden_state_beside_a_cell_state_that_is_detached_where_it_goes_in():
    net, h, c = nn.LSTM(2, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    for _ in range(3):
        y, (h, c) = net(torch.ones(5, 4, 2), (h, c.detach()))
        y.sum().backward()


@told(
    "second_backward",
    "^h and c come from an earlier step",
    "y, (h, c) = net(",
    "h, c = h.detach(), c.detach()",
    lambda: _chunks(lambda h, c: (h.detach(), c.detach())),
)
def two_states_of_which_none_is_detached():
    net, h, c = nn.LSTM(2, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    for _ in range(3):
        y, (h, c) = net(torch.ones(5, 4, 2), (h, c))
        y.sum().backward()


@told(
    "modified",
    r"^h and c come from an earlier step.*opt\.step\(\) has changed",
    "y, (h, c) = net(",
    "Detach them at the end of each step: h, c = h.detach(), c.detach()",
    lambda: _chunks(lambda h, c: (h.detach(), c.detach())),
)
def two_states_with_a_retained_graph():
    net, h, c = nn.LSTM(2, 3), torch.zeros(1, 4, 3), torch.zeros(1, 4, 3)
    opt = torch.optim.SGD(net.parameters(), 0.1)
    for _ in range(3):
        y, (h, c) = net(torch.ones(5, 4, 2), (h, c))
        y.sum().backward(retain_graph=True)
        opt.step()


def _repackaged(state):
    return tuple(part.detach() for part in state)


def _averaged(after):
    net, state, mean = nn.LSTM(2, 3), (torch.zeros(1, 4, 3),) * 2, torch.zeros(())
    for _ in range(3):
        y, state = net(torch.ones(5, 4, 2), _repackaged(state))
        mean = torch.lerp(mean, y.mean(), 0.1)
        (y.sum() + mean).backward()
        mean = after(mean)


@told(
    "second_backward",
    "^mean comes from an earlier step",
    "mean = torch.lerp(",
    "mean = mean.detach()",
    lambda: _averaged(torch.Tensor.detach),
)
def a_mean_beside_a_state_that_a_function_detaches():
    net, state, mean = nn.LSTM(2, 3), (torch.zeros(1, 4, 3),) * 2, torch.zeros(())
    for _ in range(3):
        if state is not None:
            state = _repackaged(state)
        y, state = net(torch.ones(5, 4, 2), state)
        mean = torch.lerp(mean, y.mean(), 0.1)
        (y.sum() + mean).backward()


def _two_lines():
    cell, h, mean = nn.RNNCell(2, 3), torch.zeros(4, 3), torch.zeros(())
    for _ in range(3):
        h = cell(torch.ones(4, 2), h)
        mean = torch.lerp(mean, h.mean(), 0.1)
        loss = h.sum() + mean
        loss.backward()


def _two_lines_cut(names):
    cell, h, mean = nn.RNNCell(2, 3), torch.zeros(4, 3), torch.zeros(())
    for _ in range(3):
        h = cell(torch.ones(4, 2), h)
        mean = torch.lerp(mean, h.mean(), 0.1)
        loss = h.sum() + mean
        loss.backward()
        h = h.detach() if "h" in names else h
        mean = mean.detach() if "mean" in names else mean


def test_of_two_carried_values_of_two_lines_both_are_detached():
    with pytest.raises(RuntimeError) as raised:
        _two_lines()
    found = explain_error(raised.value)
    assert found.meaning.startswith("h and mean come from"), found
    assert "h, mean = h.detach(), mean.detach()" in found.cure, found
    _two_lines_cut(("h", "mean"))


@pytest.mark.parametrize("name", ["h", "mean"])
def test_one_of_them_alone_does_not_end_the_error(name):
    with pytest.raises(RuntimeError, match="a second time"):
        _two_lines_cut((name,))


class Keeping(nn.Module):
    """Keeps two states from call to call; those that are named are detached first."""

    def __init__(self, both):
        super().__init__()
        self.both, self.cell = both, nn.LSTMCell(2, 3)
        self.h = self.c = None

    def forward(self, x):
        if self.h is None:
            self.h, self.c = torch.zeros(4, 3), torch.zeros(4, 3)
        self.h = self.h.detach()
        self.h, self.c = self.cell(x, (self.h, self.c))
        if self.both:
            y, self.c = self.h, self.c.detach()
            return y
        return self.h


def _kept(both):
    net = Keeping(both)
    for _ in range(3):
        loss = net(torch.ones(4, 2)).sum()
        loss.backward()


@told(
    "second_backward",
    "^net.c comes from an earlier step",
    None,
    "net.c = net.c.detach()",
    lambda: _kept(True),
)
def a_cell_state_of_a_module_that_detaches_the_other():
    _kept(False)


class LearnedGraph(nn.Module):
    """Layers over a graph whose edges are computed from parameters; once, or in every forward."""

    def __init__(self, once):
        super().__init__()
        self.left, self.right = (nn.Parameter(torch.randn(5, 2)) for _ in range(2))
        self.once, self._edges = once, None

    def edges(self):
        if self._edges is None:
            self._edges = (self.left @ self.right.T).softmax(1)
        return self._edges

    def forward(self, x):
        return (self.edges() if self.once else (self.left @ self.right.T).softmax(1)) @ x


def _over_edges(once):
    net = LearnedGraph(once)
    for _ in range(3):
        net.zero_grad()
        loss = net(torch.randn(5, 3)).square().sum()
        loss.backward()
        assert net.left.grad is not None


@told(
    "second_backward",
    r"^net\._edges was computed once and kept for later steps",
    "self._edges = (self.left @ self.right.T)",
    "Compute net._edges anew in every forward, so that every step has a graph of its own. Detach "
    "it only if nothing that it was computed from is to be trained: with detach() net.left and "
    "net.right would get no gradient",
    lambda: _over_edges(False),
)
def a_value_of_parameters_that_a_module_caches():
    _over_edges(True)


def test_detaching_a_value_of_parameters_that_is_cached_ends_their_training():
    net = LearnedGraph(True)
    net(torch.randn(5, 3)).square().sum().backward()
    net._edges = net._edges.detach()
    assert not net(torch.randn(5, 3)).requires_grad


def _cached_in_a_loop(once):
    w, edges = torch.randn(3, 3, requires_grad=True), None
    for _ in range(3):
        if edges is None or not once:
            edges = w.softmax(1)
        edges.square().sum().backward()


@told(
    "second_backward",
    "^edges was computed once and kept",
    "edges = w.softmax(1)",
    "Compute edges anew in every forward",
    lambda: _cached_in_a_loop(False),
)
def a_value_of_parameters_that_a_loop_caches():
    w, edges = torch.randn(3, 3, requires_grad=True), None
    for _ in range(3):
        if edges is None:
            edges = w.softmax(1)
        edges.square().sum().backward()


# A hook in a forward that is run without recording


class Mapped(nn.Module):
    """Keeps the gradient of its features, or asks for it to be retained."""

    def __init__(self, asks, retains):
        super().__init__()
        self.body, self.asks, self.retains, self.gradient = nn.Linear(3, 2), asks, retains, None

    def forward(self, x):
        f = self.body(x).relu()
        if f.requires_grad or not self.asks:
            if self.retains:
                f.retain_grad()
            else:
                f.register_hook(self.keep)
        return f.sum()

    def keep(self, gradient):
        self.gradient = gradient


@torch.no_grad()
def _measured(net):
    return net(torch.ones(4, 3)).item()


def _mapped(asks, retains=False):
    net = Mapped(asks, retains)
    net(torch.ones(4, 3)).backward()
    assert retains or net.gradient is not None
    if retains:
        with torch.inference_mode():
            return net(torch.ones(4, 3))
    return _measured(net)


@told(
    "hook_without_grad",
    r"^f does not require grad here: this forward ran without recording \(test_decided.py, line",
    "f.register_hook(self.keep)",
    "if f.requires_grad: f.register_hook(self.keep)",
    lambda: _mapped(True),
)
def a_hook_in_a_forward_without_recording():
    _mapped(False)


@told(
    "retain_without_grad",
    "^f does not require grad here: this forward ran without recording",
    "f.retain_grad()",
    "if f.requires_grad: f.retain_grad()",
    lambda: _mapped(True, True),
)
def a_gradient_retained_in_inference_mode():
    _mapped(False, True)


def _data_in_a_block():
    with torch.no_grad():
        x = torch.ones(2)
        x.register_hook(print)


def _frozen_before_a_block():
    y = nn.Linear(3, 2).requires_grad_(False)(torch.ones(4, 3))
    with torch.no_grad():
        y.register_hook(print)


def _recorded_inside_a_block():
    def asked(x):
        with torch.enable_grad():
            y = x * 2
            y.register_hook(print)

    with torch.no_grad():
        asked(torch.ones(2))


def _of_a_frozen_module():
    layer = nn.Linear(3, 2).requires_grad_(False)

    def look(module, inputs, output):
        output.register_hook(print)

    layer.register_forward_hook(look)
    with torch.no_grad():
        layer(torch.ones(4, 3))


@pytest.mark.parametrize(
    "program",
    [
        lambda: torch.ones(2).register_hook(print),
        _data_in_a_block,
        _frozen_before_a_block,
        _recorded_inside_a_block,
        _of_a_frozen_module,
    ],
    ids=["input", "data", "frozen", "recorded", "frozen module"],
)
def test_a_hook_on_what_would_require_no_grad_anyway_is_told_by_its_text(program):
    with pytest.raises(RuntimeError) as raised:
        program()
    assert "requires_grad_()" in explain_error(raised.value).cure


def _looking(asks):
    def look(module, inputs, output):
        if output.requires_grad or not asks:
            output.register_hook(print)

    return look


def _looked_at(asks):
    layer = nn.Linear(3, 2)
    layer.register_forward_hook(_looking(asks))
    with torch.no_grad():
        layer(torch.ones(4, 3))


@told(
    "hook_without_grad",
    "^output does not require grad here: this forward ran without recording",
    "output.register_hook(print)",
    "if output.requires_grad",
    lambda: _looked_at(True),
)
def a_hook_on_what_a_forward_hook_is_given():
    _looked_at(False)


# A hook of a result that the pass does not use


def _louder(lets_none_through):
    def louder(grad):
        if grad is None and lets_none_through:
            return None
        return grad * 10

    first, second = (torch.ones(2, requires_grad=True) * 1).unbind()
    first.register_hook(louder)
    second.backward()


@told(
    "none_in_formula",
    "^grad is None: no gradient came to the tensor of this hook",
    "return grad * 10",
    "where grad is None, return None",
    lambda: _louder(True),
)
def a_hook_of_a_result_that_is_not_used():
    _louder(False)


def _doubled(grad):
    return grad * 2


def test_a_gradient_that_is_none_and_handed_on_is_not_taken_for_that_of_a_hook():
    x, w = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    with pytest.raises(TypeError) as raised:
        _doubled(torch.autograd.grad(x.sum(), [w], allow_unused=True)[0])
    assert "allow_unused" in explain_error(raised.value).meaning


# Nothing was recorded


def _checkpointed(reentrant):
    table, head = nn.Embedding(5, 3).requires_grad_(False), nn.Linear(3, 1)
    h = table(torch.tensor([1, 2]))
    out = checkpoint(head, h, use_reentrant=reentrant)
    loss = out.sum()
    loss.backward()


@told(
    "no_graph",
    "records nothing where none of the tensors that it is given requires grad",
    "checkpoint(head, h",
    "Pass use_reentrant=False to this checkpoint",
    lambda: _checkpointed(False),
)
def a_checkpoint_behind_a_frozen_embedding():
    table, head = nn.Embedding(5, 3).requires_grad_(False), nn.Linear(3, 1)
    h = table(torch.tensor([1, 2]))
    out = checkpoint(head, h, use_reentrant=True)
    loss = out.sum()
    loss.backward()


def _penalty(renamed):
    net, mixed = _mlp(3), torch.ones(4, 3, requires_grad=True)
    scores = net(mixed)
    if renamed:
        return torch.autograd.grad(scores.sum(), mixed)
    mixed = mixed.view(4, -1)
    return torch.autograd.grad(scores.sum(), mixed)


@told(
    "unused",
    "made a new tensor of mixed and gave it the same name",
    "mixed = mixed.view(4, -1)",
    "Give the new tensor another name",
    lambda: _penalty(True),
)
def a_penalty_of_a_view_made_afterwards():
    net, mixed = _mlp(3), (torch.ones(4, 3) * 2).requires_grad_()
    scores = net(mixed)
    mixed = mixed.view(4, -1)
    return torch.autograd.grad(scores.sum(), mixed)


def _parts(out, y):
    parts = [F.mse_loss(one, y) for one in out]
    return sum(one.item() for one in parts), parts


@told(
    "number_used",
    "total is a Python number",
    "one.item() for one in parts",
    "Leave item() and float() out",
    lambda: sum(
        F.mse_loss(one, torch.ones(2)) for one in [torch.ones(2).requires_grad_()]
    ).backward(),
)
def a_total_of_numbers():
    total, _ = _parts([torch.zeros(2)], torch.ones(2))
    total.backward()


# Targets


def _of_classes(target, scores=(4, 5, 3, 3)):
    score = torch.randn(*scores)
    return F.cross_entropy(score, target)


def _classes(*shape):
    return torch.zeros(*shape, dtype=torch.int64)


for _name, _target, _scores, _meaning, _cure, _cured in (
    (
        "a_picture",
        _classes(4, 3, 3, 3),
        (4, 5, 3, 3),
        "a picture's colours",
        "target[..., 0]",
        lambda t: t[..., 0],
    ),
    (
        "a_picture_first",
        _classes(4, 3, 2, 2),
        (4, 5, 2, 2),
        "a picture's colours",
        "target[:, 0]",
        lambda t: t[:, 0],
    ),
    (
        "a_channel",
        _classes(4, 1, 3, 3),
        (4, 5, 3, 3),
        "no channel",
        "target.squeeze(1)",
        lambda t: t.squeeze(1),
    ),
    (
        "a_channel_last",
        _classes(4, 3, 3, 1),
        (4, 5, 3, 3),
        "no channel",
        "target.squeeze(3)",
        lambda t: t.squeeze(3),
    ),
    ("a_column", _classes(4, 1), (4, 5), "no channel", "target.squeeze(1)", lambda t: t.squeeze(1)),
    (
        "one_hot_pixels",
        F.one_hot(_classes(4, 2, 2), 5),
        (4, 5, 2, 2),
        "one-hot",
        "target.argmax(3)",
        lambda t: t.argmax(3),
    ),
):

    def _raising(target=_target, scores=_scores):
        _of_classes(target, scores)

    _raising.__name__ = _name
    told(
        "target_shape",
        _meaning,
        None,
        _cure,
        lambda t=_target, s=_scores, f=_cured: _of_classes(f(t), s),
    )(_raising)


@told(
    "target_shape",
    "one-hot",
    None,
    "y.argmax(1)",
    lambda: F.nll_loss(torch.zeros(4, 5), F.one_hot(torch.arange(4), 5).argmax(1)),
)
def one_hot_rows_in_nll_loss():
    y = F.one_hot(torch.arange(4), 5)
    F.nll_loss(torch.zeros(4, 5), y)


@told(
    "target_probabilities",
    "one-hot",
    None,
    "y.argmax(1)",
    lambda: F.cross_entropy(torch.zeros(4, 5), F.one_hot(torch.arange(4), 5).argmax(1)),
)
def one_hot_rows_in_cross_entropy():
    y = F.one_hot(torch.arange(4), 5)
    F.cross_entropy(torch.zeros(4, 5), y)


@told(
    "pixel_shape",
    "The 5 classes stand last in out",
    None,
    "out.transpose(1, 2)",
    lambda: F.cross_entropy(torch.zeros(4, 7, 5).transpose(1, 2), _classes(4, 7)),
)
def scores_with_the_classes_last():
    out, y = torch.zeros(4, 7, 5), _classes(4, 7)
    nn.CrossEntropyLoss()(out, y)


@told(
    "target_shape",
    "another size than the target's",
    None,
    "F.interpolate(out, size=mask.shape[1:]",
    lambda: F.cross_entropy(
        F.interpolate(torch.zeros(2, 5, 4, 4), size=(8, 8), mode="bilinear"), _classes(2, 8, 8)
    ),
)
def a_mask_twice_as_large():
    out, mask = torch.zeros(2, 5, 4, 4), _classes(2, 8, 8)
    F.cross_entropy(out, mask)


@told(
    "target_shape",
    "in one dimension",
    None,
    "y.reshape(-1)",
    lambda: F.cross_entropy(torch.zeros(12, 5), _classes(4, 3).reshape(-1)),
)
def a_target_that_was_not_flattened():
    out, y = torch.zeros(12, 5), _classes(4, 3)
    F.cross_entropy(out, y)


@told(
    "target_shape",
    "There are 4 rows for each sample",
    None,
    "x.flatten(1)",
    lambda: F.cross_entropy(torch.zeros(3, 5), _classes(3)),
)
def a_view_that_cut_samples():
    out, y = torch.zeros(12, 5), _classes(3)
    F.cross_entropy(out, y)


@told(
    "target_shape",
    "out has a last dimension of 1 more",
    None,
    "out.squeeze(-1)",
    lambda: F.binary_cross_entropy_with_logits(torch.zeros(4, 1).squeeze(-1), torch.ones(4)),
)
def a_column_of_logits():
    out, y = torch.zeros(4, 1), torch.ones(4)
    F.binary_cross_entropy_with_logits(out, y)


@told(
    "target_shape",
    "one class number for each row",
    None,
    "F.cross_entropy(out, y)",
    lambda: F.cross_entropy(torch.zeros(4, 3), _classes(4)),
)
def class_numbers_for_probabilities():
    out, y = torch.zeros(4, 3), _classes(4)
    F.binary_cross_entropy_with_logits(out, y)


# Arrays


def _objects(*rows):
    array = np.empty(len(rows), dtype=object)
    array[:] = rows
    return array


@told(
    "numpy_kinds",
    "its rows have different lengths: \\(2,\\) and \\(3,\\)",
    "walks = _objects",
    "pad_sequence([torch.as_tensor(row, dtype=torch.float32) for row in walks], batch_first=True)",
    lambda: nn.utils.rnn.pad_sequence(
        [torch.as_tensor(row, dtype=torch.float32) for row in _objects(np.ones(2), np.ones(3))],
        batch_first=True,
    ),
)
def rows_of_different_lengths():
    walks = _objects(np.ones(2), np.ones(3))
    return torch.from_numpy(walks)


@told(
    "numpy_kinds",
    "holds texts, such as 'red'",
    None,
    "np.unique(column, return_inverse=True)[1]",
    lambda: torch.from_numpy(np.unique(_objects("red", "blue"), return_inverse=True)[1]),
)
def a_column_of_texts():
    table = np.array([["red", 1.0], ["blue", 2.0]], dtype=object)
    return torch.from_numpy(table[:, :1])


@told(
    "numpy_kinds",
    "holds numbers",
    None,
    "table.astype(np.float32)",
    lambda: torch.from_numpy(_objects(1, 2.5).astype(np.float32)),
)
def a_table_of_several_kinds():
    table = _objects(1, 2.5)
    return torch.from_numpy(table)


def _mirrored(image):
    return image[:, ::-1]  # turned


@told(
    "numpy_turned",
    "seen runs backward",
    "# turned",
    "torch.from_numpy(seen.copy())",
    lambda: torch.from_numpy(_mirrored(np.ones((2, 3))).copy()),
)
def an_image_that_a_function_mirrored():
    seen = _mirrored(np.ones((2, 3)))
    return torch.from_numpy(seen)


# Modules


class Meta(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(2, 1)

    def forward(self, x):
        return self.layer(x)


def _adapted():
    net, x = Meta(), torch.ones(3, 2)
    weights = dict(net.named_parameters())
    loss = torch.func.functional_call(net, weights, (x,)).sum()
    grads = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
    weights = {name: p - 0.1 * g for (name, p), g in zip(weights.items(), grads, strict=True)}
    torch.func.functional_call(net, weights, (x,)).square().sum().backward()
    assert net.layer.weight.grad is not None


@told(
    "parameter_assigned",
    r"net\.layer\.weight is a parameter.*a result with a graph",
    None,
    'torch.func.functional_call(model, {"layer.weight": t}, (x,))',
    _adapted,
)
def an_inner_step_that_assigns():
    net = Meta()
    net.layer.weight = net.layer.weight - 0.1


def _written():
    layer = nn.Linear(2, 1)
    with torch.no_grad():
        layer.weight.copy_(torch.ones(1, 2))


@told("parameter_assigned", "no graph: it is values", None, "layer.weight.copy_(ones)", _written)
def values_that_are_assigned():
    layer, ones = nn.Linear(2, 1), torch.ones(1, 2)
    layer.weight = ones


def _copied(norm):
    net = nn.Sequential(norm(nn.Linear(2, 3)))
    net(torch.ones(4, 2))
    copy.deepcopy(net)


@told(
    "deepcopy",
    r"torch\.nn\.utils\.weight_norm computes net\.0\.weight",
    None,
    "torch.nn.utils.parametrizations",
    lambda: _copied(parametrizations.weight_norm),
)
def an_old_weight_norm():
    _copied(nn.utils.weight_norm)


@told(
    "deepcopy",
    r"torch\.nn\.utils\.spectral_norm computes net\.0\.weight",
    None,
    "torch.nn.utils.parametrizations",
    lambda: _copied(parametrizations.spectral_norm),
)
def an_old_spectral_norm():
    _copied(nn.utils.spectral_norm)


def _pruned(bare):
    net = nn.Linear(2, 3)
    prune.random_unstructured(net, "weight", 0.5)
    net(torch.ones(4, 2))
    if bare:
        with torch.no_grad():
            net(torch.ones(4, 2))
    copy.deepcopy(net)


@told(
    "deepcopy",
    r"torch\.nn\.utils\.prune computes net\.weight",
    None,
    "Run one forward inside of `with torch.no_grad():`",
    lambda: _pruned(True),
)
def a_pruned_layer():
    _pruned(False)


class Embedded(Dataset):
    """Samples that a layer of the dataset computes, or the numbers that it is given."""

    def __init__(self, computed):
        self.table, self.computed = nn.Embedding(4, 2), computed

    def __len__(self):
        return 4

    def __getitem__(self, index):
        number = torch.tensor(index)
        return self.table(number) if self.computed else number


def _embedded(computed):
    samples = Embedded(computed)
    steps = torch.optim.SGD(samples.table.parameters(), 0.1)
    for batch in DataLoader(samples, batch_size=2, num_workers=1):
        z = batch if computed else samples.table(batch)
        z.sum().backward()
        steps.step()


@told(
    "worker_out",
    r"computed by samples\.table",
    None,
    "call samples.table on the batch in the loop",
    lambda: _embedded(False),
)
def a_layer_in_a_dataset():
    _embedded(True)


@told(
    "attention_mask",
    "hide has the shape .*one mask for each sample",
    None,
    "hide.repeat_interleave(2, 0)",
    lambda: nn.MultiheadAttention(4, 2, batch_first=True)(
        *[torch.ones(3, 5, 4)] * 3,
        attn_mask=torch.zeros(3, 5, 5, dtype=torch.bool).repeat_interleave(2, 0),
    ),
)
def a_mask_for_each_sample():
    x, hide = torch.ones(3, 5, 4), torch.zeros(3, 5, 5, dtype=torch.bool)
    nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x, attn_mask=hide)


@told(
    "attention_mask",
    "that is a padding mask",
    None,
    "key_padding_mask=hide",
    lambda: nn.MultiheadAttention(4, 2, batch_first=True)(
        *[torch.ones(3, 5, 4)] * 3, key_padding_mask=torch.zeros(3, 5, dtype=torch.bool)
    ),
)
def a_padding_mask_for_a_mask():
    x, hide = torch.ones(3, 5, 4), torch.zeros(3, 5, dtype=torch.bool)
    nn.MultiheadAttention(4, 2, batch_first=True)(x, x, x, attn_mask=hide)


# Dtypes, scalers, schedules


def _routed(converted):
    layer, x = nn.Linear(2, 2), torch.ones(3, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = torch.zeros_like(x)
        if converted:
            out[:2] = layer(x)[:2].to(out.dtype)
        out[torch.tensor([0, 1])] = layer(x)[:2].to(out.dtype) if converted else layer(x)[:2]


@told(
    "dtype",
    "Under autocast layers and products give bfloat16, and out is float32",
    "out = torch.zeros_like(x)",
    ".to(out.dtype)",
    lambda: _routed(True),
)
def a_buffer_under_autocast():
    _routed(False)


@told(
    "scalar_types",
    "Under autocast",
    "agg = torch.zeros(3, 2)",
    "rows.to(agg.dtype)",
    lambda: torch.zeros(3, 2).index_add_(0, torch.tensor([0]), torch.ones(1, 2)),
)
def a_sum_of_messages_under_autocast():
    layer = nn.Linear(2, 2)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        rows = layer(torch.ones(1, 2))
        agg = torch.zeros(3, 2)
        agg.index_add_(0, torch.tensor([0]), rows)


@told(
    "dtype",
    "x is float32, and the parameters of net are bfloat16",
    "x = torch.ones(1, 2)",
    "x.to(net.weight.dtype)",
    lambda: nn.Linear(2, 1).bfloat16()(torch.ones(1, 2).to(torch.bfloat16)),
)
def a_model_in_short_numbers():
    net = nn.Linear(2, 1).bfloat16()
    x = torch.ones(1, 2)
    net(x)


def _alternating(beside):
    maker, judge = nn.Linear(2, 2), nn.Linear(2, 1)
    of_maker = torch.optim.SGD(maker.parameters(), 0.1)
    of_judge = torch.optim.SGD(judge.parameters(), 0.1)
    scaler = torch.amp.GradScaler("cpu")
    for turn in range(2):
        scaler.scale(judge(torch.ones(3, 2)).sum()).backward()
        scaler.step(of_judge)
        if turn % 2:
            scaler.scale(maker(torch.ones(3, 2)).sum()).backward()
        if turn % 2 or not beside:
            scaler.step(of_maker)
        scaler.update()


@told(
    "scaler_unchecked",
    "Every .grad of what of_maker holds is None",
    None,
    "put scaler.step(of_maker) into the same if",
    lambda: _alternating(True),
)
def a_step_without_a_backward_of_its_own():
    _alternating(False)


def _accumulated(together):
    net, scaler = nn.Linear(2, 1), torch.amp.GradScaler("cpu")
    steps = torch.optim.SGD(net.parameters(), 0.1)
    for turn in range(4):
        scaler.scale(net(torch.ones(3, 2)).sum()).backward()
        if not together:
            scaler.unscale_(steps)
        if turn % 2:
            if together:
                scaler.unscale_(steps)
            scaler.step(steps)
            scaler.update()


@told(
    "scaler_twice",
    "in every pass of the loop",
    "if turn % 2:",
    "into that if",
    lambda: _accumulated(True),
)
def gradients_unscaled_in_every_pass():
    _accumulated(False)


def _scheduled(steps, epochs=2, each_batch=True):
    net, batches = nn.Linear(1, 1), DataLoader(TensorDataset(torch.ones(9, 1)), batch_size=2)
    optimizer = torch.optim.SGD(net.parameters(), 0.1)
    plan = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, total_steps=steps)
    for _ in range(epochs):
        for _ in batches if each_batch else ():
            optimizer.step()
            plan.step()
        if not each_batch:
            optimizer.step()
            plan.step()


for _name, _steps, _meaning in (
    ("a_schedule_of_whole_batches", 8, "no whole number of epochs: batches has 5 batches"),
    ("a_schedule_of_epochs", 2, "it was told the epochs, and is stepped for every batch"),
):

    def _ending(steps=_steps):
        _scheduled(steps)

    _ending.__name__ = _name
    told(
        "schedule_end",
        _meaning,
        "OneCycleLR(optimizer",
        "total_steps=epochs * len(batches)",
        lambda: _scheduled(10),
    )(_ending)


def test_a_loader_that_the_step_is_not_called_for_says_nothing_of_a_schedule():
    with pytest.raises(ValueError, match="Tried to step") as raised:
        _scheduled(2, epochs=5, each_batch=False)
    assert "batches" not in explain_error(raised.value).meaning


@told(
    "schedule_end",
    "2 epochs of 5 batches, and these are over",
    "OneCycleLR(optimizer",
    "make it for all of them at the start",
    lambda: _scheduled(15, epochs=3),
)
def a_schedule_that_is_over():
    _scheduled(10, epochs=3)


class Product(torch.autograd.Function):
    """x @ w.T, with the gradient of w as it is or transposed."""

    @staticmethod
    def forward(ctx, x, w, right):
        ctx.save_for_backward(x, w)
        ctx.right = right
        return x @ w.T

    @staticmethod
    def backward(ctx, gradient):
        x, w = ctx.saved_tensors
        slope = gradient.T @ x if ctx.right else x.T @ gradient
        return gradient @ w, slope, None


def _product(right):
    x, w = torch.ones(4, 3, requires_grad=True), torch.ones(2, 3, requires_grad=True)
    Product.apply(x, w, right).sum().backward()


@told(
    "function_shape",
    r"returns slope as the gradient of forward's argument 1.*\[3, 2\].*\[2, 3\]",
    "return gradient @ w, slope, None",
    "transpose",
    lambda: _product(True),
)
def a_gradient_that_is_not_transposed():
    _product(False)


class Scaled(torch.autograd.Function):
    """A number before the tensor: torch counts tensors alone."""

    @staticmethod
    def forward(ctx, factor, x):
        return factor * x

    @staticmethod
    def backward(ctx, gradient):
        return None, gradient.sum(0)


def test_a_gradient_whose_place_is_not_sure_is_not_named():
    with pytest.raises(RuntimeError) as raised:
        Scaled.apply(2, torch.ones(4, 3, requires_grad=True)).sum().backward()
    found = explain_error(raised.value)
    assert (found.code, found.place) == ("function_shape", "")


def test_a_watched_call_is_explained_by_the_same_frames():
    rows, into = torch.ones(1, 2, dtype=torch.bfloat16), torch.zeros(3, 2)
    with pytest.raises(RuntimeError) as raised, watch():
        into.index_add_(0, torch.tensor([0]), rows)
    assert "rows.to(into.dtype)" in explain_error(raised.value).cure


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("program", PROGRAMS)
def test_the_tensors_of_the_frames_decide_and_the_cure_cures(program):
    program.is_explained()
