"""What takes a value off its graph, by the name that it is called by in a text."""

from __future__ import annotations

from grader.errors.seen.cuts import logic

LEAVES = {
    "item": "item() makes a number",
    "tolist": "tolist() makes numbers",
    "numpy": "numpy() leaves torch",
    "detach": "detach() cuts",
    "argmax": "argmax gives integers",
    "argmin": "argmin gives integers",
    "argsort": "argsort gives integers",
    "long": "integers have no gradient",
    "int": "integers have no gradient",
    "bool": "truth values have no gradient",
    **dict.fromkeys(logic.WORDS, logic.WHY),
}
COMPARED = ("gt", "ge", "lt", "le", "eq", "ne")
MADE = {
    "tensor": "torch.tensor copies values alone",
    "from_numpy": "NumPy's arrays have no graph",
    "Tensor": "torch.Tensor copies values alone",
}
OFF = ("no_grad", "inference_mode")
ASKED = ("dtype", "shape", "device", "ndim", "layout", "requires_grad", "is_leaf")
COUNTED = ("size", "dim", "numel", "stride", "len")
"""What is asked of a tensor beside its values, which have the graph."""
