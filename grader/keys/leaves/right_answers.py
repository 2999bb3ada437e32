"""Other right answers to the exercises of chapter 2."""

import copy
import re
from collections import deque

import torch
from torch import nn


def leaf_as_parameter(t):
    return nn.Parameter(t.clone())


def leaf_by_empty(t):
    leaf = torch.empty(t.shape, dtype=t.dtype, device=t.device, requires_grad=True)
    with torch.no_grad():
        leaf[...] = t
    return leaf


def leaf_by_tensor(t):
    return torch.tensor(t, requires_grad=True)


def leaf_by_forced_cast(t):
    return t.detach().to(t.dtype, copy=True).requires_grad_()


def leaf_by_stack(t):
    return nn.Parameter(torch.stack([t.detach()])[0])


def weight_by_factory(shape, scale, dtype, device):
    weight = torch.zeros(shape, dtype=dtype, device=device, requires_grad=True)
    nn.init.normal_(weight, std=scale)
    return weight


def weight_scaled_in_no_grad(shape, scale, dtype, device):
    weight = torch.randn(*shape, dtype=dtype, device=device, requires_grad=True)
    with torch.no_grad():
        weight *= scale
    return weight


def weight_as_parameter(shape, scale, dtype, device):
    noise = torch.randn(shape, dtype=torch.float64, requires_grad=True)
    return nn.Parameter((noise * scale).to(device, dtype))


def cast_by_numbers(t, dtype):
    if not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError("no gradients for " + str(dtype))
    return torch.tensor(t.tolist(), dtype=dtype, device=t.device, requires_grad=True)


def cast_by_torch_refusal(t, dtype):
    copied = t.detach().clone().to(dtype)
    try:
        return nn.Parameter(copied)
    except RuntimeError as error:
        raise TypeError(str(error)) from error


def cast_by_copying(t, dtype):
    if not (dtype.is_floating_point or dtype.is_complex):
        raise TypeError(dtype)
    leaf = torch.zeros(t.shape, dtype=dtype, device=t.device)
    leaf.copy_(t.detach())
    return nn.Parameter(leaf)


@torch.no_grad()
def cast_in_no_grad(t, dtype):
    if dtype.is_floating_point or dtype.is_complex:
        return t.to(dtype, copy=True).requires_grad_(True)
    raise TypeError("a tensor of integers has no gradient")


def leaves_by_type(root):
    if root.grad_fn is None:
        return (root,) if root.requires_grad else ()
    met, stack = {}, [root.grad_fn]
    while stack:
        node = stack.pop()
        if node not in met:
            met[node] = None
            stack.extend(following for following, _ in node.next_functions if following is not None)
    return [node.variable for node in met if type(node).__name__ == "AccumulateGrad"]


def leaves_by_identity(root):
    if not root.requires_grad:
        return []
    if root.is_leaf:
        return [root]
    found, queue, met = {}, deque([root.grad_fn]), set()
    while queue:
        node = queue.popleft()
        if node is None or node in met:
            continue
        met.add(node)
        if hasattr(node, "variable"):
            found[id(node.variable)] = node.variable
        queue.extend(following for following, _ in node.next_functions)
    return list(found.values())


def leaves_by_stack(root):
    if not root.requires_grad:
        return ()
    stack = [torch.autograd.graph.get_gradient_edge(root).node]
    seen, found = set(), []
    while stack:
        node = stack.pop()
        if node in seen or node is None:
            continue
        seen.add(node)
        if node.name() == "torch::autograd::AccumulateGrad":
            found.append(node.variable)
        stack += [following for following, _ in node.next_functions]
    return found


def leaves_level_by_level(root):
    if root.is_leaf:
        return {root} if root.requires_grad else set()
    found, level = set(), [root.grad_fn]
    while level:
        found |= {node.variable for node in level if hasattr(node, "variable")}
        below = [n for node in level for n, _ in node.next_functions if n is not None]
        level = list(dict.fromkeys(below))
    return found


def inner_by_two_passes(f1, f2, x):
    x.requires_grad_()
    z = f1(x)
    y = f2(z).sum()
    dz = torch.autograd.grad(y, z, retain_graph=True)[0]
    dx = torch.autograd.grad(y, x)[0]
    return dz, dx


