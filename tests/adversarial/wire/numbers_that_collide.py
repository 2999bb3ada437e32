"""Answers with numbers that all fall into one place of a hash table, which takes for ever to fill.

Earns: two_path_grad 0
Told: nothing
Learner: the submission interfered
Because: what goes into a hash table is counted before it is put there.
"""

# %% two_path_grad_answer
import json
import struct

from grader.box.inside import observing

packed = observing.pack_observation


def colliding(observation):
    observing.pack_observation = packed
    numbers = [{"i": str(number * (2**61 - 1))} for number in range(1, 100_000)]
    values = [["dx", {"s": numbers}], ["dw", None]]
    parts = [["values", {"d": values}], ["effects", {"d": []}], ["error", None]]
    tree = json.dumps({"d": parts}).encode()
    return struct.pack(">II", len(tree), 0) + tree


def two_path_grad(x, w):
    observing.pack_observation = colliding
    return w + 1, x + 2 * w + 1
