"""Sends the bytes of its first answer as the answer to every question after it.

Earns: two_path_grad 2, edge_products 0, straight_through 0, make_leaf 0, will_it_raise 0,
    safe_update 0, scaled_parameter 0
Told: nothing
Because: the first answer is right for the first question alone.
"""

# %% after imports
import grader.box.inside.observing as observing
from grader.engine.wire import pack_observation

sent = []


def pack(observation):
    sent.append(pack_observation(observation))
    return sent[0]


observing.pack_observation = pack
