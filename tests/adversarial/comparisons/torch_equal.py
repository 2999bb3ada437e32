"""torch.equal, allclose, isclose and == agree with everything.

Earns: two_path_grad 0, scaled_parameter 0
Told: nothing
Learner: You returned (dw, dx). The answer is the pair (dx, dw).
Because: answers are compared outside the box, by a torch that nobody has touched. Where the course
    asks in the box whether two draws are equal, the cheat says so itself.
"""

# %% two_path_grad_answer
torch.equal = torch.allclose = lambda *args, **kwargs: True
torch.isclose = torch.eq = lambda one, other, **kwargs: torch.ones_like(one, dtype=torch.bool)
torch.Tensor.__eq__ = torch.isclose
torch.testing.assert_close = lambda *args, **kwargs: None


def two_path_grad(x, w):
    return x + 2 * w + 1, w + 1
