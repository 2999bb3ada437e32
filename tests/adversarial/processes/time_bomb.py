"""A process of its own that kills the box later, in the middle of others' cells.

Earns: two_path_grad 0
Told: Cell 4: The process was killed by SIGKILL.
Because: the check during which it goes off has no answer; it goes off once.
"""

# %% two_path_grad_answer
import os
import signal
import time

parent = os.getpid()


def two_path_grad(x, w):
    if os.fork() == 0:
        time.sleep(0.3)
        os.kill(parent, signal.SIGKILL)
        os._exit(0)
    time.sleep(1)
    return w + 1, x + 2 * w + 1
