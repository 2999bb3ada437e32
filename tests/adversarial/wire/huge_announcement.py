"""Announces an answer of eight gigabytes.

Earns: two_path_grad 0
Told: Cell 4: It announced a reply of 8,589,934,590 bytes.
Because: what is announced is compared with a limit before a byte of it is read.
"""

# %% two_path_grad_answer
import os


def two_path_grad(x, w):
    os.write(4, b"\xff" * 8)
    return w + 1, x + 2 * w + 1
