"""An answer that does not end.

Earns: two_path_grad 0
Told: Cell *: A call of two_path_grad ran too long.
Learner: It did not come to an end
Because: each case has its time, and the next exercise is asked all the same.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    while True:
        pass
