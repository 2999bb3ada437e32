"""An answer that does not end for a single number.

Earns: two_path_grad 6
Told: Cell *: A call of two_path_grad ran too long.
Learner: It did not come to an end
Because: the case fails alone.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    while len(x) == 1:
        pass
    return w + 1, x + 2 * w + 1