def inner_by_hook(f1, f2, x):
    x = x.clone().requires_grad_()
    z, kept = f1(x), []
    z.register_hook(kept.append)
    f2(z).sum().backward()
    return kept[0], x.grad


def inner_in_two_stages(f1, f2, x):
    x.requires_grad_()
    z = f1(x)
    cut = z.detach().clone().requires_grad_()
    f2(cut).sum().backward()
    (dx,) = torch.autograd.grad(z, x, grad_outputs=cut.grad)
    return [cut.grad, dx]


def inner_in_one_call(f1, f2, x):
    x = x.detach().clone().requires_grad_()
    z = f1(x)
    return torch.autograd.grad(f2(z).sum(), [z, x])


def names_by_tensor_type(program, x, w, c):
    known = {"torch": torch, "x": x, "w": w, "c": c}
    exec(program, known)
    tensors = ((n, t) for n, t in known.items() if isinstance(t, torch.Tensor))
    return tuple(n for n, t in tensors if (t.is_leaf or t.retains_grad) and t.grad is not None)


def names_by_experiment_line_by_line(program, x, w, c):
    known = {"x": x, "w": w, "c": c, "torch": torch}
    exec(compile(program, "program", "exec"), known)
    del known["torch"], known["__builtins__"]
    return [name for name in known if known[name].grad is not None]


def update_through_detach(w, g, lr):
    w.detach().sub_(g, alpha=lr)


def update_with_flag_switched(w, g, lr):
    w.requires_grad_(False)
    w -= lr * g
    w.requires_grad_(True)
    return w


@torch.no_grad()
def update_by_copy(w, g, lr):
    w.copy_(w.clone() - lr * g.clone())


def update_in_inference_mode(w, g, lr):
    with torch.inference_mode():
        w.add_(g, alpha=-lr)


def update_by_out(w, g, lr):
    with torch.no_grad():
        torch.add(w, g, alpha=-lr, out=w)


def freeze_by_get_parameter(module, pattern):
    expression = re.compile(pattern)
    hits = [name for name, _ in module.named_parameters() if expression.search(name)]
    for name in hits:
        module.get_parameter(name).requires_grad_(False)
    return tuple(hits)


def freeze_by_filter(module, pattern):
    pairs = list(filter(lambda pair: re.search(pattern, pair[0]), module.named_parameters()))
    with torch.no_grad():
        for _, parameter in pairs:
            parameter.requires_grad = False
    return [name for name, _ in reversed(pairs)]


def freeze_by_dict(module, pattern):
    chosen = {name: p for name, p in module.named_parameters() if re.compile(pattern).search(name)}
    for parameter in chosen.values():
        parameter.requires_grad = False
    return list(chosen)


def freeze_by_modules(module, pattern):
    names, seen = [], set()
    for prefix, part in module.named_modules():
        for name, parameter in part.named_parameters(recurse=False):
            whole = f"{prefix}.{name}" if prefix else name
            if parameter not in seen and re.search(pattern, whole):
                parameter.detach_()
                names.append(whole)
            seen.add(parameter)
    return copy.copy(names)


ANSWERS = {
    "make_leaf": [
        (leaf_as_parameter,),
        (leaf_by_empty,),
        (leaf_by_tensor,),
        (leaf_by_forced_cast,),
        (leaf_by_stack,),
    ],
    "scaled_parameter": [(weight_by_factory,), (weight_scaled_in_no_grad,), (weight_as_parameter,)],
    "cast_leaf": [
        (cast_by_numbers,),
        (cast_by_torch_refusal,),
        (cast_by_copying,),
        (cast_in_no_grad,),
    ],
    "leaf_grads": [
        (leaves_by_stack,),
        (leaves_level_by_level,),
        (leaves_by_type,),
        (leaves_by_identity,),
    ],
    "grad_of_intermediate": [
        (inner_by_two_passes,),
        (inner_by_hook,),
        (inner_in_two_stages,),
        (inner_in_one_call,),
    ],
    "which_get_grad": [(names_by_experiment_line_by_line,), (names_by_tensor_type,)],
    "safe_update": [
        (update_through_detach,),
        (update_with_flag_switched,),
        (update_by_copy,),
        (update_in_inference_mode,),
        (update_by_out,),
    ],
    "flag_setter": [
        (freeze_by_dict,),
        (freeze_by_modules,),
        (freeze_by_get_parameter,),
        (freeze_by_filter,),
    ],
}
