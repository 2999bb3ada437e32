"""Other right answers to the exercises of chapter 5."""

from contextlib import ExitStack
from functools import partial

import torch
from torch import nn


def log_by_autograd(f, heads, x):
    z = f(x)
    log, total = [], 0
    for head in heads:
        dz, dx = torch.autograd.grad(head(z).sum(), (z, x), retain_graph=True)
        log.append(dz.abs())
        total = total + dx
    return log, total


def log_by_retained_grad(f, heads, x):
    z = f(x)
    z.retain_grad()
    log = []
    for head in heads:
        before = torch.zeros_like(z) if z.grad is None else z.grad.clone()
        head(z).sum().backward(retain_graph=True)
        log.append((z.grad - before).abs())
    return log, x.grad


def log_by_one_hook(f, heads, x):
    z = f(x)
    found = []
    handle = z.register_hook(lambda g: found.append(g.detach().clone()))
    for head in heads:
        head(z).sum().backward(retain_graph=True)
    handle.remove()
    return tuple(g.abs() for g in found), x.grad.clone()


class Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad):
        return grad * -ctx.lam, None


def reverse_by_function(x, lam):
    return Reverse.apply(x, lam)


def reverse_by_constant(x, lam):
    """Values (1 + lam) x - lam x, of which the first term is a constant."""
    return (1 + lam) * x.detach() - lam * x


def reverse_by_hook_on_a_view(x, lam):
    y = x.view_as(x)
    if x.requires_grad:
        y.register_hook(lambda g: g.mul(-lam))
    return y


def clip_by_where(params, c):
    def limited(g):
        return torch.where(g.abs() > c, g.sign() * c, g)

    return [p.register_hook(limited) for p in params if p.requires_grad]


def clip_by_minimum(params, c):
    handles = []
    for p in params:
        if not p.requires_grad:
            continue
        high = torch.full_like(p, c, requires_grad=False)
        handles.append(p.register_hook(lambda g, high=high: g.minimum(high).maximum(-high)))
    return tuple(handles)


def freeze_by_copy(weight, rows, optimizer):
    saved = weight.detach()[rows].clone()

    def mask(grad):
        return grad.index_fill(0, rows, 0)

    def put_back(*_):
        weight.data[rows] = saved

    return [weight.register_hook(mask), optimizer.register_step_post_hook(put_back)]


def freeze_around_the_step(weight, rows, optimizer):
    """Takes the copy before each step."""
    kept = []

    def mask(grad):
        return grad.index_fill(0, rows, 0)

    def before(*_):
        kept.append(weight.detach()[rows].clone())

    @torch.no_grad()
    def after(*_):
        weight.index_copy_(0, rows, kept.pop())

    return (
        weight.register_hook(mask),
        optimizer.register_step_pre_hook(before),
        optimizer.register_step_post_hook(after),
    )


def capture_by_stack(model, names, x):
    found = {name: [] for name in names}

    def keep(name, module, args, output):
        found[name].append(output.detach().clone())

    with ExitStack() as stack:
        for name in names:
            handle = model.get_submodule(name).register_forward_hook(partial(keep, name))
            stack.callback(handle.remove)
        model(x)
    return found


def capture_unrecorded(model, names, x):
    by_name = dict(model.named_modules(remove_duplicate=False))
    found = {name: [] for name in names}
    with torch.no_grad():
        handles = [
            by_name[name].register_forward_hook(
                lambda m, args, output, calls=found[name]: calls.append(output.clone())
            )
            for name in names
        ]
        try:
            model(x)
        finally:
            for handle in handles:
                handle.remove()
    return found


def scale_any(module, s):
    def hook(module, args, output):
        if isinstance(output, torch.Tensor):
            return output.mul(s)
        return tuple(t * s for t in output)

    return module.register_forward_hook(hook)


def scale_with_kwargs(module, s):
    def hook(module, args, kwargs, output):
        return torch.utils._pytree.tree_map(lambda t: s * t, output)

    return module.register_forward_hook(hook, with_kwargs=True)


def stats_by_var_mean(model, x):
    found = {}
    with ExitStack() as stack:
        for name, module in model.named_modules():
            if any(True for _ in module.children()):
                continue
            found[name] = []

            def hook(module, args, output, calls=found[name]):
                var, mean = torch.var_mean(output.detach(), correction=0)
                calls.append((mean.item(), var.sqrt().item()))

            stack.callback(module.register_forward_hook(hook).remove)
        with torch.no_grad():
            model(x)
    return found


def stats_by_sums(model, x):
    found, handles = {}, []

    def hook(name, module, args, output):
        values = output.detach().double().flatten().tolist()
        mean = sum(values) / len(values)
        std = (sum((v - mean) ** 2 for v in values) / len(values)) ** 0.5
        found[name].append([mean, std])

    for name, module in model.named_modules():
        if not module._modules:
            found[name] = []
            handles.append(module.register_forward_hook(partial(hook, name)))
    try:
        model(x)
    finally:
        while handles:
            handles.pop().remove()
    return found


