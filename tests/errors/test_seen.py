"""Where an error's text does not decide, the variables of its traceback do."""

import copy
import re

import pytest
import torch
from torch import nn

from grader.errors import explain_error

CASES = []


def told(code, meaning, place=None, cure=None):
    """Register a program that raises: what its explanation says, and the line it names."""

    def register(function):
        CASES.append(
            pytest.param(function, code, meaning, place, cure, id=function.__name__.strip("_"))
        )
        return function

    return register


@told(
    "product_sizes",
    r"net\[4\] is given an input of the shape \(5, 108\).* gets 108, and it was made for 150",
    None,
    "(108, 2)",
)
def a_layer_behind_a_flatten():
    net = nn.Sequential(
        nn.Conv2d(1, 3, 3), nn.ReLU(), nn.Identity(), nn.Flatten(), nn.Linear(150, 2)
    )
    net(torch.ones(5, 1, 8, 8))


@told("index_range", "words holds the number 5, and net.0 has 5 rows, 0 to 4.", None, "(6, 3)")
def a_vocabulary_with_padding():
    net = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 1))
    words = torch.tensor([[1, 2, 5]])
    net(words)


@told("index_range", "words holds the number -1, and table has 5 rows", None, "where words gets")
def a_number_below_zero():
    table = nn.Embedding(5, 3)
    words = torch.tensor([-1, 2])
    table(words)


@told("collate_kind", "Your dataset returned None for a sample", None, "pass a collate_fn")
def a_sample_that_is_none_beside_pairs():
    samples = [(torch.ones(2), 0), None]
    list(torch.utils.data.DataLoader(samples, batch_size=2))


@told("dtype", "optimizer keeps running averages", None, "make the optimizer after that")
def a_model_that_was_cast_after_its_optimizer_was_made():
    net = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters())
    for dtype in (torch.float32, torch.float64):
        net.to(dtype)
        optimizer.zero_grad()
        net(torch.ones(1, 2, dtype=dtype)).sum().backward()
        optimizer.step()


@told("second_backward", "h comes from an earlier step", "h = cell(x, h)", "h = h.detach()")
def a_state_that_is_carried():
    cell, h, x = nn.RNNCell(3, 4), torch.zeros(2, 4), torch.ones(2, 3)
    for _ in range(3):
        h = cell(x, h)
        loss = h.pow(2).sum()
        loss.backward()


@told("second_backward", "total is added to in every step", "total = total + loss", "loss.item()")
def a_running_sum():
    net, total = nn.Linear(3, 1), 0
    for _ in range(3):
        loss = net(torch.ones(2, 3)).pow(2).sum()
        total = total + loss
        total.backward()


@told("second_backward", "code was computed once, before the loop", "code = torch.tanh(")
def what_was_computed_before_the_loop():
    encoder, head = nn.Linear(3, 4), nn.Linear(4, 1)
    code = torch.tanh(encoder(torch.ones(2, 3)))
    for _ in range(3):
        loss = head(code).pow(2).sum()
        loss.backward()


@told("second_backward", "Two backward passes of one step go through the graph of features")
def two_losses_that_share():
    trunk, a, b = nn.Linear(3, 4), nn.Linear(4, 1), nn.Linear(4, 1)
    features = torch.tanh(trunk(torch.ones(2, 3)))
    first, second = a(features).pow(2).sum(), b(features).pow(2).sum()
    first.backward()
    second.backward()


@told("second_backward", "the graph of fake", None, "fake.detach()")
def a_generator_and_a_discriminator():
    generator, critic = nn.Linear(2, 3), nn.Linear(3, 1)
    for _ in range(2):
        fake = torch.tanh(generator(torch.ones(4, 2)))
        lost = torch.sigmoid(critic(fake)).mean()
        lost.backward()
        won = torch.sigmoid(critic(fake)).mean()
        won.backward()


