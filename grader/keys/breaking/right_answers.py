"""Other right answers to the exercises of chapter 14."""

import collections
import contextlib

import torch
from torch import nn


def norms_by_index(x):
    norms = torch.zeros(len(x), dtype=x.dtype, device=x.device)
    some = x.abs().amax(1) > 0
    norms[some] = x[some].norm(dim=1)
    return norms


def norms_by_a_safe_row(x):
    zero = (x == 0).all(1, keepdim=True)
    safe = x.masked_fill(zero, 1.0)
    return torch.linalg.vector_norm(safe, dim=1).masked_fill(zero.squeeze(1), 0.0)


def norms_by_largest(x):
    """Scaled by the greatest entry, which makes no square too small."""
    largest = x.detach().abs().amax(-1)
    zero = largest == 0
    scale = torch.where(zero, 1.0, largest)
    squares = (x / scale[:, None]).square().sum(-1)
    roots = torch.where(zero, 1.0, squares) ** 0.5
    return torch.where(zero, torch.zeros_like(roots), roots * scale)


def entropy_by_index(p):
    terms = torch.zeros_like(p)
    some = p > 0
    terms[some] = p[some] * torch.log(p[some])
    return -terms.sum(dim=-1)


def entropy_by_one(p):
    safe = torch.where(p > 0, p, torch.ones_like(p))
    return -(safe * safe.log()).sum(-1)


def entropy_by_fill(p):
    return torch.special.entr(p.masked_fill(p == 0, 1.0)).sum(-1)


def born_by_what_arrived(loss):
    """What arrives at a node is asked before it runs."""
    nodes, leaves, names, good = [loss.grad_fn], [], [], set()
    met = {loss.grad_fn}
    handles = []
    for node in nodes:

        def arrive(arrived, node=node):
            if all(grad is None or torch.isfinite(grad).all() for grad in arrived):
                good.add(node)

        def see(sent, arrived, node=node):
            if node in good and not all(g is None or torch.isfinite(g).all() for g in sent):
                names.append(node.name())

        handles += [node.register_prehook(arrive), node.register_hook(see)]
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        for other, _ in node.next_functions:
            if other is not None and other not in met:
                met.add(other)
                nodes.append(other)
    torch.autograd.grad(loss, leaves, retain_graph=True, allow_unused=True)
    for handle in handles:
        handle.remove()
    return names[0] if names else None


def born_by_backward(loss):
    """backward() itself, with .grad put back where it lay."""
    nodes, waiting = {}, collections.deque([loss.grad_fn])
    while waiting:
        node = waiting.pop()
        if node is not None and node not in nodes:
            nodes[node] = None
            waiting.extend(following for following, _ in node.next_functions)
    leaves = [node.variable for node in nodes if hasattr(node, "variable")]
    kept = [leaf.grad for leaf in leaves]
    for leaf in leaves:
        leaf.grad = None

    def is_bad(grads):
        return any(grad is not None and not grad.isfinite().all() for grad in grads)

    first = []
    handles = []
    for node in nodes:

        def see(sent, arrived, node=node):
            if not first and is_bad(sent) and not is_bad(arrived):
                first.append(node.name())

        handles.append(node.register_hook(see))
    loss.backward(retain_graph=True)
    for handle in handles:
        handle.remove()
    for leaf, grad in zip(leaves, kept, strict=True):
        leaf.grad = grad
    return next(iter(first), None)


def hvp_by_func(f, x, v):
    with torch.no_grad():
        return torch.func.jvp(torch.func.grad(f), (x,), (v,))[1]


def hvp_by_functional(f, x, v):
    return torch.autograd.functional.hvp(f, x.detach(), v.detach())[1]


def hvp_by_slope(f, x, v):
    """The gradient of the slope along v."""

    def slope(z):
        return torch.func.jvp(f, (z,), (v.detach(),))[1]

    return torch.func.grad(slope)(x.detach())


def hvp_by_sum(f, x, v):
    z = x.detach().requires_grad_()
    (g,) = torch.autograd.grad(f(z), z, create_graph=True)
    slope = (g * v.detach()).sum() + 0 * z.sum()
    return torch.autograd.grad(slope, z)[0]


def sample_norms_by_func(model, loss_fn, x, y):
    learning = {n: p.detach() for n, p in model.named_parameters() if p.requires_grad}

    def loss_of(parameters, row, target):
        out = torch.func.functional_call(model, parameters, (row[None],))
        return loss_fn(out, target[None])

    grads = torch.func.vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))(learning, x, y)
    squares = [g.flatten(1).square().sum(1) for g in grads.values()]
    return torch.stack(squares).sum(0).sqrt()


def sample_norms_by_backward(model, loss_fn, x, y):
    parameters = list(model.parameters())
    kept = [p.grad for p in parameters]
    norms = []
    for row, target in zip(x.detach(), y.detach(), strict=True):
        for p in parameters:
            p.grad = None
        loss_fn(model(row[None]), target[None]).backward()
        flat = torch.cat([p.grad.flatten() for p in parameters if p.grad is not None])
        norms.append(flat.norm())
    for p, grad in zip(parameters, kept, strict=True):
        p.grad = grad
    return torch.stack(norms)


