"""A test's result is nan, which nbgrader alone reads as full marks.

Earns: count 0
Told: The result of count is no score between 0 and its points.
Because: nan is no score.
"""


# %% count_answer
class Count:
    def __eq__(self, other):
        return float("nan")

    __hash__ = None


def count(items):
    return Count()
