"""Tensor.backward and torch.autograd.grad return ones, for everybody.

Earns: straight_through 0, will_it_raise 0, safe_update 0
Told: nothing
Because: what is observed is then ones, and expected is what was weighted at random. A pass that
    should raise does so no more, also where a graph should notice an edit.
"""


# %% straight_through_answer
def _ones(outputs, inputs, *args, **kwargs):
    several = inputs if isinstance(inputs, (list, tuple)) else [inputs]
    return tuple(torch.ones_like(one) for one in several)


torch.autograd.grad = _ones
torch.Tensor.backward = lambda self, *args, **kwargs: None


def ste_round(x):
    return torch.round(x)


# %% safe_update_answer
def sgd_inplace(w, g, lr):
    with torch.no_grad():
        w -= lr * g


# %% will_it_raise_answer
def second_backward_ok(expression, x, retain_graph):
    y = eval(expression, {"x": x})
    try:
        y.backward(retain_graph=retain_graph)
        y.backward()
    except RuntimeError:
        return False
    return True
