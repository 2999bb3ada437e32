"""The failing line by its own names, and what is to stand there instead; and that cures."""

import copy

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import vmap
from torch.nn.utils import parametrizations

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


# Edits in place that torch refuses


def _summed(flagged):
    net, x = nn.Linear(2, 1), torch.ones(3, 2)
    total = torch.zeros(1, requires_grad=True) if flagged else 0
    for k in range(2):
        total += net(x * k).square().mean()
    total.backward()
    assert net.weight.grad is not None


@told(
    "leaf_in_place",
    r"^total was begun as a leaf that requires grad",
    "total = torch.zeros(1, requires_grad=True)",
    "total = 0",
    lambda: _summed(False),
)
def a_sum_begun_as_a_leaf():
    _summed(True)


class Prototypes(nn.Module):
    def __init__(self, in_place=True):
        super().__init__()
        self.weight, self.in_place = nn.Parameter(torch.ones(3, 2)), in_place

    def forward(self, z):
        if self.in_place:
            self.weight /= self.weight.norm(dim=1, keepdim=True)
            return z @ self.weight.t()
        weight = self.weight / self.weight.norm(dim=1, keepdim=True)
        return z @ weight.t()


@told(
    "leaf_in_place",
    r"self\.weight is a parameter, and .* would change it in each forward",
    "self.weight /= ",
    "weight = self.weight / self.weight.norm(dim=1, keepdim=True)",
    lambda: Prototypes(in_place=False)(torch.ones(1, 2)).sum().backward(),
)
def a_parameter_that_forward_divides():
    Prototypes()(torch.ones(1, 2))


def _placed(in_place):
    pos, x = nn.Parameter(torch.ones(1, 2)), torch.ones(3, 2)
    pos = pos.expand(3, -1)
    if in_place:
        pos += x
    else:
        pos = pos + x
    pos.sum().backward()


@told(
    "leaf_in_place",
    r"^pos shows the memory of a leaf",
    "        pos += x",
    "pos = pos + x",
    lambda: _placed(False),
)
def a_view_of_a_parameter():
    _placed(True)


def _sized(in_place):
    left, width = nn.Linear(3, 2)(torch.ones(4, 3)).unbind(-1)
    if in_place:
        width.clamp_(min=0)
    else:
        width = width.clamp(min=0)
    (left + width).sum().backward()


@told(
    "one_of_many_views",
    r"Here that is width, by width\.clamp_\(min=0\)",
    "width.clamp_(min=0)",
    "width = width.clamp(min=0)",
    lambda: _sized(False),
)
def one_of_the_parts_of_an_unbind():
    _sized(True)


def _hooked(in_place):
    net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(inplace=in_place))
    net[0].register_full_backward_hook(lambda module, going, coming: None)
    net(torch.ones(1, 1, 4, 4)).sum().backward()


@told(
    "view_of_function",
    r"these layers edit that in place: net\.1",
    None,
    "m.inplace = False",
    lambda: _hooked(False),
)
def a_layer_in_place_behind_a_hooked_one():
    _hooked(True)


# Leaves, flags and shapes


class Factors:
    def __init__(self, right=False):
        if right:
            self.u = (torch.randn(3, 2) * 0.1).requires_grad_()
        else:
            self.u = torch.randn(3, 2, requires_grad=True) * 0.1


def _factored(factors):
    torch.optim.SGD([factors.u], 0.1)


@told(
    "non_leaf_parameter",
    r"^self\.u is the result of an operation on a leaf",
    "torch.randn(3, 2, requires_grad=True) * 0.1",
    "self.u = (torch.randn(3, 2) * 0.1).requires_grad_()",
    lambda: _factored(Factors(right=True)),
)
def a_leaf_that_is_scaled_as_it_is_made():
    factors = Factors()
    torch.optim.SGD([factors.u], 0.1)


class Knots(nn.Module):
    def __init__(self, right=False):
        super().__init__()
        if right:
            self.knots = nn.Parameter(torch.zeros(3).double())
        else:
            self.knots = nn.Parameter(torch.zeros(3)).double()


@told(
    "no_parameters",
    r"^self\.knots is the result of an operation on a parameter",
    "nn.Parameter(torch.zeros(3)).double()",
    "self.knots = nn.Parameter(torch.zeros(3).double())",
    lambda: torch.optim.Adam(Knots(right=True).parameters()),
)
def a_parameter_that_is_cast_as_it_is_made():
    model = Knots()
    torch.optim.Adam(model.parameters())


def _slope(flagged, detached=False):
    net, x = nn.Sequential(nn.Linear(1, 3), nn.Tanh(), nn.Linear(3, 1)), torch.ones(4, 1)
    if flagged:
        x.requires_grad_()
    u = net(x)
    torch.autograd.grad(u.sum(), x, create_graph=True)