def io_by_autograd(module, x, gy):
    x = x.detach().clone().requires_grad_()
    (gin,) = torch.autograd.grad(module(x), x, gy)
    return gin, gy


def io_by_tensor_hooks(module, x, gy):
    seen = {}
    x = x.clone().requires_grad_()
    y = module(x)
    x.register_hook(lambda g: seen.update(gin=g))
    y.register_hook(lambda g: seen.update(gout=g))
    y.backward(gy)
    return seen["gin"], seen["gout"]


def io_by_pre_hook(module, x, gy):
    seen = {}
    handles = [
        module.register_full_backward_pre_hook(lambda m, gout: seen.update(gout=gout[0])),
        module.register_full_backward_hook(lambda m, gin, gout: seen.update(gin=gin[0])),
    ]
    try:
        module(x.requires_grad_()).backward(gy)
    finally:
        [handle.remove() for handle in handles]
    return seen["gin"], seen["gout"]


def all_by_hand(model, x, gy):
    outputs = []
    for layer in model:
        x = layer(x.clone())
        outputs.append(x)
    return torch.autograd.grad(x, outputs, gy)


def all_by_nodes(model, x, gy):
    """A prehook on the node that made each output."""
    grads = []

    def forward_hook(module, args, output):
        place = len(grads)
        grads.append(None)

        def arrives(received):
            grads[place] = received[0].clone()

        output.grad_fn.register_prehook(arrives)

    handles = [layer.register_forward_hook(forward_hook) for layer in model.children()]
    try:
        model(x).backward(gy)
    finally:
        for handle in handles:
            handle.remove()
    return grads


def all_on_a_copy(model, x, gy):
    layers = [nn.ReLU() if isinstance(layer, nn.ReLU) else layer for layer in model]
    outputs = []
    for layer in layers:
        x = layer(x)
        x.retain_grad()
        outputs.append(x)
    x.backward(gy)
    return [output.grad for output in outputs]


def log_on_the_node(f, heads, x):
    """A prehook of the node that made z; x itself has none, and gets a tensor hook."""
    z = f(x)
    log = []
    if z.grad_fn is None:
        z.register_hook(lambda g: log.append(torch.abs(g)))
    else:
        z.grad_fn.register_prehook(lambda grads: log.append(grads[0].abs()))
    for head in heads:
        torch.autograd.backward(head(z).sum(), retain_graph=True)
    return log, x.grad


def log_by_a_multi_hook(f, heads, x):
    z = f(x)
    log = []
    with torch.autograd.graph.register_multi_grad_hook((z,), lambda g: log.append(g[0].abs())):
        for head in heads:
            head(z).sum().backward(retain_graph=True)
    return log, x.grad


def reverse_by_difference(x, lam):
    """A constant plus a term of value zero."""
    return x.detach() + lam * (x.detach() - x)


def reverse_by_node(x, lam):
    y = torch.empty_like(x).copy_(x)
    if y.grad_fn is not None:
        y.grad_fn.register_prehook(lambda grads: (grads[0].mul(-lam),))
    return y


def clip_by_sorting(params, c):
    """The middle one of -c, the entry and c."""

    def limited(g):
        bounds = torch.full_like(g, c)
        return torch.stack([-bounds, g, bounds]).median(0).values

    return [p.register_hook(limited) for p in filter(lambda p: p.requires_grad, params)]


class Limit:
    """A hook with a state of its own."""

    def __init__(self, c):
        self.c = c

    def __call__(self, grad):
        return torch.clip(grad, -self.c, self.c)


def clip_by_object(params, c):
    hook = Limit(c)
    return [p.register_hook(hook) for p in params if p.requires_grad]


def freeze_by_where(weight, rows, optimizer):
    frozen = torch.zeros(len(weight), 1, dtype=torch.bool)
    frozen[rows] = True
    start = weight.detach().clone()

    def put_back(opt, args, kwargs):
        weight.data.copy_(torch.where(frozen, start, weight.data))

    return (
        weight.register_hook(lambda g: g.masked_fill(frozen, 0.0)),
        optimizer.register_step_post_hook(put_back),
    )


def freeze_by_hooks_of_each_row(weight, rows, optimizer):
    """Two hooks for each row: none where there is no row."""
    handles = []
    for row in rows:
        saved = weight.detach()[row].clone()

        def mask(grad, row=row):
            return grad.index_fill(0, row, 0)

        @torch.no_grad()
        def back(*_, row=row, saved=saved):
            weight[row] = saved

        handles += [weight.register_hook(mask), optimizer.register_step_post_hook(back)]
    return handles


def freeze_row_by_row(weight, rows, optimizer):
    saved = {int(row): weight[row].detach().clone() for row in rows}

    def mask(g):
        return torch.stack([r.new_zeros(r.shape) if i in saved else r for i, r in enumerate(g)])

    def put_back(*_):
        with torch.no_grad():
            for row, values in saved.items():
                weight[row].copy_(values)

    return [weight.register_hook(mask), optimizer.register_step_post_hook(put_back)]


