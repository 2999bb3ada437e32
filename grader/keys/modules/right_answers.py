"""Other right answers to the exercises of chapter 10."""

import math

import torch
import torch.nn.functional as F
from torch import nn


class MlpOfModules(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.first = nn.Linear(n_in, n_hidden)
        self.second = nn.Linear(n_hidden, n_hidden)
        self.last = nn.Linear(n_hidden, n_out)
        self.flat, self.act = nn.Flatten(), nn.ReLU(inplace=True)

    def forward(self, x):
        h = self.act(self.first(self.flat(x)))
        return self.last(self.act(self.second(h)))


class MlpAsSequential(nn.Sequential):
    def __init__(self, n_in, n_hidden, n_out):
        super().__init__()
        self.add_module("flat", nn.Flatten())
        self.add_module("first", nn.Linear(n_in, n_hidden))
        self.add_module("act", nn.ReLU())
        self.add_module("second", nn.Linear(n_hidden, n_hidden))
        self.add_module("again", nn.ReLU())
        self.add_module("last", nn.Linear(n_hidden, n_out))


class MlpByFunctions(nn.Module):
    def __init__(self, n_in, n_hidden, n_out):
        nn.Module.__init__(self)
        self.first = nn.Linear(n_in, n_hidden)
        self.second = nn.Linear(n_hidden, n_hidden)
        self.last = nn.Linear(n_hidden, n_out)

    def forward(self, x):
        x = x.reshape(x.shape[0], -1)
        for layer in (self.first, self.second):
            x = layer(x).clamp(min=0)
        return self.last(x)


class LinearByFunction(nn.Module):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__()
        bound = 1 / math.sqrt(n_in)
        self.weight = nn.Parameter(torch.rand(n_out, n_in) * 2 * bound - bound)
        numbers = torch.rand(n_out) * 2 * bound - bound
        self.register_parameter("bias", nn.Parameter(numbers) if bias else None)

    def forward(self, x):
        return F.linear(x, self.weight, self.bias)


class LinearByInit(nn.Module):
    def __init__(self, n_in, n_out, bias=True):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(n_out, n_in))
        nn.init.kaiming_uniform_(self.weight, a=math.sqrt(5))
        if bias:
            self.bias = nn.Parameter(torch.empty(n_out))
            nn.init.uniform_(self.bias, -(n_in**-0.5), n_in**-0.5)

    def forward(self, x):
        y = torch.einsum("...i,oi->...o", x, self.weight)
        if hasattr(self, "bias"):
            y = y + self.bias
        return y


class LinearFromTorch(nn.Linear):
    """What a subclass inherits is right as it stands."""


