"""What autograd's well-known errors mean, and how to cure them."""

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Explanation:
    """One error of autograd: a pattern found in its text, its meaning, and the cure."""

    code: str
    type_names: tuple[str, ...]
    pattern: str
    meaning: str
    cure: str


EXPLANATIONS = (
    Explanation(
        "second_backward",
        ("RuntimeError",),
        r"backward through the graph a second time",
        "A backward pass frees the tensors its nodes saved, and this graph needs them again.",
        "Pass retain_graph=True to every backward but the last, or run the forward pass again.",
    ),
    Explanation(
        "no_graph",
        ("RuntimeError",),
        r"element \d+ of tensors does not require grad",
        "The tensor you differentiate was not recorded: nothing it was computed from requires "
        "grad, or the recording was cut by detach, no_grad, .item() or an integer operation.",
        "Set requires_grad on the inputs before you compute, keep every step in torch, and use "
        "create_graph=True if you differentiate a gradient.",
    ),
    Explanation(
        "not_scalar",
        ("RuntimeError",),
        r"grad can be implicitly created only for scalar outputs",
        "backward() starts from 1 only when the result has one element; for more it must be told "
        "the vector v of the product v^T J.",
        "Reduce to one number first (y.sum()), or pass gradient=v of y's shape.",
    ),
    Explanation(
        "seed_shape",
        ("RuntimeError",),
        r"Mismatch in shape: grad_output",
        "The gradient you start backward with must have the shape of the result.",
        "Make it with torch.ones_like(y), or reshape it to y.shape.",
    ),
    Explanation(
        "leaf_in_place",
        ("RuntimeError",),
        r"leaf Variable that requires grad is being used in an in-place operation",
        "An in-place edit would overwrite a leaf while its history is recorded.",
        "Update leaves inside `with torch.no_grad():`, or edit a clone.",
    ),
    Explanation(
        "modified",
        ("RuntimeError",),
        r"has been modified by an inplace operation",
        "A tensor that a backward formula saved was edited in place, so its gradient would be "
        "wrong; the version counter noticed.",
        "Edit a clone, or use the out-of-place operation.",
    ),
    Explanation(
        "unused",
        ("RuntimeError",),
        r"appears to not have been used in the graph",
        "The result does not depend on one of the tensors you ask the gradient for: it was "
        "computed from another tensor, perhaps a copy made before.",
        "Compute the result from the very tensor you pass to grad, or pass allow_unused=True and "
        "treat None as zero.",
    ),
    Explanation(
        "input_without_grad",
        ("RuntimeError",),
        r"One of the differentiated Tensors does not require grad",
        "You ask for the gradient of a tensor that does not require grad.",
        "Call requires_grad_() on it before you compute with it.",
    ),
    Explanation(
        "non_leaf_parameter",
        ("ValueError",),
        r"can't optimize a non-leaf Tensor",
        "An optimizer updates leaves only; this tensor was computed by an operation.",
        "Compute the value first, then make it a leaf: t.detach().requires_grad_().",
    ),
    Explanation(
        "inference_saved",
        ("RuntimeError",),
        r"Inference tensors cannot be saved for backward",
        "A tensor made in inference mode may not be saved for a backward pass.",
        "Make it under torch.no_grad() instead, or clone it outside inference mode.",
    ),
    Explanation(
        "inference_edit",
        ("RuntimeError",),
        r"(Inplace update to inference tensor|requires_grad=True on inference tensor)",
        "A tensor made in inference mode stays one outside of it.",
        "Make it under torch.no_grad() instead, or clone it outside inference mode.",
    ),
    Explanation(
        "integer_grad",
        ("RuntimeError",),
        r"[Oo]nly Tensors of floating point and complex dtype can require gradients",
        "Integer and boolean tensors have no gradient.",
        "Convert first: t.double() or t.float().",
    ),
    Explanation(
        "flag_of_non_leaf",
        ("RuntimeError",),
        r"you can only change requires_grad flags of leaf variables",
        "requires_grad of a computed tensor follows from its inputs and cannot be switched off.",
        "Use t.detach() to get a tensor that does not require grad.",
    ),
    Explanation(
        "hook_without_grad",
        ("RuntimeError",),
        r"cannot register a hook on a tensor that doesn't require gradient",
        "No gradient ever arrives at a tensor that does not require grad, so a hook has nothing "
        "to wait for.",
        "Call requires_grad_() on the input before computing.",
    ),
    Explanation(
        "retain_without_grad",
        ("RuntimeError",),
        r"can't retain_grad on Tensor that has requires_grad=False",
        "No gradient ever arrives at a tensor that does not require grad.",
        "Call requires_grad_() on the input before computing.",
    ),
    Explanation(
        "numpy",
        ("RuntimeError",),
        r"Can't call numpy\(\) on Tensor that requires grad",
        "NumPy would compute outside of autograd's sight.",
        "Stay in torch, or call t.detach().numpy() if no gradient is needed.",
    ),
    Explanation(
        "deepcopy",
        ("RuntimeError",),
        r"Only Tensors created explicitly by the user .*support the deepcopy protocol",
        "A computed tensor cannot be deep-copied together with its graph.",
        "Use t.detach().clone().",
    ),
    Explanation(
        "device",
        ("RuntimeError",),
        r"(Expected all tensors to be on the same device|is on cpu but expected on|"
        r"Unhandled FakeTensor Device Propagation|tensors used as indices should be (either )?on)",
        "Two tensors of one operation lie on different devices.",
        "Create tensors with device=x.device, or from x (torch.zeros_like, x.new_zeros).",
    ),
    Explanation(
        "dtype",
        ("RuntimeError",),
        r"(expected m1 and m2 to have the same dtype|expected scalar type|"
        r"must have the same dtype)",
        "The tensors of one operation have different dtypes.",
        "Create tensors with dtype=x.dtype, or convert with t.to(x.dtype).",
    ),
    Explanation(
        "called_attribute",
        ("TypeError",),
        r"'(bool|Tensor|NoneType|torch\.dtype|torch\.device)' object is not callable",
        "is_leaf, requires_grad, grad, grad_fn, dtype and device are attributes, not methods.",
        "Leave out the parentheses.",
    ),
    Explanation(
        "called_node",
        ("TypeError",),
        r"expected 1 arguments?, got 0|Backward\d+.*(missing|expected).*argument",
        "grad_fn is an attribute that holds a graph node; calling the node runs its backward.",
        "Write t.grad_fn without parentheses.",
    ),
    Explanation(
        "none_used",
        ("AttributeError",),
        r"'NoneType' object has no attribute",
        "Something is None where you expected a tensor or a node: a .grad before the first "
        "backward or of a non-leaf, a grad_fn of a leaf, or the end of an edge.",
        "Test for None before you use it.",
    ),
    Explanation(
        "none_in_formula",
        ("TypeError",),
        r"(unsupported operand type\(s\).*'NoneType'|must be Tensor, not NoneType)",
        "One of the operands is None: a .grad before the first backward, or of a non-leaf.",
        "Read .grad after backward, from a leaf or after retain_grad().",
    ),
    Explanation(
        "recursion",
        ("RecursionError",),
        r"maximum recursion depth",
        "The function calls itself once per node, and a graph may be thousands of nodes deep.",
        "Keep the nodes still to visit in a list or a deque, and loop.",
    ),
    Explanation(
        "unpickling",
        ("UnpicklingError",),
        r"Weights only load failed",
        "torch.load reads tensors and plain containers only; the file holds whole objects.",
        "Save module.state_dict() instead of the module.",
    ),
)


def explain(type_name: str, message: str) -> Explanation | None:
    """The explanation of an error by its type's name and text, or None if it is not known."""
    for entry in EXPLANATIONS:
        if type_name in entry.type_names and re.search(entry.pattern, message, re.DOTALL):
            return entry
    return None
