"""Sets the seed inside an answer that needs no chance, so that later draws are known.

Earns: two_path_grad 0, scaled_parameter 0
Told: nothing
Learner: drew from the random numbers that the whole program shares, or set their seed
Because: it is a side effect, and in an exercise about random numbers it makes them the same.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    torch.manual_seed(0)
    return w + 1, x + 2 * w + 1


# %% scaled_parameter_answer
def init_weight(shape, scale, dtype, device):
    torch.manual_seed(0)
    return (torch.randn(shape, dtype=dtype, device=device) * scale).requires_grad_()