@told(
    "input_without_grad",
    r"^x does not require grad",
    None,
    "x.requires_grad_()",
    lambda: _slope(True),
)
def the_input_of_a_net():
    _slope(False)


def _mixed(flagged):
    net, real = nn.Linear(2, 1), torch.ones(3, 2)
    mixed = (0.5 * real + 0.5).detach()
    if flagged:
        mixed = (0.5 * real + 0.5).detach().requires_grad_()
    score = net(mixed)
    torch.autograd.grad(score, mixed, torch.ones_like(score), create_graph=True)


def _mixed_once():
    net, real = nn.Linear(2, 1), torch.ones(3, 2)
    mixed = (0.5 * real + 0.5).detach()
    score = net(mixed)
    torch.autograd.grad(score, mixed, torch.ones_like(score), create_graph=True)


@told(
    "input_without_grad",
    r"detach\(\) made it a leaf without the flag",
    "mixed = (0.5 * real + 0.5).detach()",
    "mixed = (0.5 * real + 0.5).detach().requires_grad_()",
    lambda: _mixed(True),
)
def a_mixture_that_is_detached():
    _mixed_once()


def _seeded(like):
    x = torch.ones(3, 1, 2, requires_grad=True)
    score = x * 2
    ones = torch.ones_like(score) if like else torch.ones(3, 1)
    torch.autograd.grad(outputs=score, inputs=x, grad_outputs=ones)


@told(
    "seed_shape",
    r"^ones is to have the shape of score, \(3, 1, 2\)\. It has the shape \(3, 1\)",
    "torch.autograd.grad(outputs=score",
    "torch.ones_like(score)",
    lambda: _seeded(True),
)
def ones_of_another_shape():
    _seeded(False)


def _weighed(mean):
    loss = nn.CrossEntropyLoss(reduction="none")(
        nn.Linear(2, 3)(torch.ones(4, 2)), torch.ones(4).long()
    )
    if mean:
        loss.mean().backward()
    else:
        loss.backward()


@told(
    "not_scalar",
    r"^loss has the shape \(4,\).*made with reduction=\"none\"",
    'reduction="none"',
    "loss.mean().backward()",
    lambda: _weighed(True),
)
def a_loss_of_each_sample():
    _weighed(False)


def _given_back(shaped):
    w = torch.ones(3, 4, requires_grad=True)
    flat = torch.ones(12)
    if shaped:
        w.grad = flat.reshape(w.shape)
    else:
        w.grad = flat[:12]


@told(
    "assigned_grad",
    r"\.grad holds None or a tensor with the shape",
    "w.grad = flat[:12]",
    "w.grad = (flat[:12]).reshape(w.shape)",
    lambda: _given_back(True),
)
def a_flat_gradient():
    _given_back(False)


def _frozen(cut):
    h = nn.Linear(2, 2)(torch.ones(1, 2))
    if cut:
        h = h.detach()
    else:
        h.requires_grad = False
    return h


@told(
    "flag_of_non_leaf",
    r"^h is a result, of AddmmBackward0",
    "h.requires_grad = False",
    "h = h.detach()",
    lambda: _frozen(True),
)
def the_flag_of_a_result():
    _frozen(False)


def _whole(floating):
    points = torch.arange(4)
    if floating:
        points = points.float()
    points.requires_grad_()


@told(
    "integer_grad",
    r"^points holds int64",
    "points.requires_grad_()",
    "points = points.float().requires_grad_()",
    lambda: _whole(True),
)
def whole_numbers():
    _whole(False)


def _attacked(anew):
    net, adv = nn.Linear(2, 2), torch.ones(3, 2, requires_grad=True)
    for _ in range(2):
        loss = net(adv).square().mean()
        loss.backward()
        adv = adv + 0.1 * adv.grad.sign()
        if anew:
            adv = adv.detach().requires_grad_()


@told(
    "none_used",
    r"^adv is not a leaf",
    None,
    "adv = adv.detach().requires_grad_()",
    lambda: _attacked(True),
)
def an_attack_of_several_steps():
    _attacked(False)


class Maps:
    def __init__(self, kept=False):
        self.net, self.kept = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1)), kept
        self.net[0].register_forward_hook(self.keep)

    def keep(self, module, inputs, output):
        self.maps = output
        if self.kept:
            self.maps.retain_grad()

    def heat(self):
        self.net(torch.ones(1, 2)).sum().backward()
        return self.maps.grad.mean()


@told(
    "none_used",
    r"^self\.maps is not a leaf",
    None,
    "self.maps.retain_grad()",
    lambda: Maps(kept=True).heat(),
)
def an_attribute_that_a_hook_keeps():
    Maps().heat()


class Focal(nn.Module):
    def __init__(self, returned=False):
        super().__init__()
        self.returned = returned

    def forward(self, out):
        loss = out.square().mean()  # noqa: F841 - the return is what is missing