@told("second_backward", "backward was called twice on the same result")
def the_same_result_twice():
    loss = torch.ones(3, requires_grad=True).exp().sum()
    loss.backward()
    loss.backward()


@told("second_backward", "seen was kept from an earlier step", None, "detach()")
def a_list_that_grows():
    net, seen = nn.Linear(3, 1), []
    for _ in range(3):
        seen.append(net(torch.ones(2, 3)).exp())
        loss = torch.stack(seen).mean()
        loss.backward()


class Remembering(nn.Module):
    def __init__(self):
        super().__init__()
        self.cell, self.h = nn.RNNCell(3, 4), None

    def forward(self, x):
        if self.h is None:
            self.h = torch.zeros(2, 4)
        self.h = self.cell(x, self.h)
        return self.h


@told("second_backward", "model.h comes from an earlier step")
def a_state_that_a_module_keeps():
    model = Remembering()
    for _ in range(3):
        loss = model(torch.ones(2, 3)).sum()
        loss.backward()


@told("modified", r"optimizer.step\(\) changed model.2.weight in place", "optimizer.step()")
def a_step_between_two_passes():
    model = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    out = model(torch.ones(2, 3))
    first, second = out.sum(), out.pow(2).sum()
    first.backward(retain_graph=True)
    optimizer.step()
    second.backward()


@told("modified", "ExpBackward0 saved a tensor", "y += 1", "out-of-place")
def an_edit():
    y = torch.ones(3, requires_grad=True).exp()
    y += 1
    y.sum().backward()


@told("none_in_formula", "w.grad was emptied", "optimizer.zero_grad()")
def an_emptied_gradient():
    w = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], 0.1)
    w.sum().backward()
    optimizer.zero_grad()
    return w.grad * 2


@told("none_in_formula", "w.grad was emptied", "optimizer.zero_grad()")
def an_emptied_gradient_beside_one_of_something_else():
    w, other = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([w], 0.1)
    (w * other).sum().backward()
    optimizer.zero_grad()
    return w.grad * 2


@told("none_in_formula", "w.grad is None while others have a gradient")
def a_gradient_that_another_optimizer_did_not_empty():
    w, other = torch.ones(3, requires_grad=True), torch.ones(3, requires_grad=True)
    last = torch.ones(3, requires_grad=True)
    optimizer = torch.optim.SGD([other], 0.1)
    (last * other).sum().backward()
    optimizer.zero_grad()
    return w.grad * 2


@told("none_in_formula", "net.b.weight.grad is None while others have a gradient")
def an_unused_parameter():
    net = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 1)})
    net["a"](torch.ones(1, 2)).sum().backward()
    for p in net.parameters():
        p.data -= 0.1 * p.grad


@told("none_in_formula", "w is not a leaf: SubBackward0", "w = w - 0.1", "w -= lr")
def an_update_out_of_place():
    w = torch.ones(3, requires_grad=True)
    for _ in range(3):
        loss = (w * w).sum()
        loss.backward()
        w = w - 0.1 * w.grad


@told("none_used", "layer.bias is None: the layer was made with bias=False")
def a_bias_that_is_not_there():
    layer = nn.Linear(2, 1, bias=False)
    return layer.bias.shape


@told("no_graph", "w was replaced by a new tensor", "w = w - 0.1", "w -= lr")
def an_update_that_makes_a_new_tensor():
    w = torch.ones(3, requires_grad=True)
    for _ in range(3):
        loss = (w * w).sum()
        loss.backward()
        with torch.no_grad():
            w = w - 0.1 * w.grad


@told("no_graph", "No parameter of net requires grad", None, "requires_grad_")
def a_frozen_model():
    net = nn.Linear(2, 1).requires_grad_(False)
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()


@told("no_graph", "does not depend on the input")
def a_constant_slope():
    x = torch.ones(3, requires_grad=True)
    (slope,) = torch.autograd.grad((2 * x).sum(), x, create_graph=True)
    slope.sum().backward()


