"""Returns the argument itself without its history, and nothing is forged.

Earns: make_leaf 0
Told: nothing
Learner: It has no history, but it uses the memory of t
Because: the first case asks for a leaf that requires grad, with memory of its own.
"""


# %% make_leaf_answer
def make_leaf(t):
    return t.detach()
