"""os._exit(0) in the cell of an answer.

Earns: two_path_grad 0
Told: Cell 3: The process exited with status 0.
Learner: is not defined when the check runs
Because: its own cell is lost, and every other one runs again in a fresh box.
"""

# %% two_path_grad_answer
import os


def two_path_grad(x, w):
    return w + 1, x + 2 * w + 1


os._exit(0)
