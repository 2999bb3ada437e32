"""nan differs from everything, which a careless comparison takes for agreement; so does inf - inf.

Earns: two_path_grad 0, edge_products 0
Told: nothing
Learner: has nan or inf where the right answer is finite
Because: an entry agrees only if it is within what is allowed, and nan is within nothing.
"""


# %% two_path_grad_answer
def two_path_grad(x, w):
    return x * float("nan"), w * float("nan")


# %% edge_products_answer
def edge_products(a, w1, w2, w3, w4):
    return dict.fromkeys(("a", "w1", "w2", "w3", "w4"), float("inf"))
