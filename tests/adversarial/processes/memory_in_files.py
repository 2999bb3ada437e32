"""Fills its folder, /tmp and /dev/shm.

Earns: two_path_grad 0
Told: nothing
Learner: No space left on device
Because: there is room for 16 MiB, and that is all it loses.
"""

# %% two_path_grad_answer
for place in (".", "/tmp", "/dev/shm"):
    for number in range(100):
        with open(f"{place}/{number}.full", "wb") as file:
            file.write(b"x" * 2**20)


def two_path_grad(x, w):
    return w + 1, x + 2 * w + 1


# %% after two_path_grad
import glob
import os

for name in glob.glob("*.full") + glob.glob("/tmp/*.full"):
    os.remove(name)
