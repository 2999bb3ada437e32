"""Nothing to compare: no entry, no key, a dict that has every key.

Earns: two_path_grad 0, edge_products 0
Told: nothing
Because: the right answer says what is compared, and what is missing is a difference.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    return x[:0], w[:0]


# %% edge_products_answer
from collections import defaultdict


def edge_products(a, w1, w2, w3, w4):
    return defaultdict(lambda: a)