@told("no_graph", r"item\(\) makes a number")
def a_number_in_between():
    net = nn.Linear(2, 1)
    value = net(torch.ones(1, 2)).sum().item()
    loss = torch.tensor(value) * 2
    loss.backward()


@told("deepcopy", "net.last keeps a non-leaf", None, "self.last = h.detach()")
def a_model_that_keeps_an_activation():
    net = nn.Linear(2, 1)
    net.last = net(torch.ones(1, 2))
    copy.deepcopy(net)


@told("dtype", "data holds float64, and the parameters of net are float32")
def data_of_numpy():
    net, data = nn.Linear(2, 1), torch.ones(1, 2, dtype=torch.float64)
    return net(data)


@told("device", "net.mask is a plain tensor attribute", None, "register_buffer")
def an_attribute_that_stays_behind():
    net = nn.Linear(2, 2)
    net.mask = torch.ones(2, 2)
    net.to("meta")
    return net.weight * net.mask


@told("truth", "makes a module, and takes settings", "CrossEntropyLoss(scores", "()(scores, y)")
def tensors_given_to_a_constructor():
    scores, y = torch.randn(9, 3), torch.zeros(9).long()
    return nn.CrossEntropyLoss(scores, y)


@told("unused", "does not depend on net.1.weight", "torch.autograd.grad", "allow_unused=True")
def a_parameter_that_is_asked_for_and_unused():
    net = nn.ModuleList([nn.Linear(2, 1), nn.Linear(2, 1)])
    asked = list(net.parameters())
    loss = net[0](torch.ones(1, 2)).sum()
    return torch.autograd.grad(loss, asked)


class RememberingTwo(nn.Module):
    """Keeps its state, a pair, from call to call."""

    def __init__(self):
        super().__init__()
        self.lstm, self.state = nn.LSTM(2, 3), None

    def forward(self, x):
        y, self.state = self.lstm(x, self.state)
        return y


@told(
    "state_dict_keys",
    'begins with "module.": the model was saved as DataParallel',
    None,
    'removeprefix("module.")',
)
def a_state_of_a_wrapped_model():
    net = nn.Linear(2, 1)
    net.load_state_dict({f"module.{name}": one for name, one in net.state_dict().items()})


@told(
    "state_dict_keys",
    'begins with "module.": the model was saved as DataParallel',
    None,
    'removeprefix("module.")',
)
def a_state_of_a_wrapped_model_that_counts_batches():
    wrapped = nn.DataParallel(nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)))
    nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).load_state_dict(wrapped.state_dict())


@told(
    "state_dict_keys",
    'The model\'s names begin with "module."',
    None,
    "model.module.load_state_dict(state)",
)
def a_plain_state_for_a_wrapped_model():
    nn.DataParallel(net := nn.Linear(2, 1)).load_state_dict(net.state_dict())


@told(
    "state_dict_keys",
    'The model\'s names begin with "0."',
    None,
    "model[0].load_state_dict(state)",
)
def a_plain_state_for_a_model_in_a_sequential():
    nn.Sequential(net := nn.Linear(2, 1)).load_state_dict(net.state_dict())


@told("state_dict_keys", "a whole checkpoint", None, 'checkpoint["model_state_dict"]')
def a_checkpoint_for_a_state():
    net = nn.Linear(2, 1)
    net.load_state_dict({"epoch": 3, "model_state_dict": net.state_dict()})


@told(
    "state_dict_keys",
    r"0.weight has the shape \[3, 2\] in the file and \[1, 2\]",
    None,
    'those of "0"',
)
def a_state_of_another_size():
    nn.Sequential(nn.Linear(2, 1)).load_state_dict(nn.Sequential(nn.Linear(2, 3)).state_dict())


@told("no_graph", "a comparison has no gradient", "p > 0.5", "probabilities")
def a_score_of_decisions():
    net = nn.Linear(2, 1)
    p = torch.sigmoid(net(torch.ones(3, 2)))
    hits = (p > 0.5).float()
    loss = 1 - hits.mean()
    loss.backward()


