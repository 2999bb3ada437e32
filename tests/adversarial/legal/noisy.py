"""Prints, warns, writes to stderr, plots, and redefines what Python prints with.

Earns: everything
Told: Cell *: * characters of its output were not kept.
Because: what a submission says is not what it answers, and a score has room whatever came before.
"""

# %% after imports
import sys
import warnings

print("a line of a training loop\n" * 50_000)


# %% two_path_grad_answer
def two_path_grad(x, w):
    print("0.0\n" * 1000)
    print("Traceback (most recent call last):", file=sys.stderr)
    warnings.warn("careful")
    return [w + 1, x + w + (w + 1)]


# %% triple_answer
def triple(x):
    print(x, file=sys.stderr)
    return 3 * x


# %% count_answer
def count(items):
    print("nine" * 99)
    return len(items)
