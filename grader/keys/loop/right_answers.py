"""Other right answers to the exercises of chapter 6."""

import inspect
import io
import itertools
import math

import torch
from torch import nn


def step_cleared_first(model, opt, loss_fn, x, y):
    opt.zero_grad()
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
        momentum=0.0,
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


def tokens_by_share(model, pieces):
    counts = [(y >= 0).sum().item() for _, y in pieces]
    for p in model.parameters():
        p.grad = None
    mean = 0.0
    for (x, y), count in zip(pieces, counts, strict=True):
        if count:
            loss = torch.nn.functional.cross_entropy(model(x), y) * count / sum(counts)
            loss.backward()
            mean += float(loss.detach())
    return mean


def tokens_by_selection(model, pieces):
    """Padding never goes into the model."""
    kept = [(x[y != -100], y[y != -100]) for x, y in pieces]
    total = sum(len(y) for _, y in kept)
    model.zero_grad()
    mean = 0.0
    for x, y in kept:
        if len(y):
            loss = nn.CrossEntropyLoss()(model(x), y) * (len(y) / total)
            loss.backward()
            mean += loss.item()
    return mean


def tokens_divided_at_the_end(model, pieces):
    model.zero_grad()
    loss_sum, count = 0.0, 0
    for x, y in pieces:
        loss = nn.functional.nll_loss(model(x).log_softmax(1), y, reduction="sum")
        loss.backward()
        loss_sum += loss.item()
        count += int(y.ne(-100).sum())
    for p in model.parameters():
        if p.grad is not None:
            p.grad /= count
    return loss_sum / count


def tokens_by_autograd(model, pieces):
    count = torch.cat([y for _, y in pieces]).ne(-100).sum().item()
    used = [p for p in model.parameters() if p.requires_grad]
    model.zero_grad()
    loss_sum = 0.0
    for x, y in pieces:
        each = nn.functional.cross_entropy(model(x), y, reduction="none")
        grads = torch.autograd.grad(each.sum() / count, used, allow_unused=True)
        for p, g in zip(used, grads, strict=True):
            if g is not None:
                p.grad = g if p.grad is None else p.grad + g
        loss_sum += each.sum().item()
    return loss_sum / count


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
    torch.save((tensors, opt.state_dict(), sched.state_dict()), file)


def load_by_parts(model, opt, sched, file):
    tensors, memory, schedule = torch.load(file)
    with torch.no_grad():
        for name, t in model.state_dict().items():
            t.copy_(tensors[name])
    opt.load_state_dict(memory)
    vars(sched).update(schedule)


def step_by_autograd(model, opt, loss_fn, x, y):
    trained = [p for p in model.parameters() if p.requires_grad]
    loss = loss_fn(model(x), y)
    grads = torch.autograd.grad(loss, trained, allow_unused=True)
    for group in opt.param_groups:
        for p in group["params"]:
            p.grad = None
    for p, g in zip(trained, grads, strict=True):
        p.grad = g
    opt.step()
    return loss.item()


def step_cleared_after_forward(model, opt, loss_fn, x, y):
    loss = loss_fn(model(x), y)
    number = loss.tolist()
    opt.zero_grad(set_to_none=True)
    loss.backward()
    opt.step()
    return number


def epoch_by_iterator(model, opt, sched, loss_fn, batches, max_norm):
    def one(batch):
        x, y = batch
        opt.zero_grad()
        loss = loss_fn(model(x), y)
        loss.backward()
        norm = nn.utils.get_total_norm([p.grad for p in model.parameters() if p.grad is not None])
        nn.utils.clip_grads_with_norm_(model.parameters(), max_norm, norm)
        opt.step()
        sched.step()
        return loss.item()

    return [one(batch) for batch in batches]


