"""Other right answers to the exercises of chapter 6."""

import inspect
import itertools
import math

import torch
from torch import nn


def step_cleared_first(model, opt, loss_fn, x, y):
    opt.zero_grad(set_to_none=False)
    prediction = model(x)
    loss = loss_fn(prediction, y)
    loss.backward()
    opt.step()
    return float(loss.detach())


def step_cleared_by_hand(model, opt, loss_fn, x, y):
    loss = loss_fn(model(x), y)
    for p in model.parameters():
        p.grad = None
    torch.autograd.backward(loss)
    opt.step()
    opt.zero_grad()
    return loss.item()


def step_by_closure(model, opt, loss_fn, x, y):
    def closure():
        model.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        return loss

    return opt.step(closure).item()


LINES = {
    "clear": "opt.zero_grad()",
    "forward": "loss = loss_fn(model(x), y)",
    "backward": "loss.backward()",
    "clip": "nn.utils.clip_grad_norm_(model.parameters(), max_norm)",
    "step": "opt.step()",
    "schedule": "sched.step()",
    "log": "losses.append(loss.item())",
}
CHAIN = ("forward", "backward", "clip", "step", "schedule")


def is_valid(order):
    """Whether an order of the lines trains right."""
    at = {line: i for i, line in enumerate(order)}
    return (
        all(at[one] < at[other] for one, other in itertools.pairwise(CHAIN))
        and not at["backward"] < at["clear"] < at["step"]
        and at["forward"] < at["log"]
    )


def epoch_of(order):
    """train_epoch with its lines in some order."""
    body = "\n        ".join(LINES[line] for line in order)
    source = f"""
def train_epoch(model, opt, sched, loss_fn, batches, max_norm):
    losses = []
    for x, y in batches:
        {body}
    return losses
"""
    names = {"nn": nn}
    exec(inspect.cleandoc(source), names)
    return names["train_epoch"]


def epoch_by_hand(model, opt, sched, loss_fn, batches, max_norm):
    losses = []
    parameters = list(model.parameters())
    for x, y in batches:
        loss = loss_fn(model(x), y)
        grads = torch.autograd.grad(loss, parameters, allow_unused=True)
        norm = math.sqrt(sum(g.pow(2).sum().item() for g in grads if g is not None))
        for p, g in zip(parameters, grads, strict=True):
            p.grad = None if g is None else g * min(1.0, max_norm / (norm + 1e-6))
        opt.step()
        sched.step()
        losses.append(float(loss))
    return losses


def cross_entropy_by_log_softmax(logits, y):
    return nn.functional.nll_loss(logits.log_softmax(dim=-1), y)


def cross_entropy_by_indexing(logits, y):
    shifted = logits - logits.max(1, keepdim=True).values
    log_p = shifted - shifted.exp().sum(1, keepdim=True).log()
    return -log_p[torch.arange(len(y), device=y.device), y].sum() / len(y)


def cross_entropy_by_loop(logits, y):
    terms = [torch.logsumexp(row, 0) - row[label] for row, label in zip(logits, y, strict=True)]
    return sum(terms) / len(terms)


def grads_by_hand(X, y, w):
    total = 2 * X.T @ (X @ w - y)
    return total / X.shape[0], total


def grads_by_backward(X, y, w):
    found = []
    for reduction in ("mean", "sum"):
        leaf = w.detach().clone().requires_grad_()
        nn.functional.mse_loss(X @ leaf, y, reduction=reduction).backward()
        found.append(leaf.grad)
    return found


def accumulated_by_sums(model, loss_fn, pieces):
    for p in model.parameters():
        p.grad = None
    rows, loss_sum = 0, 0.0
    for x, y in pieces:
        if x.shape[0] == 0:
            continue
        loss = loss_fn(model(x), y) * x.shape[0]
        loss.backward()
        rows, loss_sum = rows + x.shape[0], loss_sum + loss.item()
    for p in model.parameters():
        if p.grad is not None:
            p.grad.div_(rows)
    return loss_sum / rows


def accumulated_row_by_row(model, loss_fn, pieces):
    model.zero_grad()
    rows = [(x[i : i + 1], y[i : i + 1]) for x, y in pieces for i in range(len(x))]
    loss = 0.0
    for x, y in rows:
        part = loss_fn(model(x), y) / len(rows)
        part.backward()
        loss += float(part.detach())
    return loss


def sgd_in_place(params, state, lr, mu, wd):
    buffers = state.setdefault("buffers", {})
    with torch.no_grad():
        for p in params:
            if p.grad is None:
                continue
            d = p.grad.add(p, alpha=wd)
            buffer = buffers.setdefault(id(p), torch.zeros_like(p))
            buffer.mul_(mu).add_(d)
            p.sub_(buffer, alpha=lr)


def sgd_by_copies(params, state, lr, mu, wd):
    for i, p in enumerate(params):
        if p.grad is not None:
            w = p.detach()
            state[i] = mu * state.get(i, 0.0) + (p.grad + wd * w)
            with torch.no_grad():
                p.copy_(w - lr * state[i])


def sgd_by_torch(params, state, lr, mu, wd):
    opt = torch.optim.SGD(params, lr=lr, momentum=mu, weight_decay=wd, foreach=False)
    if "memory" in state:
        opt.load_state_dict({**opt.state_dict(), "state": state["memory"]})
    opt.step()
    state["memory"] = opt.state_dict()["state"]


