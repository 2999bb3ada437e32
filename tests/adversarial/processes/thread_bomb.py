"""Starts threads for ever, in the first case.

Earns: two_path_grad 0
Told: Cell *: A call of two_path_grad ran too long.
Learner: It did not come to an end
Because: threads count as processes do and take memory as they do: soon none can be started. The
    first case does not end, and without it there is no credit.
"""

# %% two_path_grad_answer
import threading
import time


def two_path_grad(x, w):
    while len(x) == 5 and not x.is_meta:
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            time.sleep(0.01)
    return w + 1, x + 2 * w + 1