def epoch_over_groups(model, opt, sched, loss_fn, batches, max_norm):
    parameters = [p for group in opt.param_groups for p in group["params"]]
    losses = []
    for x, y in batches:
        losses.append(loss_fn(model(x), y))
        losses[-1].backward()
        nn.utils.clip_grad_norm_(parameters, max_norm)
        opt.step()
        for p in parameters:
            p.grad = None
        sched.step()
    return [float(loss.detach()) for loss in losses]


def cross_entropy_of_shares(logits, y):
    target = nn.functional.one_hot(y, logits.shape[1]).to(logits)
    return nn.functional.cross_entropy(logits, target)


def cross_entropy_by_softplus(logits, y):
    """Minus the logarithm of a share is the logsumexp of the differences to its score."""
    picked = logits.gather(1, y.unsqueeze(1))
    return (logits - picked).logsumexp(1).mean()


def grads_by_jvp_of_rows(X, y, w):
    each = torch.func.vmap(torch.func.grad(lambda v, a, b: (a @ v - b) ** 2), (None, 0, 0))
    rows = each(w, X, y)
    return rows.mean(0), rows.sum(0)


def grads_by_normal_equations(X, y, w):
    total = 2 * (X.mT @ X @ w - X.mT @ y)
    return total / y.numel(), total


def accumulated_by_autograd(model, loss_fn, pieces):
    parameters = [p for p in model.parameters() if p.requires_grad]
    rows = sum(y.shape[0] for _, y in pieces)
    sums, loss_sum = [None] * len(parameters), 0.0
    for x, y in pieces:
        if y.shape[0]:
            loss = loss_fn(model(x), y) * y.shape[0] / rows
            grads = torch.autograd.grad(loss, parameters, allow_unused=True)
            sums = [
                g if s is None else s if g is None else s + g
                for s, g in zip(sums, grads, strict=True)
            ]
            loss_sum += loss.item()
    for p, s in zip(parameters, sums, strict=True):
        p.grad = s
    return loss_sum


def accumulated_by_start(model, loss_fn, pieces):
    """backward is told the weight, by the gradient that it starts from."""
    model.zero_grad(set_to_none=False)
    kept = [(x, y) for x, y in pieces if x.numel()]
    rows = float(sum(len(x) for x, _ in kept))
    loss_sum = 0.0
    for x, y in kept:
        loss = loss_fn(model(x), y)
        loss.backward(torch.full_like(loss, len(x) / rows))
        loss_sum += float(loss.detach()) * len(x)
    return loss_sum / rows


def sgd_by_data(params, state, lr, mu, wd):
    for p in params:
        if p.grad is None:
            continue
        d = p.grad.detach() + wd * p.data
        state[p] = d if p not in state else mu * state[p] + d
        p.data.add_(state[p], alpha=-lr)


def sgd_by_foreach(params, state, lr, mu, wd):
    with torch.no_grad():
        present = [p for p in params if p.grad is not None]
        ds = torch._foreach_add([p.grad for p in present], present, alpha=wd)
        for p, d in zip(present, ds, strict=True):
            buffer = state.get(id(p))
            state[id(p)] = d if buffer is None else buffer * mu + d
        torch._foreach_sub_(present, [lr * state[id(p)] for p in present])


def adam_by_class(params, state, lr, b1, b2, eps, wd, decoupled):
    class Memory:
        def __init__(self, p):
            self.t, self.m, self.v = 0, torch.zeros_like(p), torch.zeros_like(p)

    for p in params:
        if p.grad is None:
            continue
        one = state.setdefault(id(p), Memory(p.detach()))
        one.t += 1
        g = p.grad.clone()
        shrunk = p.data * (1 - lr * wd) if decoupled else p.data
        g = g if decoupled else g + wd * p.data
        one.m = b1 * one.m + (1 - b1) * g
        one.v = b2 * one.v + (1 - b2) * g.square()
        size = (one.v / (1 - b2**one.t)).sqrt() + eps
        p.data.copy_(shrunk - lr * one.m / (1 - b1**one.t) / size)


