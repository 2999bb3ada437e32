"""The same tensor on the CPU, with its error.

Earns: two_path_grad 6.4
Told: nothing
Learner: made a tensor on the CPU although its input lies on another
Because: the case on another device is one of five.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    one = torch.ones(len(w), device="cpu", dtype=w.dtype)
    return w + one, x + 2 * w + one
