"""Gives `check` another meaning, before and after, and calls it itself.

Earns: two_path_grad 0, edge_products 0
Told: nothing
Because: a graded check is not run in the box at all.
"""


# %% after imports
def check(exercise, *functions):
    return 1000.0


# %% two_path_grad_answer
def two_path_grad(x, w):
    return None


check("two_path_grad", two_path_grad)

# %% edge_products_answer
from unittest.mock import MagicMock

edge_products = MagicMock()
