"""Returns a tensor of four gigabytes.

Earns: two_path_grad 0
Told: nothing
Because: torch cannot make it here, and says so; an answer that raises is wrong.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    return torch.ones(2**29, dtype=torch.float64), w