class Returned(nn.Module):
    def forward(self, out):
        return out.square().mean()


@told(
    "none_used",
    r"^loss is None: forward of Focal ends without return",
    "loss = out.square().mean()  # noqa",
    "return loss",
    lambda: Returned()(torch.ones(2, requires_grad=True)).backward(),
)
def a_loss_that_returns_nothing():
    criterion = Focal()
    loss = criterion(torch.ones(2, requires_grad=True))
    loss.backward()


def _flat(skipped):
    net = nn.ModuleDict({"a": nn.Linear(2, 1), "b": nn.Linear(2, 1)})
    net["a"](torch.ones(1, 2)).sum().backward()
    if skipped:
        return torch.cat([p.grad.view(-1) for p in net.parameters() if p.grad is not None])
    return torch.cat([p.grad.view(-1) for p in net.parameters()])


@told(
    "none_used",
    r"net\.b\.weight\.grad is None while others have a gradient",
    "for p in net.parameters()])",
    "if p.grad is not None",
    lambda: _flat(True),
)
def a_parameter_without_a_gradient_in_a_comprehension():
    _flat(False)


def _adapted(own):
    model = nn.Linear(2, 1)
    fast = copy.deepcopy(model)
    loss = fast(torch.ones(3, 2)).square().mean()
    return torch.autograd.grad(loss, list((fast if own else model).parameters()))


def _adapted_by_another():
    model = nn.Linear(2, 1)
    fast = copy.deepcopy(model)
    loss = fast(torch.ones(3, 2)).square().mean()
    return torch.autograd.grad(loss, list(model.parameters()))


@told(
    "unused",
    r"computed from the parameters of fast, which has the shapes of model",
    "torch.autograd.grad(loss, list(model.parameters()))",
    "list(fast.parameters())",
    lambda: _adapted(True),
)
def the_gradient_of_a_copy():
    _adapted_by_another()


# NumPy, and data


def _stored(numbers):
    net, losses = nn.Linear(2, 1), []
    for _ in range(2):
        loss = net(torch.ones(1, 2)).square().mean()
        if numbers:
            losses += [loss.item()]
        else:
            losses.append(loss)
    return np.array(losses)


@told(
    "numpy",
    r"^losses holds tensors that require grad",
    "losses.append(loss)",
    "losses.append(loss.item())",
    lambda: _stored(True),
)
def losses_to_be_drawn():
    _stored(False)


def _length(recorded):
    log = nn.Parameter(torch.zeros(1))
    return torch.exp(log).sum().backward() if recorded else np.exp(log)


@told(
    "numpy",
    r"NumPy would compute outside",
    "np.exp(log)",
    "torch.exp(log) in the place of np.exp(log)",
    lambda: _length(True),
)
def a_function_of_numpy():
    _length(False)


def _measured(detached):
    p = nn.Linear(2, 1)(torch.ones(1, 2))
    return p.detach().numpy() if detached else p.numpy()


@told(
    "numpy",
    r"NumPy would compute outside",
    "else p.numpy()",
    "p.detach().numpy()",
    lambda: _measured(True),
)
def a_prediction():
    _measured(False)


def _watched(t, asks):
    if asks:
        if t.requires_grad:
            t.register_hook(print)
    else:
        t.register_hook(print)
    return t


@told(
    "hook_without_grad",
    r"^t was handed in here and does not require grad",
    "        t.register_hook(print)",
    "if t.requires_grad: t.register_hook(print)",
    lambda: _watched(torch.ones(2), True),
)
def a_hook_on_data():
    _watched(torch.ones(2), False)


def _ran(pair):
    state = torch.zeros(1, 2, 3)
    return nn.GRU(2, 3)(torch.ones(4, 2, 2), (state, state) if pair else state)


@told(
    "tuple_used",
    r"^A GRU was given a tuple of 2",
    "nn.GRU(2, 3)",
    "Give it h alone",
    lambda: _ran(False),
)
def a_pair_of_states_for_a_gru():
    _ran(True)


def _loaded(both):
    saved, model = parametrizations.weight_norm(nn.Linear(2, 2)), nn.Linear(2, 2)
    if both:
        model = parametrizations.weight_norm(model)
    model.load_state_dict(saved.state_dict())


@told(
    "state_dict_keys",
    r"^In the file the weight .* is parametrized",
    None,
    "Parametrize the new model by the same call",
    lambda: _loaded(True),
)
def weights_of_a_parametrized_layer():
    _loaded(False)


def _divergence(kept):
    return vmap(lambda x: x.sum() if kept else float(x.sum()))(torch.ones(3, 2))


@told(
    "inside_vmap",
    r"asks for one number",
    "float(x.sum())",
    "write x.sum() in the place of float(x.sum())",
    lambda: _divergence(True),
)
def a_float_under_vmap():
    _divergence(False)


