"""Reads address 0.

Earns: two_path_grad 0
Told: Cell 4: The process was killed by SIGSEGV.
Learner: ended before it answered
Because: a crash is no answer.
"""

# %% two_path_grad_answer
import ctypes


def two_path_grad(x, w):
    ctypes.string_at(0)
