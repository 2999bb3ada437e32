"""Keeps 24 processes computing while the others are graded.

Earns: two_path_grad 0
Told: Cell 3: It ran for more than 5 s and did not stop when interrupted.
Because: its own time runs out. Whoever is graded beside it gets a processor's share all the same.
"""

# %% two_path_grad_answer
import os
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
for _ in range(24):
    if os.fork() == 0:
        break
while True:
    pass
