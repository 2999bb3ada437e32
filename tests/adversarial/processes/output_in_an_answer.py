"""An answer that prints ten megabytes, right though it is.

Earns: everything
Told: nothing
Because: what an answer prints is nobody's.
"""

# %% two_path_grad_answer
import os


def two_path_grad(x, w):
    for _ in range(20):
        print("x" * 2**18)
        os.write(1, b"x" * 2**18)
    return w + 1, x + 2 * w + 1
