"""Prints scores, displays them, and raises an exception whose text is one.

Earns: triple 0, count 0
Told: nothing
Because: what is printed is no result, and an exception is no score.
"""

# %% triple_answer
from IPython.display import display


def triple(x):
    print(4.0)
    display(4.0)
    return 4.0


# %% count_answer
def count(items):
    display({"text/plain": "3.0"}, raw=True)
    raise ValueError("3.0")