def adam_by_torch(params, state, lr, b1, b2, eps, wd, decoupled):
    kind = torch.optim.AdamW if decoupled else torch.optim.Adam
    if "optimizer" not in state:
        state["optimizer"] = kind(params, lr, (b1, b2), eps, wd)
    state["optimizer"].step()


def group_of_each(model, head, lr_body, lr_head, wd):
    own = {p.data_ptr() for p in head.parameters()}
    return torch.optim.SGD(
        {
            "params": p,
            "lr": lr_head if p.data_ptr() in own else lr_body,
            "weight_decay": wd * (p.dim() >= 2),
        }
        for p in model.parameters()
        if p.requires_grad
    )


def settings_afterwards(model, head, lr_body, lr_head, wd):
    trained = [p for p in model.parameters() if p.requires_grad]
    opt = torch.optim.SGD([{"params": [p]} for p in trained], lr=lr_body, weight_decay=wd)
    for group in opt.param_groups:
        (p,) = group["params"]
        if any(p is other for other in head.parameters()):
            group["lr"] = lr_head
        if p.ndim < 2:
            group["weight_decay"] = 0
    return opt


def save_in_memory_first(model, opt, sched, file):
    inner = io.BytesIO()
    torch.save((model.state_dict(), opt.state_dict(), sched.state_dict()), inner)
    file.write(inner.getvalue())


def load_the_tuple(model, opt, sched, file):
    inner = io.BytesIO(file.read())
    for part, state in zip((model, opt, sched), torch.load(inner), strict=True):
        part.load_state_dict(state)


def save_flat(model, opt, sched, file):
    state = {f"model.{name}": value for name, value in model.state_dict().items()}
    torch.save(state | {"opt": opt.state_dict(), "sched": sched.state_dict()}, file)


def load_flat(model, opt, sched, file):
    state = torch.load(file, weights_only=True)
    opt.load_state_dict(state.pop("opt"))
    sched.load_state_dict(state.pop("sched"))
    model.load_state_dict({name.removeprefix("model."): value for name, value in state.items()})


ANSWERS = {
    "train_step": [
        [step_by_autograd],
        [step_cleared_after_forward],
        [step_cleared_first],
        [step_cleared_by_hand],
        [step_by_closure],
    ],
    "order_the_lines": [
        [epoch_by_iterator],
        [epoch_over_groups],
        *([epoch_of(order)] for order in itertools.permutations(LINES) if is_valid(order)),
        [epoch_by_hand],
    ],
    "loss_choice": [
        [cross_entropy_of_shares],
        [cross_entropy_by_softplus],
        [cross_entropy_by_log_softmax],
        [cross_entropy_by_indexing],
        [cross_entropy_by_loop],
    ],
    "batch_gradient_facts": [
        [grads_by_jvp_of_rows],
        [grads_by_normal_equations],
        [grads_by_hand],
        [grads_by_backward],
    ],
    "accumulate": [
        [accumulated_by_autograd],
        [accumulated_by_start],
        [accumulated_by_sums],
        [accumulated_row_by_row],
    ],
    "sgd_from_scratch": [
        [sgd_by_data],
        [sgd_by_foreach],
        [sgd_in_place],
        [sgd_by_copies],
        [sgd_by_torch],
    ],
    "adam_from_scratch": [
        [adam_by_class],
        [adam_by_torch],
        [adam_as_torch_writes_it],
        [adam_from_all_gradients],
    ],
    "param_groups": [[group_of_each], [settings_afterwards], [four_groups], [groups_added_later]],
    "resume": [
        [save_in_memory_first, load_the_tuple],
        [save_flat, load_flat],
        [save_by_name, load_by_name],
        [save_by_parts, load_by_parts],
    ],
    "accumulate_tokens": [
        [tokens_by_share],
        [tokens_by_selection],
        [tokens_divided_at_the_end],
        [tokens_by_autograd],
    ],
}
