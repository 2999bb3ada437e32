"""Answers every question twice.

Earns: two_path_grad 0
Told: Cell 4: It replied more than once.
Because: of two answers neither is the answer, and a box that sends two is ended.
"""

# %% two_path_grad_answer
import os

import grader.box.inside.loop as loop
from grader.box.both.channel import encode


def write_frame(fd, header, body=b""):
    os.write(fd, 2 * encode(header, body))


def two_path_grad(x, w):
    loop.write_frame = write_frame
    return w + 1, x + 2 * w + 1