class Clients:
    def __init__(self):
        self.nets = [nn.Linear(2, 1) for _ in range(2)]

    def local(self, net, emptied):
        net.zero_grad()
        net(torch.ones(1, 2)).sum().backward()
        if emptied:
            net.zero_grad()

    def average(self):
        groups = zip(*(net.parameters() for net in self.nets), strict=True)
        return [sum(p.grad for p in group) / len(group) for group in groups]


def _federated(emptied):
    clients = Clients()
    for net in clients.nets:
        clients.local(net, emptied)
    return clients.average()


@told(
    "none_in_formula",
    r"\.grad is None: zero_grad\(\), behind backward",
    "            net.zero_grad()",
    "before zero_grad()",
    lambda: _federated(False),
)
def gradients_that_were_emptied_elsewhere():
    _federated(True)


# What a function of the reader's own returns


def _shrunk(grad):
    return grad.mean(0)


def _spread(grad):
    return grad.mean(0).expand_as(grad)


def _with_hook(hook):
    w = torch.ones(2, 3, requires_grad=True)
    w.register_hook(hook)
    w.sum().backward()


@told(
    "hook_result",
    r"^_shrunk returns grad\.mean\(0\)",
    "return grad.mean(0)",
    ".expand_as(grad)",
    lambda: _with_hook(_spread),
)
def a_hook_that_returns_a_mean():
    _with_hook(_shrunk)


class Squared(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x * x

    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return 2 * g * x


class Halved(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x / 2

    @staticmethod
    def backward(ctx, g):
        return g.clone()


def _checked(f, dtype=torch.float64):
    x = torch.linspace(1, 2, 3, dtype=dtype).requires_grad_()
    torch.autograd.gradcheck(f, (x,))


@told(
    "gradcheck",
    r"^gradcheck was given float32",
    "torch.autograd.gradcheck(f, (x,))",
    "Check in float64",
    lambda: _checked(Squared.apply),
)
def a_check_in_float32():
    _checked(Squared.apply, torch.float32)


@told(
    "gradcheck",
    r"^Halved\.backward returns g\.clone\(\),",
    "return g.clone()",
    "Derive the slope of forward",
    lambda: _checked(Squared.apply),
)
def a_backward_that_forgot_a_factor():
    _checked(Halved.apply)


def _frozen_but_for(names):
    net = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 1))
    for name, p in net.named_parameters():
        p.requires_grad = name in names
    loss = net(torch.ones(1, 2)).sum()
    loss.backward()


@told(
    "no_graph",
    r"^No parameter of net requires grad",
    None,
    "whole names: 0.weight, 0.bias, 1.weight, 1.bias",
    lambda: _frozen_but_for(["1.weight", "1.bias"]),
)
def a_head_that_was_named_without_its_dots():
    _frozen_but_for(["1"])


def _levels(in_place):
    layers = [nn.Linear(3, 3) for _ in range(2)]
    maps = [layer(torch.ones(2, 3)) for layer in layers]
    for level in range(2):
        if in_place:
            maps[level] /= maps[level].norm(dim=-1, keepdim=True)
        else:
            maps[level] = maps[level] / maps[level].norm(dim=-1, keepdim=True)
    sum(one.sum() for one in maps).backward()


@told(
    "modified",
    r"saved maps\[level\], an entry of the list maps",
    "maps[level] /=",
    "maps[level] = maps[level] / maps[level].norm(dim=-1, keepdim=True)",
    lambda: _levels(False),
)
def an_entry_of_a_list_that_is_edited():
    _levels(True)


def _by_name(in_place):
    w = torch.ones(3, requires_grad=True)
    parts = {"near": w.exp(), "far": w.sigmoid()}
    for key in parts:
        if in_place:
            parts[key] *= 2
        else:
            parts[key] = parts[key] * 2
    sum(one.sum() for one in parts.values()).backward()


@told(
    "modified",
    r"saved parts\[key\], an entry of the dict parts",
    "parts[key] *= 2",
    "parts[key] = parts[key] * 2",
    lambda: _by_name(False),
)
def an_entry_of_a_dict_that_is_edited():
    _by_name(True)


class Begun(nn.Module):
    """Sets a part of its bias as it is made."""

    def __init__(self, recorded=True):
        super().__init__()
        self.head = nn.Linear(3, 4)
        rows = self.head.bias.view(2, 2)
        with torch.set_grad_enabled(recorded):
            rows[:, 1] += 2.0


@told(
    "leaf_in_place",
    r"rows shows the memory of",
    "rows[:, 1] += 2.0",
    "write this line inside `with torch.no_grad():`",
    lambda: Begun(False),
)
def a_part_of_a_bias_that_is_set_as_a_model_is_made():
    Begun()


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_line_is_named_and_its_cure_cures(program):
    program.is_explained()
