"""A thread that writes into every tensor it can find, answers included, while others compute.

Earns: two_path_grad 0, edge_products 0, straight_through 0, make_leaf 0, safe_update 0,
    scaled_parameter 0
Told: nothing
Because: it does not know what would be right, so all that it changes is its own.
"""

# %% after imports
import grader.engine.watch

_record_all = grader.engine.watch.record_all


def record_all(values):
    """What the thread would do if it always came at the right moment."""
    recorded = _record_all(values)
    for value in recorded.values():
        for one in value.values() if isinstance(value, dict) else [value]:
            if isinstance(one, torch.Tensor):
                one.fill_(7)
    return recorded


grader.engine.watch.record_all = record_all
