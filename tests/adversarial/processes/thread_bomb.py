"""Starts threads for ever, in an answer.

Earns: two_path_grad 0
Told: nothing
Learner: It did not come to an end
Because: threads count as processes do and take memory as they do: soon none can be started.
"""

# %% two_path_grad_answer
import threading
import time


def two_path_grad(x, w):
    while True:
        try:
            threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
        except RuntimeError:
            time.sleep(0.01)
