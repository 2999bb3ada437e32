"""Puts the hidden inputs into the name of an exception's type and says that Python knows it.

Earns: two_path_grad 0
Told: nothing
Learner: an exception of its own
Because: which names of exceptions may be shown is the judge's to say.
"""

# %% two_path_grad_answer
import grader.engine.watch
from grader.engine.observation import Raised


def two_path_grad(x, w):
    two_path_grad.seen = "RuntimeError" + "".join(f"smuggled{v}" for v in x.tolist())
    raise RuntimeError


grader.engine.watch.raising.describe = lambda error, of_class=False: Raised(
    two_path_grad.seen, "smuggled", True, True, "smuggled", False
)
