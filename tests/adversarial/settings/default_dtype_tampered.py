"""Sets the default dtype inside an answer, and leaves recording off.

Earns: two_path_grad 2, edge_products 0
Told: nothing
Learner: Pass dtype= where you create tensors
Because: both are side effects that are noticed, and undone before anything else is observed.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    if len(x) != 5:
        torch.set_default_dtype(torch.float16)
    return w + 1, x + 2 * w + 1


# %% edge_products_answer
def edge_products(a, w1, w2, w3, w4):
    torch.set_grad_enabled(False)
    return {"a": -(w3 * w1 + w4 * w2), "w1": -w3 * a, "w2": -w4 * a, "w3": -w1 * a, "w4": -w2 * a}
