"""The same update through .data, as it is.

Earns: safe_update 0
Told: nothing
Because: a graph that does not notice gives wrong gradients in silence, in every case.
"""


# %% safe_update_answer
def sgd_inplace(w, g, lr):
    w.data -= lr * g
