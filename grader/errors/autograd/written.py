"""Errors of what one writes oneself: custom Functions, hooks, checkpointed blocks."""

from __future__ import annotations

from grader.errors.explanation import Explanation

WRITTEN = (
    Explanation(
        "function_arguments",
        ("TypeError",),
        r"(takes \d+ positional arguments? but \d+ (were|was) given|missing \d+ required "
        r"positional argument)",
        "The custom Function's forward or backward takes another number of arguments than it is "
        "given: ctx first, then what apply was given; backward gets ctx and one gradient for "
        "each result.",
        "forward(ctx, x, y) for apply(x, y); backward(ctx, grad_a, grad_b) for a forward that "
        "returns (a, b).",
        where=r"torch/autograd/function\.py:apply$",
    ),
    Explanation(
        "function_returned",
        ("ValueError",),
        r"^not enough values to unpack|^too many values to unpack",
        "A line of your backward takes out another number of values than there are: most often of "
        "ctx.saved_tensors, or of a shape.",
        "ctx.saved_tensors holds what save_for_backward was given, in that order: (x,) = "
        "ctx.saved_tensors for one. A shape has one number for each dimension.",
        where=r"torch/autograd/function\.py:apply > [^>]*:backward$",
    ),
    Explanation(
        "function_dirty",
        ("RuntimeError",),
        r"^a leaf Variable that requires grad has been used in an in-place|^Some elements "
        r"marked as dirty during the forward method were not returned",
        "The Function's forward edits an argument in place. Such an argument is marked by "
        "ctx.mark_dirty, returned, and no leaf that requires grad.",
        "Compute without editing: return x + 1. Else ctx.mark_dirty(x); x.add_(1); return x, "
        "and call it on a result, not on a parameter.",
    ),
    Explanation(
        "gradcheck_inputs",
        ("ValueError",),
        r"^gradcheck expects at least one input tensor to require gradient",
        "gradcheck compares the gradients of inputs, and none requires grad.",
        "torch.ones(3, dtype=torch.float64, requires_grad=True).",
    ),
    Explanation(
        "gradcheck_nondeterministic",
        ("GradcheckError",),
        r"^Backward is not reentrant",
        "The backward gave two results for one input: it draws random numbers, or keeps "
        "something from call to call.",
        "Draw in forward and save it by save_for_backward; let backward depend on its arguments "
        "alone.",
    ),
    Explanation(
        "gradcheck_cut",
        ("GradcheckError",),
        r"^Numerical gradient for function expected to be zero",
        "The function's result depends on the input, and its graph does not: it was cut inside, "
        "by detach, .data or NumPy.",
        "Take the cut out, or write a Function with a backward.",
    ),
    Explanation(
        "checkpoint_keywords",
        ("ValueError",),
        r"^Unexpected keyword arguments: ",
        "A reentrant checkpoint passes on arguments by position alone.",
        "Pass use_reentrant=False, which takes keywords too.",
    ),
    Explanation(
        "loss_arguments",
        ("TypeError",),
        r"^\w+Loss\.forward\(\) (missing|takes)",
        "The forward of this loss takes another number of arguments than the loss is called with. "
        "Most take a prediction and a target.",
        "criterion(prediction, target). Some take more: nn.TripletMarginLoss anchor, positive and "
        "negative, nn.CosineEmbeddingLoss two inputs and a target, nn.GaussianNLLLoss a variance "
        "too. Weights of classes are given where the loss is made.",
        where=r"torch/nn/modules/module\.py:_call_impl$",
    ),
    Explanation(
        "forward_arguments",
        ("TypeError",),
        r"^(?!\w+Loss\.).*\.forward\(\) (takes|missing)",
        "The forward of this module takes another number of arguments than the model is called "
        "with; self is one of those that it takes.",
        "Compare def forward(self, x, ...) with the call. An argument that may be left out gets "
        "a value: mask=None. In a Sequential each module gets one argument.",
        where=r"torch/nn/modules/module\.py:_call_impl$",
    ),
    Explanation(
        "hook_arguments",
        ("TypeError",),
        r"^(?!.*\.forward\(\)).*(takes \d+ positional arguments? but \d+ (were|was) given|"
        r"missing \d+ required positional argument)",
        "A module's hook takes another number of arguments than it is given. A forward hook "
        "gets (module, inputs, output), a hook before forward (module, inputs), and both get the "
        "keyword arguments behind inputs if registered with with_kwargs=True. A full backward hook "
        "gets (module, grad_input, grad_output), one before it (module, grad_output).",
        "Correct the arguments of the function that the text names. For a forward hook: def "
        "hook(module, inputs, output).",
        where=r"torch/(nn/modules/module\.py:(_call_impl|inner)|utils/hooks\.py:\w+)$",
    ),
    Explanation(
        "tensor_hook_arguments",
        ("TypeError",),
        r"(takes \d+ positional arguments? but \d+ (were|was) given|missing \d+ required "
        r"positional argument)",
        "A hook of a tensor gets one argument, the gradient; one that is called after "
        "accumulation gets the parameter. A hook of a node, by x.grad_fn.register_hook, gets two "
        "tuples: the gradients that leave the node, and those that arrived.",
        "x.register_hook(lambda grad: grad * 2). Of a node: x.grad_fn.register_hook(lambda "
        "grad_inputs, grad_outputs: None).",
        where=r"torch/autograd/graph\.py:_engine_run_backward$",
    ),
    Explanation(
        "module_hook_count",
        ("RuntimeError",),
        r"^Backward hook returned an invalid number of grad_input",
        "What a module's backward hook returns replaces grad_input, one gradient for each input.",
        "Return a tuple of that length, or nothing.",
    ),
    Explanation(
        "hook_kinds",
        ("RuntimeError",),
        r"^Cannot use both regular backward hooks and full backward hooks",
        "A module takes hooks of one kind, and register_backward_hook is the old one, which "
        "sees the wrong gradients of a module of several operations.",
        "Use register_full_backward_hook alone.",
    ),
)
