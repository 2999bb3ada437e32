"""Other right answers to the exercises of chapter 4."""

import contextlib
import copy
import functools

import torch
from torch.utils.checkpoint import checkpoint


def probe_in_a_block(fn):
    recording = torch.is_grad_enabled()
    with torch.set_grad_enabled(recording):
        result = fn()
    return recording, torch.is_inference_mode_enabled(), result.requires_grad


def probe_with_a_callback(fn):
    modes = torch.is_grad_enabled(), torch.is_inference_mode_enabled()
    with contextlib.ExitStack() as stack:
        stack.callback(torch.set_grad_enabled, modes[0])
        return [*modes, fn().requires_grad]


def probe_under_one_of_two(fn):
    recording = torch.is_grad_enabled()
    with torch.enable_grad() if recording else torch.no_grad():
        result = fn()
    return recording, torch.is_inference_mode_enabled(), result.requires_grad


def norm_by_einsum(x, eps):
    scale = 1 / (x.detach().square().sum(-1).sqrt() + eps)
    return torch.einsum("nd,n->nd", x, scale)


def norm_on_a_clone(x, eps):
    y = x.clone()
    y /= x.detach().norm(dim=1, keepdim=True) + eps
    return y


def norm_by_detach(x, eps):
    return x / (x.detach().norm(dim=1, keepdim=True) + eps)


@torch.no_grad()
def _factors(x, eps):
    return 1 / (x.square().sum(1).sqrt() + eps)


def norm_by_factors(x, eps):
    return _factors(x, eps)[:, None] * x


def norm_by_rows(x, eps):
    rows = [row / (torch.linalg.vector_norm(row).detach() + eps) for row in x]
    return torch.stack(rows)


