"""Returns tensors of a quadrillion entries, which cost nothing to make and nothing to send.

Earns: two_path_grad 0, make_leaf 0
Told: nothing
Because: a tensor without values is not of the expected type, however large it says it is.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    return torch.empty(10**15, device="meta"), torch.empty(10**9, 10**6, device="meta")


# %% make_leaf_answer
def make_leaf(t):
    return torch.zeros(1).expand(10**15)