@told("no_graph", "torch.tensor copies values alone", "torch.tensor([one, one])")
def a_list_of_numbers_beside_one_of_losses():
    net = nn.Linear(2, 1)
    one = net(torch.ones(2)).sum()
    weights = [1.0, 2.0]
    scale = torch.tensor(weights)
    loss = (torch.tensor([one, one]) * scale).sum()
    loss.backward()


@told(
    "modified",
    "critic_steps.step\\(\\) changed",
    "critic_steps.step()",
    "add its gradients to those that",
)
def a_policy_beside_a_critic_that_was_stepped():
    actor, critic = nn.Linear(2, 2), nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1))
    actor_steps = torch.optim.SGD(actor.parameters(), lr=0.1)
    critic_steps = torch.optim.SGD(critic.parameters(), lr=0.1)
    policy = -critic(actor(torch.ones(2, 2))).mean()
    critic(torch.ones(2, 2)).square().mean().backward()
    critic_steps.step()
    policy.backward()
    actor_steps.step()


class Bank(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer, self.bank = nn.Linear(2, 2), torch.zeros(3, 2)

    def forward(self, x, at):
        z = self.layer(x)
        out = (z @ self.bank.T).exp()
        self.bank[at] = z
        return out.sum()


@told("modified", "saved a tensor for its backward", None, "self.bank[...] = z.detach()")
def a_bank_that_keeps_graphs():
    net = Bank()
    for at in range(2):
        Bank.loss = net(torch.ones(2), at)
        z = Bank.loss
        z.backward(retain_graph=True)


@told("none_in_formula", "allow_unused=True gives None", "allow_unused=True", "materialize_grads")
def a_step_over_a_gradient_that_is_none():
    used, other = torch.ones(2, requires_grad=True), torch.ones(2, requires_grad=True)
    gradients = torch.autograd.grad(used.sum(), [used, other], allow_unused=True)
    return [p - 0.1 * g for p, g in zip([used, other], gradients, strict=True)]


@told("none_used", "", None)
def an_empty_gradient():
    w = torch.ones(2, requires_grad=True)
    w.grad.zero_()


@told(
    "second_backward",
    "net.state comes from an earlier step",
    None,
    "at the end of each step: net.state = tuple(part.detach() for part in net.state)",
)
def a_state_of_two_parts_that_a_module_keeps():
    net = RememberingTwo()
    for _ in range(3):
        loss = net(torch.ones(4, 1, 2)).sum()
        loss.backward()


@told("modified", "h comes from an earlier step", "y, h = net", "h = h.detach()")
def a_carried_state_with_retain_graph():
    net, h = nn.GRU(2, 3), torch.zeros(1, 1, 3)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for _ in range(3):
        y, h = net(torch.ones(4, 1, 2), h)
        y.sum().backward(retain_graph=True)
        optimizer.step()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("function", "code", "meaning", "place", "cure"), CASES)
def test_an_explanation_names_the_cause_the_line_and_the_cure(function, code, meaning, place, cure):
    with pytest.raises((RuntimeError, TypeError, AttributeError, IndexError)) as raised:
        function()
    found = explain_error(raised.value)
    assert found.code == code
    assert re.search(meaning, found.meaning), found
    if place is not None:
        line = int(re.search(r"line (\d+)", found.place)[1])
        with open(__file__) as file:
            assert place in file.readlines()[line - 1], found
    assert cure is None or cure in found.cure, found


def test_an_unknown_error_has_no_explanation():
    assert explain_error(KeyError("w")) is None


def test_an_error_without_a_traceback_is_explained_by_its_text():
    error = RuntimeError("Trying to backward through the graph a second time")
    assert explain_error(error).code == "second_backward"
    assert "hidden state" in explain_error(error).cure
