"""Rounds, and lets autograd find what that is worth.

Earns: straight_through 0
Told: nothing
Because: rounding has the derivative 0 almost everywhere, and that is what is observed.
"""


# %% straight_through_answer
def ste_round(x):
    return torch.round(x)
