"""Asks for memory until there is none.

Earns: two_path_grad 0
Told: Cell 3: It *
Because: a box is ended where it holds more than it may, whoever of it holds it.
"""

# %% two_path_grad_answer
import os
import signal

signal.signal(signal.SIGINT, signal.SIG_IGN)
os.fork()
held = []


def two_path_grad(x, w):
    return w, x


while True:
    held.append(b"x" * 2**25)
