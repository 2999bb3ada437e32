"""Answers in bfloat16, for which a larger difference is allowed.

Earns: two_path_grad 0
Told: nothing
Because: each case states its dtype; the allowance of another one does not come with it.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    return (w + 1.001).bfloat16(), (x + 2 * w + 1.001).bfloat16()
