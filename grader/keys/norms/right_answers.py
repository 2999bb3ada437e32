"""Other right answers to the exercises of chapter 7."""

import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def _axes(x):
    return [axis for axis in range(x.ndim) if axis != 1]


def bn_train_by_torch(x, w, b, rm, rv, momentum, eps):
    return F.batch_norm(x, rm, rv, w, b, training=True, momentum=momentum, eps=eps)


def bn_train_by_moments(x, w, b, rm, rv, momentum, eps):
    columns = x.movedim(1, 0).flatten(1)
    n = columns.shape[1]
    mean, square = columns.mean(1), columns.square().mean(1)
    var = square - mean**2
    with torch.no_grad():
        rm += momentum * (mean - rm)
        rv += momentum * (var * n / (n - 1) - rv)
    slope = w / torch.sqrt(var + eps)
    shape = (1, -1) + (1,) * (x.ndim - 2)
    return x * slope.view(shape) + (b - mean * slope).view(shape)


def bn_train_by_loop(x, w, b, rm, rv, momentum, eps):
    y = []
    for c in range(x.shape[1]):
        values = x[:, c]
        mean = values.sum() / values.numel()
        var = ((values - mean) ** 2).sum() / values.numel()
        rm.data[c] = (1 - momentum) * rm[c] + momentum * mean.item()
        rv.data[c] = (1 - momentum) * rv[c] + momentum * values.var().item()
        y.append((values - mean) * (var + eps) ** -0.5 * w[c] + b[c])
    return torch.stack(y, dim=1)


def bn_eval_by_torch(x, w, b, rm, rv, eps):
    return F.batch_norm(x, rm, rv, w, b, eps=eps)


def bn_eval_by_channels_last(x, w, b, rm, rv, eps):
    return ((x.movedim(1, -1) - rm) * (rv + eps).rsqrt() * w + b).movedim(-1, 1)


def bn_eval_by_slope(x, w, b, rm, rv, eps):
    slope = w / (rv + eps).sqrt()
    y = torch.empty_like(x, memory_format=torch.contiguous_format)
    for c in range(len(w)):
        y[:, c] = slope[c] * x[:, c] + (b[c] - slope[c] * rm[c])
    return y


def bn_grad_by_autograd(x, gy, w, eps):
    x = x.detach().clone().requires_grad_()
    y = F.batch_norm(x, None, None, w, training=True, eps=eps)
    y.backward(gy)
    return x.grad


def bn_grad_by_rows(x, gy, w, eps):
    rows, g = x.movedim(1, 0).flatten(1), gy.movedim(1, 0).flatten(1) * w[:, None]
    n = rows.shape[1]
    std = (rows.var(1, correction=0, keepdim=True) + eps).sqrt()
    xh = (rows - rows.mean(1, keepdim=True)) / std
    gx = (n * g - g.sum(1, keepdim=True) - xh * (g * xh).sum(1, keepdim=True)) / (n * std)
    back = (x.shape[1], x.shape[0], *x.shape[2:])
    return gx.view(back).movedim(0, 1)


def bn_grad_by_jacobian(x, gy, w, eps):
    gx = torch.zeros_like(x)
    for c in range(x.shape[1]):
        v, g = x[:, c].reshape(-1), gy[:, c].reshape(-1)
        n, std = len(v), (x[:, c].var(correction=0) + eps).sqrt()
        xh = (v - v.mean()) / std
        eye = torch.eye(n, dtype=x.dtype, device=x.device)
        jacobian = w[c] / std * (eye - 1 / n - torch.outer(xh, xh) / n)
        gx[:, c] = (g @ jacobian).view(x[:, c].shape)
    return gx


def ln_by_torch(x, w, b, eps):
    return F.layer_norm(x, w.shape, w, b, eps)


def ln_grad_by_autograd(x, gy, w, eps):
    x.requires_grad_()
    return torch.autograd.grad(ln_by_torch(x, w, None, eps), x, gy)[0]


def ln_by_rows(x, w, b, eps):
    rows = x.reshape(-1, w.numel())
    out = []
    for row in rows:
        centred = row - row.mean()
        out.append(centred / (centred.square().mean() + eps).sqrt() * w.flatten() + b.flatten())
    return torch.stack(out).reshape(x.shape)


def ln_grad_by_rows(x, gy, w, eps):
    rows, g = x.reshape(-1, w.numel()), (gy * w).reshape(-1, w.numel())
    var, mean = torch.var_mean(rows, 1, correction=0, keepdim=True)
    root = torch.rsqrt(var + eps)
    xh = (rows - mean) * root
    gx = root * (g - g.mean(1, keepdim=True) - xh * (g * xh).mean(1, keepdim=True))
    return gx.reshape(x.shape)


def gn_by_torch(x, groups, w, b, eps):
    return F.group_norm(x, groups, w, b, eps)


