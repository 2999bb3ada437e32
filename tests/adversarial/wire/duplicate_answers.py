"""Answers every question twice.

Earns: two_path_grad 1.6
Told: Cell 4: Its reply is to another request.
Learner: ended before it answered
Because: the second answer to the first question is none to the second one, and ends the box.
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