def adam_as_torch_writes_it(params, state, lr, b1, b2, eps, wd, decoupled):
    with torch.no_grad():
        for i, p in enumerate(params):
            if p.grad is None:
                continue
            g = p.grad
            if decoupled:
                p.mul_(1 - lr * wd)
            else:
                g = g.add(p, alpha=wd)
            mine = state.setdefault(i, {"t": 0, "m": torch.zeros_like(p), "v": torch.zeros_like(p)})
            mine["t"] += 1
            mine["m"].lerp_(g, 1 - b1)
            mine["v"].mul_(b2).addcmul_(g, g, value=1 - b2)
            size = mine["v"].sqrt() / math.sqrt(1 - b2 ** mine["t"]) + eps
            p.addcdiv_(mine["m"], size, value=-lr / (1 - b1 ** mine["t"]))


def adam_from_all_gradients(params, state, lr, b1, b2, eps, wd, decoupled):
    """Keeps every gradient and sums the averages anew."""
    for i, p in enumerate(params):
        if p.grad is None:
            continue
        w = p.detach().clone()
        g = p.grad.clone()
        if decoupled:
            w = w - lr * wd * w
        else:
            g = g + wd * w
        history = state.setdefault(f"gradients of {i}", [])
        history.append(g)
        t = len(history)
        m = sum((1 - b1) * b1 ** (t - 1 - k) * h for k, h in enumerate(history))
        v = sum((1 - b2) * b2 ** (t - 1 - k) * h * h for k, h in enumerate(history))
        step = lr * (m / (1 - b1**t)) / ((v / (1 - b2**t)) ** 0.5 + eps)
        p.data = p.data.copy_(w - step)


def four_groups(model, head, lr_body, lr_head, wd):
    in_head = {id(p) for p in head.parameters()}
    groups = {}
    for p in model.parameters():
        if p.requires_grad:
            groups.setdefault((id(p) in in_head, p.dim() > 1), []).append(p)
    return torch.optim.SGD(
        [
            {
                "params": params,
                "lr": lr_head if of_head else lr_body,
                "weight_decay": wd if matrix else 0.0,
            }
            for (of_head, matrix), params in groups.items()
        ],
        lr=1.0,
    )


def groups_added_later(model, head, lr_body, lr_head, wd):
    own = set(head.parameters())
    rest = [p for p in model.parameters() if p not in own and p.requires_grad]
    opt = torch.optim.SGD([p for p in rest if p.ndim < 2], lr=lr_body)
    opt.add_param_group({"params": [p for p in rest if p.ndim >= 2], "weight_decay": wd})
    for p in own:
        if p.requires_grad:
            decay = wd if p.ndim >= 2 else 0.0
            opt.add_param_group({"params": p, "lr": lr_head, "weight_decay": decay})
    return opt


def finetune_whole(model, head, loss_fn, batches, lr):
    model.head = head
    for p in model.body.parameters():
        p.requires_grad = False
        p.grad = None
    model.train()
    model.body.train(False)
    opt = torch.optim.SGD(
        [p for p in model.parameters() if p.requires_grad], lr=lr, weight_decay=0.1
    )
    for x, y in batches:
        loss = loss_fn(model(x), y)
        opt.zero_grad()
        loss.backward()
        opt.step()


def finetune_in_two_parts(model, head, loss_fn, batches, lr):
    model.requires_grad_(False).eval()
    model.head = head.train()
    opt = torch.optim.SGD(head.parameters(), lr, weight_decay=0.1)
    for x, y in batches:
        with torch.no_grad():
            features = model.body(x)
        loss_fn(model.head(features), y).backward()
        opt.step()
        opt.zero_grad()


def save_by_name(model, opt, sched, file):
    parts = {"model": model, "opt": opt, "sched": sched}
    torch.save({name: part.state_dict() for name, part in parts.items()}, file)


def load_by_name(model, opt, sched, file):
    states = torch.load(file, map_location="cpu", weights_only=True)
    sched.load_state_dict(states["sched"])
    opt.load_state_dict(states["opt"])
    model.load_state_dict(states["model"])


def save_by_parts(model, opt, sched, file):
    tensors = {n: t.detach().clone() for n, t in model.state_dict().items()}
    steps = sched.last_epoch
    torch.save((tensors, opt.state_dict(), steps), file)


def load_by_parts(model, opt, sched, file):
    tensors, memory, steps = torch.load(file)
    with torch.no_grad():
        for name, t in model.state_dict().items():
            t.copy_(tensors[name])
    opt.load_state_dict(memory)
    sched.last_epoch = steps


ANSWERS = {
    "train_step": [[step_cleared_first], [step_cleared_by_hand], [step_by_closure]],
    "order_the_lines": [
        *([epoch_of(order)] for order in itertools.permutations(LINES) if is_valid(order)),
        [epoch_by_hand],
    ],
    "loss_choice": [
        [cross_entropy_by_log_softmax],
        [cross_entropy_by_indexing],
        [cross_entropy_by_loop],
    ],
    "batch_gradient_facts": [[grads_by_hand], [grads_by_backward]],
    "accumulate": [[accumulated_by_sums], [accumulated_row_by_row]],
    "sgd_from_scratch": [[sgd_in_place], [sgd_by_copies], [sgd_by_torch]],
    "adam_from_scratch": [[adam_as_torch_writes_it], [adam_from_all_gradients]],
    "param_groups": [[four_groups], [groups_added_later]],
    "resume": [[save_by_name, load_by_name], [save_by_parts, load_by_parts]],
    "finetune": [[finetune_whole], [finetune_in_two_parts]],
}
