"""Sends a pickle that runs a command when it is opened.

Earns: two_path_grad 0
Told: nothing
Learner: What came back is no observation
Because: nothing that comes out of a box is ever unpickled.
"""

# %% two_path_grad_answer
import os
import pickle

import grader.box.inside.observing as observing


class Command:
    def __reduce__(self):
        return os.system, ("touch /tmp/autograd-course-escaped-pickle",)


def two_path_grad(x, w):
    observing.pack_observation = lambda observation: pickle.dumps(Command())
    return w + 1, x + 2 * w + 1


# %% before edge_products_answer
from grader.engine.wire import pack_observation

observing.pack_observation = pack_observation