def no_graph_by_block(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        with torch.no_grad():
            return fn(*args, **kwargs)

    return wrapper


def no_graph_by_finally(fn):
    def wrapper(*args, **kwargs):
        before = torch.is_grad_enabled()
        torch.set_grad_enabled(False)
        try:
            return fn(*args, **kwargs)
        finally:
            torch.set_grad_enabled(before)

    wrapper.__name__ = fn.__name__
    return wrapper


def no_graph_by_set_grad_enabled(fn):
    @torch.set_grad_enabled(False)
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        return fn(*args, **kwargs)

    torch.set_grad_enabled(True)  # the call above switched recording off while decorating
    return wrapper


def no_graph_by_stack(fn):
    @functools.wraps(fn)
    def wrapper(*args, **kwargs):
        with contextlib.ExitStack() as stack:
            stack.enter_context(torch.autograd.grad_mode.set_grad_enabled(False))
            return fn(*args, **kwargs)

    return wrapper


def evaluate_with_train(model, x):
    modes = [(module, module.training) for module in model.modules()]
    model.eval()
    try:
        with torch.no_grad():
            return model(x)
    finally:
        for module, training in modes:  # from the outside in: an inner one has the last word
            module.train(training)


@torch.no_grad()
def evaluate_by_function(model, x):
    copied = copy.deepcopy(model)
    copied.eval()
    return torch.func.functional_call(copied, dict(model.named_parameters()), x)


@contextlib.contextmanager
def _evaluating(model):
    modes = {module: module.training for module in model.modules()}
    try:
        yield model.eval()
    finally:
        for module, training in modes.items():
            module.training = training


def evaluate_in_a_block(model, x):
    with torch.no_grad(), _evaluating(model):
        return model(x)


@torch.inference_mode()
def evaluate_in_inference_mode(model, x):
    training = [module for module in model.modules() if module.training]
    model.eval()
    try:
        return model(x)
    finally:
        for module in training:
            module.training = True


def evaluate_a_copy(model, x):
    copied = copy.deepcopy(model).eval().requires_grad_(False)
    return copied(x.detach())


def features_by_decorator(backbone, x):
    return torch.no_grad()(backbone)(x)


def features_cloned(backbone, x):
    with torch.inference_mode():
        found = backbone(x)
    return found.clone()


def features_by_function(backbone, x):
    state = {name: t.detach() for name, t in backbone.state_dict().items()}
    return torch.func.functional_call(backbone, state, x.detach())


def features_of_a_copy(backbone, x):
    with torch.no_grad():
        return copy.deepcopy(backbone)(x.detach())


def features_row_by_row(backbone, x):
    with torch.set_grad_enabled(False):
        return torch.cat([backbone(row[None]) for row in x])


def freeze_by_detaching(model, i):
    for parameter in model[i].parameters():
        parameter.detach_()
        parameter.grad = None


def freeze_in_a_loop(model, i):
    for parameter in model[i].parameters():
        parameter.requires_grad = False
        parameter.grad = None


def freeze_by_methods(model, i):
    layer = model[i].requires_grad_(False)
    layer.zero_grad(set_to_none=True)


def freeze_by_name(model, i):
    layer = list(model)[i]
    (number,) = [name for name, child in model.named_children() if child is layer]
    for name, parameter in model.named_parameters():
        if name.startswith(f"{number}."):
            parameter.grad = None
            parameter.requires_grad_(False)


@torch.no_grad()
def ema_by_lerp(target, online, beta):
    for t, o in zip(target.parameters(), online.parameters(), strict=True):
        t.lerp_(o, 1 - beta)
    for t, o in zip(target.buffers(), online.buffers(), strict=True):
        if t.is_floating_point():
            t.lerp_(o, 1 - beta)
        else:
            t.copy_(o)


def ema_by_state_dict(target, online, beta):
    new = online.state_dict()
    for name, t in target.state_dict().items():
        t.copy_(beta * t + (1 - beta) * new[name] if t.is_floating_point() else new[name])


def ema_by_loading(target, online, beta):
    mixed, new = copy.deepcopy(target.state_dict()), online.state_dict()
    for name in mixed:
        if mixed[name].is_floating_point():
            mixed[name] = beta * mixed[name] + (1 - beta) * new[name]
        else:
            mixed[name] = new[name]
    target.load_state_dict(mixed)


@torch.no_grad()
def ema_by_name(target, online, beta):
    new = {**dict(online.named_parameters()), **dict(online.named_buffers())}
    for name, t in [*target.named_parameters(), *target.named_buffers()]:
        t.copy_(t * beta + new[name] * (1 - beta) if t.is_floating_point() else new[name])


def ema_through_detach(target, online, beta):
    for mine, other in zip(target.modules(), online.modules(), strict=True):
        for t, o in zip(
            mine.parameters(recurse=False), other.parameters(recurse=False), strict=True
        ):
            t.detach().mul_(beta).add_(o.detach(), alpha=1 - beta)
        for t, o in zip(mine.buffers(recurse=False), other.buffers(recurse=False), strict=True):
            if t.dtype.is_floating_point:
                t.mul_(beta).add_(o, alpha=1 - beta)
            else:
                t.copy_(o)


def ckpt_of_a_lambda(block, x):
    return checkpoint(lambda t: block(t), x, use_reentrant=False, determinism_check="none")


def ckpt_by_library(block, x):
    return checkpoint(block, x, use_reentrant=False)


class Again(torch.autograd.Function):
    """Runs a backward of its own inside backward, as the reentrant checkpoint does."""

    @staticmethod
    def forward(ctx, block, asks, x):
        ctx.block, ctx.state, ctx.x = block, torch.get_rng_state(), x
        return block(x)

    @staticmethod
    def backward(ctx, gy):
        after = torch.get_rng_state()
        torch.set_rng_state(ctx.state)
        x = ctx.x.detach().requires_grad_()
        with torch.enable_grad():
            ctx.block(x).backward(gy)
        torch.set_rng_state(after)
        return None, None, x.grad


def ckpt_by_inner_backward(block, x):
    """A second input that requires grad makes the result require grad whatever x does."""
    return Again.apply(block, torch.zeros((), device=x.device, requires_grad=True), x)


def ckpt_by_saved_hooks(block, x):
    """Saves only the number of a tensor, and finds the tensor by running block again."""
    state, count, found = torch.get_rng_state(), [0], []

    def pack(tensor):
        count[0] += 1
        return count[0] - 1

    def unpack(number):
        if not found:
            now = torch.get_rng_state()
            torch.set_rng_state(state)
            with torch.enable_grad(), _kept(found):
                block(x.detach().requires_grad_(x.requires_grad))
            torch.set_rng_state(now)
        return found[number]

    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        return block(x)


def _kept(found):
    def keep(tensor):
        found.append(tensor.detach())
        return tensor

    return torch.autograd.graph.saved_tensors_hooks(keep, lambda tensor: tensor)


def mode_by_rule(program, x, c):
    *_, last = program.splitlines()
    inside, line = last.startswith(" "), last.strip()
    if line == "y = x":
        return True, True
    if not inside:
        return "f(x)" not in line, "f(x)" in line
    if "torch.ones" in line or "Parameter" in line or line.startswith(("y = x[", "y = x.view")):
        return True, True
    blocks = [part.split("(")[0] for part in program.split("torch.")[1:]]
    recorded = blocks[-1] == "enable_grad" and "inference_mode" not in blocks
    recorded = recorded and "x" in line.replace("exp", "")
    return recorded, not recorded


ANSWERS = {
    "mode_probe": [(probe_in_a_block,), (probe_with_a_callback,), (probe_under_one_of_two,)],
    "partial_no_grad": [
        (norm_by_detach,),
        (norm_by_factors,),
        (norm_by_rows,),
        (norm_by_einsum,),
        (norm_on_a_clone,),
    ],
    "decorated_infer": [
        (no_graph_by_block,),
        (no_graph_by_finally,),
        (no_graph_by_set_grad_enabled,),
        (no_graph_by_stack,),
    ],
    "evaluate": [
        (evaluate_in_a_block,),
        (evaluate_in_inference_mode,),
        (evaluate_a_copy,),
        (evaluate_with_train,),
        (evaluate_by_function,),
    ],
    "cached_features": [
        (features_by_decorator,),
        (features_cloned,),
        (features_by_function,),
        (features_of_a_copy,),
        (features_row_by_row,),
    ],
    "frozen_middle": [
        (freeze_in_a_loop,),
        (freeze_by_methods,),
        (freeze_by_name,),
        (freeze_by_detaching,),
    ],
    "ema_update": [
        (ema_by_lerp,),
        (ema_by_state_dict,),
        (ema_by_loading,),
        (ema_by_name,),
        (ema_through_detach,),
    ],
    "checkpointed": [
        (ckpt_by_library,),
        (ckpt_by_inner_backward,),
        (ckpt_by_saved_hooks,),
        (ckpt_of_a_lambda,),
    ],
    "grad_mode_table": [(mode_by_rule,)],
}
