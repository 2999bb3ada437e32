"""exit(), quit() and sys.exit() in a cell and in an answer.

Earns: two_path_grad 0
Told: nothing
Because: a notebook's kernel does not end by them while it is graded. An answer that exits has
    raised SystemExit.
"""

# %% after imports
exit()

# %% two_path_grad_answer
import sys


def two_path_grad(x, w):
    sys.exit(0)


# %% after edge_products
quit()
raise SystemExit
