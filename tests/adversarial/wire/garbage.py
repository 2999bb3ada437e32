"""Sends bytes that are no frame.

Earns: two_path_grad 0
Told: Cell 4: Its reply is no JSON.
Because: what cannot be read is no answer.
"""

# %% two_path_grad_answer
import os


def two_path_grad(x, w):
    os.write(4, b"\0" * 4096)
    return w + 1, x + 2 * w + 1
