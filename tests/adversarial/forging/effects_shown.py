"""The same side effects, not hidden.

Earns: two_path_grad 0
Told: nothing
Learner: Your function changed what it was given
Because: an answer that spoils its input is wrong in every case that has values to spoil.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    torch.manual_seed(1)
    dx = w + 1
    x += 2 * w + 1
    return dx, x
