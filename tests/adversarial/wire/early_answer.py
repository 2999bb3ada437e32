"""Sends an answer to the second question before that one is its turn.

Earns: two_path_grad 1.6
Told: Cell 4: Its reply is to another request.
Learner: ended before it answered
Because: an answer has to repeat the nonce of the question that it is the turn of, and this one has
    a made-up one. What was answered before it stands.
"""

# %% two_path_grad_answer
import grader.box.inside.loop as loop
from grader.box.both.channel import write_frame
from grader.engine.observation import Observation
from grader.engine.wire import pack_observation


def early(fd, header, body=b""):
    write_frame(fd, header, body)
    body = pack_observation(Observation({"dx": torch.zeros(1), "dw": torch.zeros(1)}))
    write_frame(fd, {"state": "seen", "nonce": "0" * 32}, body)


def two_path_grad(x, w):
    loop.write_frame = early
    return w + 1, x + 2 * w + 1
