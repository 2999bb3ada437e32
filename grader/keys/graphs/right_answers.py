"""Other right answers to the exercises of chapter 1."""

from collections import deque

import torch


def two_path_by_autograd(x, w):
    x.requires_grad_()
    w.requires_grad_()
    ((x + w) * (w + 1)).sum().backward()
    return [x.grad, w.grad]


def two_path_with_loops(x, w):
    dx, dw = torch.empty_like(x), torch.empty_like(w)
    for i in range(len(x)):
        dx[i] = w[i] + 1
        dw[i] = 2 * w[i] + x[i] + 1
    return dx, dw


def edges_as_python_numbers(a, w1, w2, w3, w4):
    a, w1, w2, w3, w4 = (float(t) for t in (a, w1, w2, w3, w4))
    return {"w4": -w2 * a, "w3": -w1 * a, "w2": -w4 * a, "w1": -w3 * a, "a": -w3 * w1 - w4 * w2}


def edges_by_autograd(a, w1, w2, w3, w4):
    names = {"a": a, "w1": w1, "w2": w2, "w3": w3, "w4": w4}
    for t in names.values():
        t.requires_grad_()
    (10 - (w3 * w1 * a + w4 * w2 * a)).backward()
    return {name: t.grad for name, t in names.items()}


def names_with_deque(t):
    print("a learner's own print does not matter")
    names, seen, queue = [], set(), deque([t.grad_fn])
    while queue:
        node = queue.popleft()
        if node is None or node in seen:
            continue
        seen.add(node)
        names.append(node.name())
        queue.extend(following for following, _ in node.next_functions)
    return names


def names_by_level(t):
    level, seen, names = [t.grad_fn] if t.grad_fn else [], [], []
    while level:
        below = []
        for node in level:
            if node not in seen[-8:]:
                seen.append(node)
                names.append(node.name())
                below += [n for n, _ in node.next_functions if n is not None and n not in below]
        level = [n for n in below if n not in seen]
    return names


def weighted_by_hand(x, v):
    return 3 * x * x * v


def weighted_by_sum(x, v):
    x = x.clone().requires_grad_()
    (x.pow(3) * v).sum().backward()
    return x.grad


def jacobian_with_cleared_grad(f, x):
    x.requires_grad_()
    y = f(x)
    J = torch.zeros(len(y), len(x), dtype=x.dtype, device=x.device)
    for i in range(len(y)):
        x.grad = None
        y[i].backward(retain_graph=True)
        J[i] = x.grad
    return J


def jacobian_by_func(f, x):
    return torch.func.jacrev(f)(x)


def jacobian_in_one_batch(f, x):
    x = x.detach().clone().requires_grad_()
    y = f(x)
    starts = torch.eye(len(y), dtype=x.dtype, device=x.device)
    return torch.autograd.grad(y, x, starts, is_grads_batched=True)[0]


def jacobian_forwards(f, x):
    return torch.func.jacfwd(f)(x)


def weighted_by_vjp(x, v):
    return torch.func.vjp(lambda t: t**3, x)[1](v)[0]


def heads_by_hand(a):
    return 4 * a / a.numel(), 4 * a, 4 * a * (1 + 1 / a.numel())


def heads_by_grad(a):
    a = a.detach().requires_grad_()
    c = 2 * a**2
    g_mean = torch.autograd.grad(c.mean(), a, retain_graph=True)[0]
    g_sum = torch.autograd.grad(c.sum(), a)[0]
    return g_mean, g_sum, g_mean + g_sum


def diagonal_forwards(f, x):
    return torch.func.hessian(f)(x).diag()


def diagonal_through_grad(f, x):
    x.requires_grad_()
    f(x).backward(create_graph=True)
    g, entries = x.grad, []
    for i in range(len(x)):
        x.grad = None
        g[i].backward(retain_graph=True)
        entries.append(x.grad[i])
    return torch.stack(entries)


def diagonal_by_hessian(f, x):
    return torch.autograd.functional.hessian(f, x).diagonal()


def diagonal_by_unit_vectors(f, x):
    x = x.clone().requires_grad_()
    g = torch.autograd.grad(f(x), x, create_graph=True)[0]
    result = torch.zeros_like(x)
    for i, e in enumerate(torch.eye(len(x), dtype=x.dtype, device=x.device)):
        result[i] = torch.autograd.grad(g, x, grad_outputs=e, retain_graph=True)[0][i]
    return result


def raise_by_rule(expression, x, retain_graph):
    saves = ("* ", "/", "exp", "**", "relu", "sin")
    walked = expression.rpartition(").detach()")[2]  # what is cut off is not walked
    return retain_graph or not any(op in walked for op in saves)


def flags_by_rule(expression, x, c, no_grad):
    if expression in ("x", "c") or "requires_grad=True" in expression:
        return expression != "c", True
    integer = any(text in expression for text in (">", "==", "argmax", "long"))
    recorded = "x" in expression.replace("exp", "") and not integer and not no_grad
    recorded = recorded and "detach" not in expression and "zeros_like" not in expression
    if expression == "x.exp()":
        recorded = not no_grad
    return recorded, not recorded


ANSWERS = {
    "two_path_grad": [(two_path_by_autograd,), (two_path_with_loops,)],
    "edge_products": [(edges_as_python_numbers,), (edges_by_autograd,)],
    "walk_graph": [(names_with_deque,), (names_by_level,)],
    "vjp_vector": [(weighted_by_hand,), (weighted_by_sum,), (weighted_by_vjp,)],
    "jacobian_rows": [
        (jacobian_with_cleared_grad,),
        (jacobian_by_func,),
        (jacobian_in_one_batch,),
        (jacobian_forwards,),
    ],
    "two_heads": [(heads_by_hand,), (heads_by_grad,)],
    "second_derivative": [
        (diagonal_by_hessian,),
        (diagonal_by_unit_vectors,),
        (diagonal_forwards,),
        (diagonal_through_grad,),
    ],
    "will_it_raise": [(raise_by_rule,)],
    "requires_grad_table": [(flags_by_rule,)],
}