class MixerOfSequential(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = nn.Sequential(*(nn.Linear(width, width) for _ in range(depth)))
        self.scale = nn.Parameter(torch.full((width,), 1.0))
        self.register_buffer("mask", torch.ones(length, length).tril(), False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).tanh()
        shares = self.mask / self.mask.sum(1, keepdim=True)
        return shares @ (x * self.scale)


class MixerOfBooleans(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = nn.ModuleList()
        for _ in range(depth):
            self.layers.append(nn.Linear(width, width))
        self.register_parameter("scale", nn.Parameter(torch.ones(width)))
        places = torch.arange(length)
        self.register_buffer("mask", places[:, None] >= places, persistent=False)

    def forward(self, x):
        for layer in self.layers:
            x = torch.tanh(layer(x))
        x = x * self.scale
        weights = self.mask.to(x.dtype)
        return torch.einsum("ij,njw->niw", weights, x) / weights.sum(1)[:, None]


class MixerThatCountsOnce(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.scale = nn.Parameter(torch.ones(width))
        mask = torch.ones(length, length).tril()
        self.register_buffer("mask", mask, persistent=False)
        self.register_buffer("count", mask.sum(1, keepdim=True), persistent=False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).tanh()
        return self.mask @ (x * self.scale) / self.count


class MixerByBuffer(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = nn.ModuleDict({str(i): nn.Linear(width, width) for i in range(depth)})
        self.scale = nn.Parameter(torch.ones(width))
        self.mask = nn.Buffer(torch.tril(torch.ones(length, length)), persistent=False)

    def forward(self, x):
        for layer in self.layers.values():
            x = torch.tanh(layer(x))
        return (x * self.scale).cumsum(1) / self.mask.sum(1)[:, None]


class MixerOfShares(nn.Module):
    def __init__(self, length, width, depth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(width, width) for _ in range(depth))
        self.scale = nn.Parameter(torch.ones(width))
        ones = torch.ones(length, length).tril()
        self.register_buffer("mask", ones / ones.sum(1, keepdim=True), persistent=False)

    def forward(self, x):
        for layer in self.layers:
            x = layer(x).tanh()
        return self.mask @ (x * self.scale)


def leaf_names_by_next(model):
    return [n for n, m in model.named_modules() if next(m.children(), None) is None]


def leaf_names_by_length(model):
    names = []
    for name, module in model.named_modules():
        if len(list(module.modules())) == 1:
            names.append(name)
    return names


def leaf_names_going_down(model):
    names, seen = [], set()

    def visit(module, name):
        if module in seen:
            return
        seen.add(module)
        parts = list(module.named_children())
        if not parts:
            names.append(name)
        for part, child in parts:
            visit(child, f"{name}.{part}" if name else part)

    visit(model, "")
    return names


def count_by_names(model):
    sizes = {name: p.numel() for name, p in model.named_parameters()}
    trained = [name for name, p in model.named_parameters() if p.requires_grad]
    return sum(sizes[name] for name in trained), sum(sizes.values())


def count_by_flattening(model):
    trained = [p.flatten() for p in model.parameters() if p.requires_grad]
    frozen = [p.flatten() for p in model.parameters() if not p.requires_grad]
    return sum(map(len, trained)), sum(map(len, trained + frozen))


def count_by_identity(model):
    trained = total = 0
    seen = set()
    for module in model.modules():
        for p in module.parameters(recurse=False):
            if id(p) not in seen:
                seen.add(id(p))
                total += p.numel()
                trained += p.numel() * p.requires_grad
    return trained, total


def run_through_sequential(layers, x):
    return nn.Sequential(*layers)(x)


def run_through_going_down(layers, x):
    if not layers:
        return x
    return run_through_going_down(layers[1:], layers[0](x))


def run_through_by_call(layers, x):
    for i in range(len(layers)):
        x = layers[i].__call__(x)
    return x


def lenet_inputs_by_dry_run(height, width, padding):
    image = torch.zeros(1, 1, height, width)
    weights = torch.zeros(6, 1, 5, 5), torch.zeros(16, 6, 5, 5)
    image = F.max_pool2d(F.conv2d(image, weights[0], padding=padding), 2)
    return F.max_pool2d(F.conv2d(image, weights[1]), 2).numel()


def lenet_inputs_by_new_layers(height, width, padding):
    image = torch.zeros(1, 1, height, width)
    image = F.max_pool2d(nn.Conv2d(1, 6, 5, padding=padding)(image), 2)
    return F.max_pool2d(nn.Conv2d(6, 16, 5)(image), 2).numel()


def lenet_inputs_by_side(height, width, padding):
    def side(n):
        after_first = (n + 2 * padding - 5 + 1) // 2
        return (after_first - 5 + 1) // 2

    return side(height) * side(width) * 16


def lenet_inputs_at_once(height, width, padding):
    return 16 * ((height + 2 * padding) // 4 - 3) * ((width + 2 * padding) // 4 - 3)


def load_by_copy(model, state):
    kept = []
    for name, own in model.state_dict().items():
        if name in state and state[name].shape == own.shape:
            own.copy_(state[name])
        else:
            kept.append(name)
    return kept


def load_by_the_rest(model, state):
    shapes = {name: own.shape for name, own in model.state_dict().items()}
    fits = {n: t for n, t in state.items() if shapes.get(n) == t.shape}
    model.load_state_dict(fits, strict=False)
    return [name for name in shapes if name not in fits]


def load_whole(model, state):
    own = model.state_dict()
    kept = [n for n in own if n not in state or state[n].shape != own[n].shape]
    model.load_state_dict({n: own[n] if n in kept else state[n] for n in own})
    return kept


def distill_by_formula(student, teacher, temperature):
    log_q = torch.log_softmax(student / temperature, 1)
    log_p = torch.log_softmax(teacher.detach() / temperature, 1)
    return (log_p.exp() * (log_p - log_q)).sum(1).mean() * temperature**2


def distill_in_logarithms(student, teacher, temperature):
    log_q = F.log_softmax(student / temperature, dim=-1)
    with torch.no_grad():
        log_p = F.log_softmax(teacher / temperature, dim=-1)
    total = F.kl_div(log_q, log_p, reduction="sum", log_target=True)
    return total * temperature**2 / len(student)


def distill_by_cross_entropy(student, teacher, temperature):
    teacher = teacher.detach() / temperature
    p, log_p = teacher.softmax(1), teacher.log_softmax(1)
    loss = F.cross_entropy(student / temperature, p) + (p * log_p).sum(1).mean()
    return temperature * temperature * loss


ANSWERS = {
    "fix_mlp": [(MlpOfModules,), (MlpAsSequential,), (MlpByFunctions,)],
    "linear_module": [(LinearByFunction,), (LinearByInit,), (LinearFromTorch,)],
    "registration": [
        (MixerOfSequential,),
        (MixerOfBooleans,),
        (MixerThatCountsOnce,),
        (MixerByBuffer,),
        (MixerOfShares,),
    ],
    "named_leafs": [(leaf_names_by_next,), (leaf_names_by_length,), (leaf_names_going_down,)],
    "count_params": [(count_by_names,), (count_by_flattening,), (count_by_identity,)],
    "hookable_call": [
        (run_through_sequential,),
        (run_through_going_down,),
        (run_through_by_call,),
    ],
    "lenet_shapes": [
        (lenet_inputs_by_dry_run,),
        (lenet_inputs_by_new_layers,),
        (lenet_inputs_by_side,),
        (lenet_inputs_at_once,),
    ],
    "load_matching": [(load_by_copy,), (load_by_the_rest,), (load_whole,)],
    "distillation": [
        (distill_by_formula,),
        (distill_in_logarithms,),
        (distill_by_cross_entropy,),
    ],
}