def capture_with_global_hook(model, names, x):
    """One hook for all modules, which looks up whose call it is."""
    found = {name: [] for name in names}
    wanted = [(model.get_submodule(name), found[name]) for name in names]

    def hook(module, args, output):
        for one, calls in wanted:
            if one is module:
                calls.append(output.detach().clone())

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        model(x)
    finally:
        handle.remove()
    return found


def capture_by_factory(model, names, x):
    found, handles = {}, []

    def keep(name):
        found[name] = []
        return lambda module, args, output: found[name].append(output.data.clone())

    try:
        for name in names:
            module = model.get_submodule(name)
            handles.append(module.register_forward_hook(keep(name)))
        model(x)
    except Exception:
        raise
    finally:
        while handles:
            handles.pop().remove()
    return found


def scale_by_object(module, s):
    class Scale:
        def __call__(self, module, args, output):
            if torch.is_tensor(output):
                return torch.mul(output, s)
            return (*(torch.mul(t, s) for t in output),)

    return module.register_forward_hook(Scale(), always_call=False)


def scale_by_tensor(module, s):
    def hook(module, args, output):
        many = output if isinstance(output, tuple) else (output,)
        scaled = [t * t.new_tensor(s) for t in many]
        return tuple(scaled) if isinstance(output, tuple) else scaled[0]

    return module.register_forward_hook(hook)


def stats_by_numpy(model, x):
    stats = {}

    def hook(name):
        def keep(module, args, output):
            values = output.detach().cpu().double().numpy()
            stats[name].append((float(values.mean()), float(values.std())))

        return keep

    with ExitStack() as stack:
        for name, module in model.named_modules():
            if len(list(module.modules())) == 1:
                stats[name] = []
                stack.callback(module.register_forward_hook(hook(name)).remove)
        model(x)
    return stats


def stats_with_global_hook(model, x):
    leaves = {m: n for n, m in model.named_modules() if not list(m.children())}
    stats = {name: [] for name in leaves.values()}

    def hook(module, args, output):
        if module in leaves:
            mean = output.mean()
            variance = (output - mean).square().mean()
            stats[leaves[module]].append((mean.item(), variance.sqrt().item()))

    handle = nn.modules.module.register_module_forward_hook(hook)
    try:
        model(x)
    finally:
        handle.remove()
    return stats


def io_by_retained_grad(module, x, gy):
    leaf = x.clone().requires_grad_()
    y = module(leaf)
    y.retain_grad()
    y.backward(gy)
    return leaf.grad, y.grad


def io_by_vjp(module, x, gy):
    _, pull = torch.func.vjp(module, x)
    return pull(gy)[0], gy.clone()


def all_by_registering_outside(model, x, gy):
    """No hook on the model: each layer called by hand, a tensor hook on each output."""
    grads = {}
    for i, layer in enumerate(model):
        x = layer(x)
        x.register_hook(lambda g, i=i: grads.update({i: g.clone()}))
    x.backward(gy)
    return [grads[i] for i in sorted(grads)]


def all_from_the_back(model, x, gy):
    """One product with the Jacobian after another."""
    layers, inputs = list(model), [x]
    for layer in layers:
        inputs.append(layer(inputs[-1].clone()).detach())
    grads = [gy]
    for layer, given in zip(layers[:0:-1], inputs[-2:0:-1], strict=True):
        leaf = given.clone().requires_grad_()
        grads.insert(0, torch.autograd.grad(layer(leaf.clone()), leaf, grads[0])[0])
    return grads


ANSWERS = {
    "tensor_grad_logger": [
        (log_on_the_node,),
        (log_by_a_multi_hook,),
        (log_by_autograd,),
        (log_by_retained_grad,),
        (log_by_one_hook,),
    ],
    "gradient_reversal": [
        (reverse_by_difference,),
        (reverse_by_node,),
        (reverse_by_function,),
        (reverse_by_constant,),
        (reverse_by_hook_on_a_view,),
    ],
    "clip_by_hook": [(clip_by_sorting,), (clip_by_object,), (clip_by_where,), (clip_by_minimum,)],
    "freeze_by_hook": [
        (freeze_by_where,),
        (freeze_by_hooks_of_each_row,),
        (freeze_row_by_row,),
        (freeze_by_copy,),
        (freeze_around_the_step,),
    ],
    "capture_features": [
        (capture_with_global_hook,),
        (capture_by_factory,),
        (capture_by_stack,),
        (capture_unrecorded,),
    ],
    "scale_forward": [(scale_by_object,), (scale_by_tensor,), (scale_any,), (scale_with_kwargs,)],
    "stats_hook": [
        (stats_by_numpy,),
        (stats_with_global_hook,),
        (stats_by_var_mean,),
        (stats_by_sums,),
    ],
    "full_backward_probe": [
        (io_by_retained_grad,),
        (io_by_vjp,),
        (io_by_autograd,),
        (io_by_tensor_hooks,),
        (io_by_pre_hook,),
    ],
    "retain_or_hook": [
        (all_by_registering_outside,),
        (all_from_the_back,),
        (all_by_hand,),
        (all_by_nodes,),
        (all_on_a_copy,),
    ],
}
