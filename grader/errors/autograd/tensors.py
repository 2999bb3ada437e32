"""Errors of tensors that autograd knows: edited in place, their flags, hooks and gradients."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)
_RECORD = (
    "If an operation made it, let that be recorded: outside of torch.no_grad() and without "
    "detach(), from an input that requires grad. Of a leaf call requires_grad_() before you "
    "compute with it. If it is right as it is, ask for this only where t.requires_grad is True."
)

EDITS = (
    Explanation(
        "leaf_in_place",
        _RUNTIME,
        r"leaf Variable that requires grad is being used in an in-place operation",
        "Recorded, the edit would turn this leaf, or the leaf that this view is part of, into the "
        "result of an operation: it would be a leaf no longer, and keep no gradient.",
        "Update leaves between two steps, inside `with torch.no_grad():`. What a forward pass "
        "computes goes into a new tensor or into a clone: an edit that is not recorded is missing "
        "in the gradient.",
    ),
    Explanation(
        "modified",
        _RUNTIME,
        r"has been modified by an inplace operation",
        "What a backward formula saved was edited in place afterwards, so its gradient could be "
        "wrong. Edits are counted and not compared: one of another row of the same memory, or one "
        "that changes no number, is refused too.",
        "If optimizer.step() made the edit, between two backward passes, run the forward pass of "
        "the second again after it. To call both before the step ends the error too, and adds "
        "their gradients up wherever both arrive. Else use the out-of-place operation, or edit a "
        "clone.",
    ),
    Explanation(
        "one_of_many_views",
        _RUNTIME,
        r"^(?!.*its base or another view of its base).*"
        r"output of a function that returns multiple views",
        "unbind, split, chunk and a loop over a tensor give several views at once, and autograd "
        "cannot record an in-place edit of one of them. The text may name no_grad where no such "
        "block is.",
        "Edit the whole tensor by its index (y[0] *= 2), or use the out-of-place operation.",
    ),
    Explanation(
        "views_of_edited",
        _RUNTIME,
        r"its base or another view of its base has been modified inplace.*"
        r"output of a function that returns multiple views",
        "unbind, split, chunk and a loop over a tensor give several views at once. Their memory "
        "was edited afterwards, and autograd cannot record what that did to each of them.",
        "Take the views anew after the edit, or take each by its index (y[0]), or use the "
        "out-of-place operation for the edit.",
    ),
    Explanation(
        "view_of_function",
        _RUNTIME,
        r"view was created inside a custom Function",
        "This tensor came out of a custom Function, or went into or came out of a module with a "
        "full backward hook or pre-hook, which wraps it in one. An in-place edit would bypass its "
        "backward.",
        "Of a module that works in place, such as nn.ReLU(inplace=True), set inplace=False; else "
        "use the out-of-place operation, or edit a clone. If it is the gradient you want, register "
        "a hook on the tensor itself: it wraps nothing.",
    ),
    Explanation(
        "view_across_modes",
        _RUNTIME,
        r"A view was created in (no_grad|inference) mode and is being modified inplace"
        r"(?!.*returns multiple views)",
        "The view was made while nothing was recorded and edited while everything is, so autograd "
        "cannot tell whether the edit counts.",
        "Make the view and edit it both outside of the block; or both inside, if the edit is not "
        "to count in the gradient.",
    ),
    Explanation(
        "view_before_edit",
        _RUNTIME,
        r"A view was created in (no_grad|inference) mode and its base or another view of its base "
        r"has been modified inplace(?!.*returns multiple views)",
        "The view was made while nothing was recorded. The tensor that it is part of was edited "
        "afterwards, in the block or outside, so autograd cannot tell whether that counts for the "
        "view. The text speaks of an edit with grad mode enabled where there was none, too.",
        "Take the view anew after the edit, or make it outside of the block.",
    ),
    Explanation(
        "detached_view",
        _RUNTIME,
        r"Can't detach views in-place",
        "detach_() would cut a view off the tensor whose memory it shows.",
        "Use y = y.detach().",
    ),
    Explanation(
        "shared_memory",
        _RUNTIME,
        r"more than one element of the written-to tensor refers to a single memory location",
        "expand repeats entries without copying them, so an in-place edit would write the same "
        "memory several times.",
        "Call clone() first, or use the out-of-place operation.",
    ),
    Explanation(
        "out_argument",
        _RUNTIME,
        r"^(?!.*in DataLoader worker process).*"
        r"functions with out=\.\.\. arguments don't support automatic differentiation",
        "An operation that writes its result into out= is not recorded.",
        "Leave out= away and use the tensor that is returned. Only if nothing is to be trained "
        "through it, work inside `with torch.no_grad():`.",
    ),
    Explanation(
        "worker_out",
        _RUNTIME,
        r"in DataLoader worker process.*functions with out=\.\.\. arguments don't support",
        "A DataLoader's worker stacks samples into shared memory with out=, which is not recorded, "
        "and your samples require grad.",
        "Is what computes them to be trained? Return from the dataset what it is given, such as "
        "indices, and call it in the loop: a worker hands no gradient back. If not, compute the "
        "sample inside of `with torch.no_grad():`, or return sample.detach().",
    ),
    Explanation(
        "inference_saved",
        _RUNTIME,
        r"Inference tensors cannot be saved for backward",
        "A tensor made in inference mode may not be saved for a backward pass.",
        "Make it under torch.no_grad() instead, or clone it outside inference mode.",
    ),
    Explanation(
        "inference_edit",
        _RUNTIME,
        r"Inplace update to inference tensor|requires_grad=True on inference tensor|"
        r"Inference tensors do not track version counter",
        "A tensor made in inference mode stays one outside of it. An edit in place that raises "
        "this has changed its numbers all the same.",
        "Make it under torch.no_grad() instead, or clone it outside inference mode.",
    ),
)

FLAGS = (
    Explanation(
        "integer_grad",
        _RUNTIME,
        r"[Oo]nly Tensors of floating point( and complex)? dtype can require gradients",
        "Integer and boolean tensors have no gradient.",
        "Convert what is given: t.double() or t.float(). What argmax, a comparison or .long() "
        "computed has lost its graph, and the flag does not bring it back: compute the loss from "
        "the scores.",
    ),
    Explanation(
        "flag_set_on_non_leaf",
        _RUNTIME,
        r"you can only change requires_grad flags of leaf variables\.$",
        "requires_grad of a non-leaf follows from its inputs and cannot be set.",
        "If it requires grad, leave the line out: t.retain_grad() keeps its gradient. To begin a "
        "new graph with its values, cut off from what computed it, use "
        "t.detach().requires_grad_().",
    ),
    Explanation(
        "flag_of_non_leaf",
        _RUNTIME,
        r"you can only change requires_grad flags of leaf variables\. If you want",
        "requires_grad of a non-leaf follows from its inputs and cannot be switched off.",
        "Use t.detach() to get a tensor that does not require grad.",
    ),
    Explanation(
        "hook_without_grad",
        _RUNTIME,
        r"cannot register a hook on a tensor that doesn't require gradient",
        "No gradient ever arrives at a tensor that does not require grad, so a hook has nothing "
        "to wait for.",
        _RECORD,
    ),
    Explanation(
        "retain_without_grad",
        _RUNTIME,
        r"can't retain_grad on Tensor that has requires_grad=False",
        "No gradient ever arrives at a tensor that does not require grad.",
        _RECORD,
    ),
    Explanation(
        "hook_result",
        ("RuntimeError", "TypeError"),
        r"has changed the (size|type) of value|but hook returned|"
        r"post accumulate grad hooks should return None",
        "What a hook of a tensor returns takes the place of the gradient, so it must be a tensor "
        "of the same shape and dtype, on the same device. A module's backward hook returns a tuple "
        "of such tensors, and a hook that is called after accumulation returns nothing.",
        "Return what fits, or return nothing to leave the gradient as it is.",
    ),
    Explanation(
        "assigned_grad",
        ("RuntimeError", "TypeError"),
        r"attempting to assign a gradient|assigned grad expected to be a Tensor",
        ".grad holds None or a tensor with the shape of the tensor it belongs to, on its device, "
        "and with its dtype, unless its grad_dtype names another.",
        "Make the gradient fit first: undo what changed its shape, by a transpose or a sum where "
        "it was broadcast, since reshape gives its entries to others. Dtype and device are those "
        "of t: .to(t).",
    ),
    Explanation(
        "deepcopy",
        _RUNTIME,
        r"Only Tensors created explicitly by the user .*support the deepcopy protocol",
        "A non-leaf cannot be deep-copied together with its graph. A model that keeps one "
        "as an attribute, an activation or a loss, cannot be copied either.",
        "Use t.detach().clone(), or t.clone() where gradients are to flow back through the copy. "
        "Keep on a model what is detached, or clear it before you copy.",
    ),
    Explanation(
        "numpy",
        _RUNTIME,
        r"Can't call numpy\(\) on Tensor that requires grad",
        "NumPy would compute outside of autograd's sight.",
        "Stay in torch, or call t.detach().numpy() if no gradient is needed.",
    ),
)
