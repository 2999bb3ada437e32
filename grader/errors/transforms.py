"""Errors of torch.func and torch.autograd.functional."""

from __future__ import annotations

from grader.errors.explanation import Explanation

TRANSFORMS = (
    Explanation(
        "transform_tensor",
        ("ValueError",),
        r"^Thing passed to transform API must be Tensor|^Expected primal to be floating point "
        r"or complex",
        "torch.func differentiates with respect to tensors of floating numbers, and an argument "
        "is something else.",
        "Pass torch.tensor(3.0); say by argnums which argument is meant, argnums=(0, 2) for two "
        "of them.",
    ),
    Explanation(
        "transform_result",
        ("RuntimeError",),
        r"Expected f\(\*args\) to return a Tensor, got|output of function f should be a tuple: "
        r"\(output, aux\)|expected f\(\*primals\) to return only tensors",
        "The function that is differentiated returns something else than a tensor: a number, "
        "nothing, or a tuple.",
        "Return the loss, without .item(). To get more from it, return (loss, more) and pass "
        "has_aux=True.",
    ),
    Explanation(
        "transform_argnums",
        ("RuntimeError",),
        r"^Got argnum=-?\d+, but only \d+ positional inputs",
        "argnums counts the arguments that are passed by position, from 0.",
        "Pass that argument by position, and count again.",
    ),
    Explanation(
        "vmap_dims",
        ("ValueError",),
        r"^vmap: Expected all tensors to have the same size in the mapped dimension|in_dims is "
        r"not compatible with the structure|Got in_dim=\S+ for (an|some) input",
        "vmap takes slices of every argument along its dimension in in_dims, 0 unless you say "
        "otherwise: all of one size, and none of a number or of what all samples share.",
        "Say it for each argument, None for what is shared: vmap(f, in_dims=(None, 0))(weights, "
        "x).",
    ),
    Explanation(
        "vmap_returns",
        ("ValueError",),
        r"must only return Tensors, got type",
        "vmap joins the results of all samples, and a result is no tensor.",
        "Return tensors alone, torch.tensor(n) of a number; or say out_dims=None for what is the "
        "same for all.",
    ),
    Explanation(
        "vmap_shapes",
        ("RuntimeError",),
        r"^vmap: We do not support batching operators that can (support|output) dynamic shape|"
        r"^vmap: It looks like you're calling .*dynamic",
        "Under vmap all samples have results of one shape, and x[mask] or nonzero has as many "
        "entries as the sample has.",
        "Keep the shape and replace: torch.where(mask, x, 0.0), and weigh a mean by the mask.",
    ),
    Explanation(
        "transform_numpy",
        ("RuntimeError",),
        r"^Cannot access data pointer of Tensor that doesn't have storage",
        "Inside of torch.func or torch.compile a tensor has no memory of its own that NumPy "
        "could read.",
        "Stay with torch's functions.",
    ),
    Explanation(
        "transform_batchnorm",
        ("RuntimeError",),
        r"^Batch norm got a batched tensor as input while the running_mean",
        "Under vmap each sample would update the one running mean, which all share.",
        "Call eval() on the model, use GroupNorm, or replace_all_batch_norm_modules_ from "
        "torch.func.",
    ),
    Explanation(
        "tangents",
        ("RuntimeError",),
        r"^Trying to set a forward gradient that has a different size|^jvp\(f, primals, "
        r"tangents\): Expected|^v has invalid size",
        "Each direction has the shape of the argument that it goes with; primals and tangents "
        "are tuples, one entry for each argument.",
        "jvp(f, (x,), (torch.ones_like(x),)).",
    ),
    Explanation(
        "models_stacked",
        ("RuntimeError",),
        r"^stack_module_state: |^stack expects each tensor to be equal size",
        "stack_module_state joins models of one class and one size, and these differ, or there "
        "are none.",
        "Make them by one function: [make() for _ in range(5)].",
        where=r"torch/_functorch/functional_call\.py:",
    ),
    Explanation(
        "functional_result",
        (
            "RuntimeError",
            "TypeError",
        ),
        r"^The Tensor returned by the function given to hessian should contain|^The outputs of "
        r"the user-provided function given to \w+ must be|^The vector v can only be None if",
        "torch.autograd.functional wants a function that returns a tensor, or several; hessian "
        "and hvp want one number.",
        "Return y.sum() where one number is wanted; pass v of the result's shape to vjp.",
    ),
    Explanation(
        "strict_output",
        ("RuntimeError",),
        r"^Output \d+ of the user-provided function does not require gradients|^Output \d+ of "
        r"the user-provided function is independent",
        "With strict=True a result that does not depend on the arguments is an error: it was "
        "cut from them, or never used them.",
        "Look for detach, .item(), argmax and torch.tensor in the function.",
    ),
)
