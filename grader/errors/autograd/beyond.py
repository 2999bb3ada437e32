"""Errors beyond plain tensors and layers: contexts, saved tensors, sparse and complex numbers."""

from __future__ import annotations

from grader.errors.explanation import BY_FRAMES, Explanation

_RUNTIME = ("RuntimeError",)

BEYOND = (
    Explanation(
        "function_context",
        ("AttributeError",),
        r"^'\w+Backward' object has no attribute",
        "ctx, which a custom Function's backward is given, has nothing of this name: forward did "
        "not set it, or an earlier pass of backward deleted it. Tensors that were given to "
        "ctx.save_for_backward are in ctx.saved_tensors.",
        "Unpack what was saved, in its order, in the first line of backward: x, w = "
        "ctx.saved_tensors. What is no tensor is set in forward, ctx.factor = factor, and read in "
        "backward by the same name. Delete nothing of ctx in backward: it may run again.",
    ),
    Explanation(
        "function_forward_called",
        ("TypeError",),
        r"\.forward\(\) missing \d+ required positional argument",
        "The forward of a custom Function was called itself: it then takes the first argument for "
        "ctx, and autograd does not know of the call.",
        "Call apply in its place, without ctx: MyFunction.apply(x, low, high).",
        where=BY_FRAMES,
    ),
    Explanation(
        "checkpoint_chain",
        ("TypeError",),
        r"checkpoint_sequential\(\) got multiple values for argument 'use_reentrant'",
        "checkpoint_sequential hands one tensor from layer to layer, and it was given more than "
        "one: the next is taken for its use_reentrant.",
        "Loop over the layers yourself: for block in blocks: x = checkpoint(block, x, y, "
        "use_reentrant=False).",
    ),
    Explanation(
        "functional_names",
        ("RuntimeError", "KeyError"),
        r"Error\(s\) in reparametrizing for",
        "functional_call with strict=True was given names that the model has not, or lacks some "
        "that it has: the text lists them.",
        "Name them as model.named_parameters() does, with dots: layer.weight. A name whose dots "
        "were replaced for a ParameterDict gets them back first. To leave strict=True out would "
        "end the error, and the model would run with its own weights.",
    ),
    Explanation(
        "sparse_edit",
        ("NotImplementedError", "RuntimeError"),
        r"Could not run 'aten::\w+(\.\w+)?' with arguments from the 'Sparse",
        "This operation is not written for sparse tensors. A gradient is sparse where an Embedding "
        "was made with sparse=True.",
        "Of an embedding: leave sparse=True out, and clip and edit its gradient as every other; or "
        "leave its gradient out of that call. Of a matrix: m.to_dense() first, or an operation of "
        "torch.sparse.",
    ),
    Explanation(
        "sparse_coalesce",
        _RUNTIME,
        r"Cannot get (indices|values) on an uncoalesced tensor",
        "A sparse tensor may name one place several times, whose values are still to be added up.",
        "Call it once, and read from what it gives: m = m.coalesce().",
    ),
    Explanation(
        "complex_order",
        ("NotImplementedError", "RuntimeError"),
        r"not supported for complex|does not support complex|not implemented for 'Complex|"
        r"not (implemented|defined) for complex",
        "Complex numbers have no order and few losses: relu, clamp, max and comparisons ask which "
        "is larger, and a loss wants a real number.",
        "Say what is meant. Both parts apart: torch.view_as_real(z), or torch.complex(f(z.real), "
        "f(z.imag)). The size alone: z.abs(). z.float() would drop the imaginary part.",
    ),
    Explanation(
        "complex_weights",
        _RUNTIME,
        r"must have the same dtype, but got (Complex\w+ and (Float|Double)|"
        r"(Float|Double) and Complex\w+)",
        "Complex numbers, as an FFT gives them, meet real weights.",
        "Give the layer real features: torch.view_as_real(z).flatten(-2), which has twice as many, "
        "or z.abs(). Or make its weights complex: nn.Linear(n, m, dtype=torch.cfloat). z.float() "
        "would drop the imaginary part.",
    ),
    Explanation(
        "saved_unpacked",
        ("TypeError",),
        r"saved tensor unpack_hook expected to be a Tensor",
        "What the second of two saved-tensor hooks returns takes the place of the saved tensor, "
        "and it returned something else.",
        "Turn back what the first made: torch.from_numpy(a), t.to(device), t.float(); of the same "
        "shape, dtype and device as what was packed.",
    ),
    Explanation(
        "saved_edited",
        _RUNTIME,
        r"saved tensor pack hook is modifying its input in place",
        "The tensor that a pack hook is given is the one that the forward pass goes on with.",
        "Return a new one: t.mul(s).round().div(s) in the place of t.mul_(s).",
    ),
    Explanation(
        "generator_of_parameters",
        ("AttributeError",),
        r"^'generator' object has no attribute '(grad|grad_fn|data|requires_grad|shape|numel)'",
        "A generator stands where a parameter is wanted: model.parameters() was put into a list "
        "as one entry.",
        "Put its tensors into the list: [*a.parameters(), *b.parameters()].",
    ),
    Explanation(
        "one_value_vmap",
        ("ValueError",),
        r"Expected more than 1 (value per channel|spatial element) when training",
        "Under vmap the model is given one sample at a time, and BatchNorm takes its statistics "
        "from a batch: of one sample there is no spread.",
        "Use a layer without a batch, GroupNorm or LayerNorm, where each sample is to have a "
        "gradient of its own; or call model.eval(), with which BatchNorm takes its running "
        "statistics.",
        where=r"_functorch",
    ),
    Explanation(
        "backward_in_transform",
        _RUNTIME,
        r"backward\(\) called inside a functorch transform",
        "vmap and torch.func run a function that gives values, and backward() would write into "
        ".grad instead.",
        "Let the function return the loss, of weights that it is given: torch.func.grad(loss_of), "
        "and vmap(torch.func.grad(loss_of), in_dims=(None, 0, 0))(weights, x, y) for each sample, "
        "where loss_of calls functional_call(model, weights, (x,)) and weights is "
        "dict(model.named_parameters()).",
    ),
)
