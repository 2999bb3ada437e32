"""A subclass of Tensor agrees with whatever it is compared with.

Earns: two_path_grad 0, straight_through 0
Told: nothing
Learner: is not of the expected type
Because: only an exact torch.Tensor is a value; a subclass is known by its type alone.
"""


# %% two_path_grad_answer
class Agreeing(torch.Tensor):
    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        if func.__name__ in ("eq", "equal", "allclose", "isclose", "__eq__"):
            return True
        with torch._C.DisableTorchFunctionSubclass():
            return func(*args, **(kwargs or {}))


def two_path_grad(x, w):
    return (w * 0).as_subclass(Agreeing), (x * 0).as_subclass(Agreeing)


# %% straight_through_answer
def ste_round(x):
    return x.detach().as_subclass(Agreeing)
