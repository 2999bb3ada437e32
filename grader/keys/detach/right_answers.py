"""Other right answers to the exercises of chapter 3."""

import copy
import io

import torch
from torch import nn


def half_by_argument(f, g, x):
    return f(x) * g(x.detach())


@torch.no_grad()
def _constant(g, x):
    return g(x)


def half_in_no_grad(f, g, x):
    y = _constant(g, x)
    return y * f(x)


def half_by_hook(f, g, x):
    branch = x.clone()
    branch.register_hook(torch.zeros_like)
    return f(x) * g(branch)


def half_by_another_leaf(f, g, x):
    return f(x) * torch.tensor(g(x).tolist(), dtype=x.dtype, device=x.device)


def half_from_an_alias(f, g, x):
    alias = x.detach().clone()
    y = f(x)
    return y.mul(g(alias))


class Round(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.round()

    @staticmethod
    def backward(ctx, grad):
        return grad


def ste_by_function(x):
    return Round.apply(x)


def ste_by_difference(x):
    with torch.no_grad():
        step = torch.round(x) - x
    return x + step


def ste_by_loop(x):
    entries = [entry - entry.detach() + round(entry.item()) for entry in x.flatten()]
    return torch.stack(entries).view_as(x)


def ste_around_a_constant(x):
    return x + torch.round(x) - x.detach()


def ste_in_place_of_a_clone(x):
    y = x.clone()
    with torch.no_grad():
        y.round_()
    return y


def td_by_mse_of_columns(q, q_target, s, r, s2, gamma):
    target = (r.unsqueeze(1) + gamma * q_target(s2)).detach()
    return nn.MSELoss()(q(s), target)


def td_by_dot(q, q_target, s, r, s2, gamma):
    difference = (r + gamma * q_target(s2).flatten()).data - q(s).flatten()
    return difference.dot(difference) / len(difference)


def td_by_mse(q, q_target, s, r, s2, gamma):
    target = (r + gamma * q_target(s2).squeeze(1)).detach()
    return nn.functional.mse_loss(q(s).squeeze(1), target)


def td_by_columns(q, q_target, s, r, s2, gamma):
    frozen = copy.deepcopy(q_target).requires_grad_(False)
    error = r[:, None] + gamma * frozen(s2.detach()) - q(s)
    return error.pow(2).sum() / len(r)


def td_by_rows(q, q_target, s, r, s2, gamma):
    total = 0
    for i in range(len(r)):
        with torch.no_grad():
            goal = r[i] + gamma * q_target(s2[i : i + 1]).reshape(())
        total = total + (q(s[i : i + 1]).reshape(()) - goal) ** 2
    return total / len(r)


def relation_by_storage_object(a, b):
    if a is b:
        return "same"
    address = a.untyped_storage().data_ptr(), b.untyped_storage().data_ptr()
    return ("separate", "shared")[len(set(address)) == 1]


def relation_by_start_of_storage(a, b):
    def start(t):
        return t.data_ptr() - t.storage_offset() * t.element_size()

    return "same" if id(a) == id(b) else "shared" if start(a) == start(b) else "separate"


def relation_by_writing(a, b):
    """Writes into the whole storage of a copy that keeps the relation of the two."""
    if a is b:
        return "same"
    one, other = copy.deepcopy((a.detach(), b.detach()))
    before = other.clone()
    one.untyped_storage().fill_(1)
    return "separate" if torch.equal(before, other) else "shared"


def relation_by_storage_identity(a, b):
    if a is b:
        return "same"
    shared = a.untyped_storage()._cdata == b.untyped_storage()._cdata
    return "shared" if shared else "separate"


def weights_through_a_file(model):
    file = io.BytesIO()
    torch.save(model.state_dict(), file)
    file.seek(0)
    return torch.load(file)


def weights_by_copying(model):
    return {name: torch.empty_like(t).copy_(t) for name, t in model.state_dict().items()}


def weights_by_items(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def weights_of_a_copy(model):
    return copy.deepcopy(model).state_dict()


def weights_by_kind(model):
    state = {}
    with torch.no_grad():
        listed = model.named_parameters(remove_duplicate=False)
        for name, tensor in [*listed, *model.named_buffers()]:
            state[name] = torch.empty_like(tensor, requires_grad=False).copy_(tensor)
    return state


def relu_exp_relu_last(x):
    return ((2 * x).exp() - 1).relu()


def relu_exp_by_where(x):
    return torch.where(x > 0, (2 * x).exp() - 1, torch.zeros_like(x))


def scatter_by_scatter_add(x, w, idx, k):
    grad = torch.zeros_like(x).scatter_add_(0, idx, w[idx])
    grad[:k] = 0
    return grad


def relu_exp_out_of_place(x):
    return (2 * x).relu().exp() - 1


def relu_exp_with_legal_edits(x):
    y = x.mul(2)
    y = nn.functional.relu(y, inplace=True)
    return torch.expm1(y)


def relu_exp_on_a_clone(x):
    y = x.clone()
    y *= 2
    y.clamp_(min=0)
    return y.exp().add(-1)


def scatter_by_autograd(x, w, idx, k):
    x.requires_grad_()
    c = x.clone()
    c[:k].zero_()
    (w * c)[idx].sum().backward()
    return x.grad


def scatter_by_loop(x, w, idx, k):
    grad = torch.zeros_like(w)
    for position in idx.tolist():
        if position >= k:
            grad[position] += w[position]
    return grad


def scatter_by_counting(x, w, idx, k):
    picked = (idx[:, None] == torch.arange(len(x), device=x.device)).sum(0)
    picked[:k] = 0
    return picked * w


def outcome_by_rule(compute, edit, x):
    if edit == "x.add_(1)":
        return "error"
    functions = {"exp": "y", "relu": "y", "**": "x"}
    saved = "".join(tensor for name, tensor in functions.items() if name in compute)
    target = edit.split(":")[-1].strip()[0]
    if target != saved or "clone" in edit or "_" not in edit:
        return "ok"
    return "wrong" if ".data" in edit else "error"


ANSWERS = {
    "stop_gradient_branch": [
        (half_by_argument,),
        (half_in_no_grad,),
        (half_by_hook,),
        (half_by_another_leaf,),
        (half_from_an_alias,),
    ],
    "straight_through": [
        (ste_by_function,),
        (ste_by_difference,),
        (ste_by_loop,),
        (ste_around_a_constant,),
        (ste_in_place_of_a_clone,),
    ],
    "target_network": [
        (td_by_mse,),
        (td_by_columns,),
        (td_by_rows,),
        (td_by_mse_of_columns,),
        (td_by_dot,),
    ],
    "alias_or_copy": [
        (relation_by_storage_object,),
        (relation_by_start_of_storage,),
        (relation_by_writing,),
        (relation_by_storage_identity,),
    ],
    "snapshot": [
        (weights_by_items,),
        (weights_of_a_copy,),
        (weights_by_kind,),
        (weights_through_a_file,),
        (weights_by_copying,),
    ],
    "inplace_relu_safe": [
        (relu_exp_out_of_place,),
        (relu_exp_with_legal_edits,),
        (relu_exp_on_a_clone,),
        (relu_exp_relu_last,),
        (relu_exp_by_where,),
    ],
    "view_grad": [
        (scatter_by_autograd,),
        (scatter_by_loop,),
        (scatter_by_counting,),
        (scatter_by_scatter_add,),
    ],
    "detect_silent_corruption": [(outcome_by_rule,)],
}
