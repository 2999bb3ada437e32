"""Answers the second question before it is asked.

Earns: two_path_grad 1.6
Told: Cell 4: Its reply is to another request.
Learner: ended before it answered
Because: an answer has to repeat the nonce of the question, and this one cannot know it.
"""

# %% two_path_grad_answer
import time

import grader.box.inside.loop as loop
from grader.box.both.channel import write_frame
from grader.engine.observation import Observation
from grader.engine.wire import pack_observation

_read_frame = loop.read_frame


def read_frame(fd):
    time.sleep(0.3)  # the question is on its way meanwhile, and is not read
    body = pack_observation(Observation({"dx": torch.zeros(1), "dw": torch.zeros(1)}))
    write_frame(4, {"state": "seen", "nonce": "0" * 32}, body)
    return _read_frame(fd)


def two_path_grad(x, w):
    loop.read_frame = read_frame
    return w + 1, x + 2 * w + 1
