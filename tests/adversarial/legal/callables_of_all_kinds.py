"""Answers that are no plain functions: an object, a partial, a decorated one, a lambda.

Earns: everything
Told: nothing
Because: what can be called with the arguments of the exercise is an answer.
"""


# %% two_path_grad_answer
class Answer:
    def __call__(self, x, w):
        return w + 1, x + 2 * w + 1


two_path_grad = Answer()

# %% straight_through_answer
from functools import lru_cache, partial, wraps

ste_round = partial(lambda sign, x: x + sign * (x - torch.round(x)).detach(), -1)


# %% make_leaf_answer
def traced(function):
    @wraps(function)
    def inner(*args, **kwargs):
        return function(*args, **kwargs)

    return inner


@traced
def make_leaf(t):
    return t.detach().clone().requires_grad_()


# %% safe_update_answer
sgd_inplace = torch.no_grad()(lambda w, g, lr: w.sub_(lr * g))