def gn_by_loop(x, groups, w, b, eps):
    y = torch.empty(x.shape, dtype=x.dtype, device=x.device)
    size = x.shape[1] // groups
    for g in range(groups):
        part = slice(g * size, (g + 1) * size)
        for n in range(len(x)):
            values = x[n, part]
            y[n, part] = (values - values.mean()) / (values.var(correction=0) + eps).sqrt()
    return y * w[:, None, None] + b[:, None, None]


def gn_by_unflatten(x, groups, w, b, eps):
    parts = x.unflatten(1, (groups, -1))
    var, mean = torch.var_mean(parts, (2, 3, 4), correction=0, keepdim=True)
    y = ((parts - mean) / torch.sqrt(var + eps)).flatten(1, 2)
    return (y.movedim(1, -1) * w + b).movedim(-1, 1)


def mode_by_rule(layer, shape):
    per_channel = shape[0] * (shape[2] * shape[3] if len(shape) == 4 else 1)
    if "BatchNorm" in layer:
        if per_channel == 1:
            return "raises"
        return "equal" if "track_running_stats=False" in layer else "different"
    if "InstanceNorm" in layer:
        if shape[2] * shape[3] == 1:
            return "raises"
        return "different" if "track_running_stats=True" in layer else "equal"
    if "Dropout" in layer:
        return "equal" if "(0.0)" in layer else "different"
    if "GroupNorm" in layer:
        groups = int(layer.split("(")[1].split(",")[0])
        return "raises" if shape[0] * math.prod(shape[1:]) == groups else "equal"
    return "equal"


def mode_by_trial(layer, shape):
    """Whatever goes wrong in either mode is caught, and NaNs of equal places count as equal."""
    module, x = eval(layer, {"nn": nn}), torch.randn(*shape)
    outputs = []
    for mode in (True, False):
        try:
            outputs.append(module.train(mode).forward(x).detach().numpy())
        except Exception:
            return "raises"
    return "equal" if (outputs[0] == outputs[1]).all() else "different"


def influence_by_jacobian(module, x):
    twin = copy.deepcopy(module)
    jacobian = torch.autograd.functional.jacobian(twin, x)
    return torch.linalg.vector_norm(jacobian, dim=(1, 3))


def influence_by_restoring(module, x):
    kept = {name: buffer.clone() for name, buffer in module.named_buffers()}
    x = x.clone().requires_grad_()
    y = module(x)
    matrix = x.new_zeros(len(x), len(x))
    for i in range(len(x)):
        for entry in y[i]:
            (grad,) = torch.autograd.grad(entry, x, retain_graph=True)
            matrix[i] += grad.square().sum(1)
    with torch.no_grad():
        for name, buffer in module.named_buffers():
            buffer.copy_(kept[name])
    return matrix.sqrt()


def influence_by_state_dict(module, x):
    kept = {name: t.clone() for name, t in module.state_dict().items()}
    jacobian = torch.autograd.functional.jacobian(module, x)
    module.load_state_dict(kept)
    return torch.linalg.vector_norm(jacobian, dim=(1, 3))


def influence_by_functional_call(module, x):
    state = {name: t.clone() for name, t in module.state_dict().items()}

    def f(x):
        fresh = {name: t.clone() for name, t in state.items()}
        return torch.func.functional_call(module, fresh, (x,))

    units = torch.eye(x.numel(), dtype=x.dtype, device=x.device).view(-1, *x.shape)
    rows = [torch.autograd.functional.vjp(f, x, unit)[1] for unit in units]
    jacobian = torch.stack(rows).view(*x.shape, *x.shape)
    return jacobian.pow(2).sum((1, 3)).sqrt()


def fold_by_torch(conv, bn):
    fused = nn.utils.fusion.fuse_conv_bn_eval(copy.deepcopy(conv).eval(), copy.deepcopy(bn).eval())
    return fused.weight, fused.bias


def fold_by_probing(conv, bn):
    """The map of both in eval mode is affine: its values at 0 and at each unit input say all."""
    bn = copy.deepcopy(bn).eval()
    c = len(bn.running_mean)
    at = torch.eye(c, dtype=conv.weight.dtype, device=conv.weight.device)[:, :, None, None]
    at_zero = bn(torch.zeros_like(at[:1])).flatten()
    slope = bn(at).flatten(1).diagonal() - at_zero
    bias = at_zero if conv.bias is None else at_zero + slope * conv.bias
    return torch.einsum("o,oikl->oikl", slope, conv.weight), bias


def fold_by_channel(conv, bn):
    weight, bias = conv.weight.detach().clone(), torch.zeros_like(bn.running_mean)
    for c in range(len(weight)):
        s = (bn.weight[c] if bn.affine else 1.0) / (bn.running_var[c] + bn.eps) ** 0.5
        weight[c] *= s
        bias[c] = -s * bn.running_mean[c]
        if conv.bias is not None:
            bias[c] += s * conv.bias[c]
        if bn.affine:
            bias[c] += bn.bias[c]
    return [weight.detach(), bias.detach()]


