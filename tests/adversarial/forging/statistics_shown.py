"""The same constant weights, described as they are.

Earns: scaled_parameter 0
Told: nothing
Because: their deviation is 0, and the first case asks for another.
"""


# %% scaled_parameter_answer
def init_weight(shape, scale, dtype, device):
    return torch.full(shape, 0.5, dtype=dtype, device=device).requires_grad_()
