"""What takes a value off its graph, by the name that it is called by in a text."""

from __future__ import annotations

import ast

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
LIKENED = ("to", "type", "type_as", "view_as", "expand_as", "reshape_as")
"""What takes a dtype or a shape of its argument, and no value."""
WITH_PLACES = ("max", "min", "topk", "sort", "median", "mode", "kthvalue")
"""What gives values, and beside them the places where they stand."""
PLACES = "places are integers, which have no gradient"


def gives_places(node: ast.expr, count: int) -> bool:
    """Whether an expression is a call that gives values and their places: `torch.max(x, 1)`."""
    if not isinstance(node, ast.Call) or count != 2 or name_of(node) not in WITH_PLACES:
        return False
    owner = getattr(node.func, "value", None)
    is_method = owner is not None and ast.unparse(owner) != "torch"
    return len(node.args) + len(node.keywords) > (0 if is_method else 1) or name_of(node) == "sort"


def name_of(node: ast.expr) -> str:
    """What a call, or a decorator, is called: `softmax` of `torch.softmax(x, 1)`."""
    node = node.func if isinstance(node, ast.Call) else node
    return str(getattr(node, "attr", getattr(node, "id", "")))