def masked_norm_by_torch(x, mask, w, b, eps):
    y = torch.zeros_like(x)
    y[mask] = F.batch_norm(x[mask], None, None, w, b, training=True, eps=eps)
    return y


def masked_norm_by_sums(x, mask, w, b, eps):
    here = mask.unsqueeze(-1)
    n = mask.sum()
    mean = x.masked_fill(~here, 0).sum((0, 1)) / n
    centred = torch.where(here, x, mean) - mean
    var = centred.square().sum((0, 1)) / n
    return (centred / torch.sqrt(var + eps) * w + b).masked_fill(~here, 0)


def masked_norm_by_rows(x, mask, w, b, eps):
    rows, where = x.reshape(-1, x.shape[-1]), mask.reshape(-1).nonzero().squeeze(1)
    real = rows[where]
    var, mean = torch.var_mean(real, 0, correction=0)
    y = (real - mean) * torch.rsqrt(var + eps) * w + b
    return torch.zeros_like(rows).index_copy(0, where, y).reshape(x.shape)


def recalibrate_by_copy(model, batches):
    twin = copy.deepcopy(model).train()
    for norm in twin.modules():
        if isinstance(norm, nn.BatchNorm1d):
            norm.reset_running_stats()
            norm.momentum = None
    for x in batches:
        twin(x)
    fresh = dict(twin.named_buffers())
    for name, buffer in model.named_buffers():
        buffer.copy_(fresh[name])


def recalibrate_in_place(model, batches):
    """Each layer's own counting, with every setting noted and put back."""
    kept = [(m, m.training, getattr(m, "momentum", None)) for m in model.modules()]
    for module, _, _ in kept:
        if isinstance(module, nn.modules.batchnorm._BatchNorm):
            module.running_mean.zero_()
            module.running_var.fill_(1)
            module.num_batches_tracked.zero_()
            module.momentum = None
    model.train()
    with torch.inference_mode():
        for x in batches:
            model(x)
    for module, training, momentum in kept:
        module.training = training
        if hasattr(module, "momentum"):
            module.momentum = momentum


def recalibrate_by_swap(model, batches):
    """torch.optim.swa_utils does it, for the statistics; modes are put back by hand."""
    modes = {module: module.training for module in model.modules()}
    torch.optim.swa_utils.update_bn(batches, model)
    for module, mode in modes.items():
        module.training = mode


def recalibrate_by_hooks(model, batches):
    means, variances = {}, {}

    def measure(norm, args):
        means.setdefault(norm, []).append(args[0].mean(0))
        variances.setdefault(norm, []).append(args[0].var(0))

    modes = {module: module.training for module in model.modules()}
    norms = [module for module in modes if isinstance(module, nn.modules.batchnorm._BatchNorm)]
    handles = [norm.register_forward_pre_hook(measure) for norm in norms]
    try:
        model.train()
        with torch.no_grad():
            for x in batches:
                model(x)
    finally:
        for handle in handles:
            handle.remove()
        for module, mode in modes.items():
            module.training = mode
    for norm in norms:
        norm.running_mean.data = torch.stack(means[norm]).mean(0)
        norm.running_var.data = torch.stack(variances[norm]).mean(0)


ANSWERS = {
    "bn_train_forward": [(bn_train_by_torch,), (bn_train_by_moments,), (bn_train_by_loop,)],
    "bn_eval_forward": [(bn_eval_by_torch,), (bn_eval_by_channels_last,), (bn_eval_by_slope,)],
    "bn_backward": [(bn_grad_by_autograd,), (bn_grad_by_rows,), (bn_grad_by_jacobian,)],
    "ln_forward": [(ln_by_torch,), (ln_by_rows,)],
    "ln_backward": [(ln_grad_by_autograd,), (ln_grad_by_rows,)],
    "gn_forward": [(gn_by_torch,), (gn_by_loop,), (gn_by_unflatten,)],
    "train_or_eval": [(mode_by_rule,), (mode_by_trial,)],
    "cross_sample_influence": [
        (influence_by_jacobian,),
        (influence_by_restoring,),
        (influence_by_state_dict,),
        (influence_by_functional_call,),
    ],
    "fold_bn": [(fold_by_torch,), (fold_by_probing,), (fold_by_channel,)],
    "masked_batch_norm": [
        (masked_norm_by_torch,),
        (masked_norm_by_sums,),
        (masked_norm_by_rows,),
    ],
    "running_stats_recalibration": [
        (recalibrate_by_copy,),
        (recalibrate_in_place,),
        (recalibrate_by_swap,),
        (recalibrate_by_hooks,),
    ],
}
