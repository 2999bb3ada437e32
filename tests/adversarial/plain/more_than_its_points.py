"""A test's result is a million.

Earns: count 0
Told: The result of count is no score between 0 and its points.
Because: what is no score between 0 and the cell's points earns nothing.
"""


# %% count_answer
class Count:
    def __eq__(self, other):
        return 10**6

    __hash__ = None


def count(items):
    return Count()