def windows_by_split(model, opt, loss_fn, xs, ys, state, k):
    losses = []
    for x, y in zip(xs.split(k), ys.split(k), strict=True):
        state = [t.detach() for t in state]
        opt.zero_grad()
        terms = []
        for row, target in zip(x, y, strict=True):
            prediction, state = model(row, tuple(state))
            terms.append(loss_fn(prediction, target))
        loss = torch.stack(terms).sum()
        loss.backward()
        opt.step()
        losses.append(float(loss))
    return losses, tuple(t.detach() for t in state)


def windows_by_step(model, opt, loss_fn, xs, ys, state, k):
    """Step by step; a window ends where the count says so."""
    losses, total, opened = [], 0.0, False
    for t in range(len(xs)):
        if not opened:
            state = tuple(one.detach().clone() for one in state)
            total, opened = 0.0, True
        prediction, state = model(xs[t], state)
        total = total + loss_fn(prediction, ys[t])
        if (t + 1) % k == 0 or t + 1 == len(xs):
            opt.zero_grad()
            total.backward()
            opt.step()
            losses.append(total.item())
            opened = False
    return losses, tuple(one.detach() for one in state)


def windows_by_running_backward(model, opt, loss_fn, xs, ys, state, k):
    """One backward pass for each step of a window adds up the same gradient."""
    losses = []
    for start in range(0, len(xs), k):
        opt.zero_grad()
        state = tuple(one.detach() for one in state)
        terms = []
        for t in range(start, min(start + k, len(xs))):
            prediction, state = model(xs[t], state)
            terms.append(loss_fn(prediction, ys[t]))
        for term in terms:
            term.backward(retain_graph=True)
        opt.step()
        losses.append(sum(term.item() for term in terms))
    return losses, tuple(one.detach() for one in state)


def amp_by_scaled_limit(model, opt, scaler, loss_fn, x, y, max_norm):
    """A limit that is multiplied by the scale, as the gradients are."""
    loss = loss_fn(model(x), y)
    opt.zero_grad()
    scaler.scale(loss).backward()
    scale = scaler.get_scale()
    torch.nn.utils.clip_grad_norm_(model.parameters(), max_norm * scale)
    scaler.step(opt)
    scaler.update()
    return loss.item()


def amp_by_own_clipping(model, opt, scaler, loss_fn, x, y, max_norm):
    opt.zero_grad()
    loss = loss_fn(model(x), y)
    scaler.scale(loss).backward()
    scaler.unscale_(opt)
    grads = [p.grad for p in model.parameters() if p.grad is not None]
    total = torch.stack([g.square().sum() for g in grads]).sum().sqrt()
    if total > max_norm:
        for g in grads:
            g.mul_(max_norm / total)
    scaler.step(opt)
    scaler.update()
    return loss.item()


def keep_by_fork(block, x):
    state = torch.random.get_rng_state()
    with torch.no_grad():
        y = block(x)
    return y, {"random": state}


def again_by_fork(block, x, state):
    with torch.random.fork_rng(devices=[]):
        torch.random.set_rng_state(state["random"])
        return block(x)


def keep_by_generator(block, x):
    state = torch.default_generator.get_state()
    with torch.no_grad():
        return [block(x), state]


def again_by_generator(block, x, state):
    found = torch.default_generator.get_state()
    with contextlib.ExitStack() as stack:
        stack.callback(torch.default_generator.set_state, found)
        torch.default_generator.set_state(state)
        return block(x)


def straight_by_functional(net, x):
    z = x.detach()
    w = torch.autograd.functional.jacobian(net, z)
    with torch.no_grad():
        return w, net(z) - w @ z


def straight_by_rows(net, x):
    z = x.detach().requires_grad_()
    y = net(z)
    rows = [torch.autograd.grad(out, z, retain_graph=True)[0] for out in y]
    w = torch.stack(rows)
    return [w, y.detach() - (w * z.detach()).sum(1)]


def _in_order(net):
    """The layers as they run: one that stands in two places comes twice."""
    for part in net:
        yield from _in_order(part) if isinstance(part, torch.nn.Sequential) else (part,)


def straight_by_layers(net, x):
    """The maps of all layers multiplied, each with the slopes of the activation behind it."""
    w = torch.eye(len(x), dtype=x.dtype, device=x.device)
    b = torch.zeros_like(x)
    for layer in _in_order(net):
        if isinstance(layer, nn.Linear):
            w, b = layer.weight @ w, layer.weight @ b
            b = b if layer.bias is None else b + layer.bias
        else:
            slopes = torch.full_like(b, getattr(layer, "negative_slope", 0.0))
            slopes[w @ x + b > 0] = 1
            w, b = slopes[:, None] * w, slopes * b
    return w.detach(), b.detach()


ANSWERS = {
    "safe_norm": [(norms_by_index,), (norms_by_a_safe_row,), (norms_by_largest,)],
    "fix_where": [(entropy_by_index,), (entropy_by_one,), (entropy_by_fill,)],
    "born_nan": [(born_by_what_arrived,), (born_by_backward,)],
    "hvp": [(hvp_by_func,), (hvp_by_functional,), (hvp_by_slope,), (hvp_by_sum,)],
    "per_sample_norms": [(sample_norms_by_func,), (sample_norms_by_backward,)],
    "truncated_bptt": [(windows_by_split,), (windows_by_step,), (windows_by_running_backward,)],
    "clip_after_unscale": [(amp_by_scaled_limit,), (amp_by_own_clipping,)],
    "keeps_dropout": [
        (keep_by_fork, again_by_fork),
        (keep_by_generator, again_by_generator),
    ],
    "straight_slope": [(straight_by_functional,), (straight_by_rows,), (straight_by_layers,)],
}
