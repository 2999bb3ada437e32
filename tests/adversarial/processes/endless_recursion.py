"""Recurses without end, with the limit lifted.

Earns: two_path_grad 0
Told: Cell 4: *
Because: it ends in a crash, in this process alone.
"""

# %% two_path_grad_answer
import sys


class Deep:
    def __getattr__(self, name):
        return getattr(self, name + "x")

    def __repr__(self):
        return repr([self])


def two_path_grad(x, w):
    sys.setrecursionlimit(2**30)
    return repr(Deep())
