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
        "The function that is differentiated returns something else than is expected of it: a "
        "number, nothing or a tuple in the place of a tensor; or, with has_aux=True, no pair.",
        "Return the loss, without .item(). To get more from it, return (loss, more) and pass "
        "has_aux=True; without it, return the loss alone.",
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
        r"not compatible with the structure|Got in_dim=\S+ for (an|some) input|"
        r"expected `in_dims` to be int or",
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
        "Under vmap each sample, or each model of an ensemble, would update the one running mean, "
        "which all share.",
        "Over samples: call eval() on the model, use GroupNorm, or replace_all_batch_norm_modules_ "
        "from torch.func. Over models: hand in to each its own, the buffers that "
        "torch.func.stack_module_state gives, with 0 for them in in_dims.",
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
        r"^stack_module_state: |^Expected \w+ from each model to have|"
        r"^stack expects each tensor to be equal size",
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
        r"^The Tensor returned by the function given to \w+ should contain|^The outputs of "
        r"the user-provided function given to \w+ must be|^The vector v can only be None if|^The "
        r"function given to \w+ should return a single Tensor",
        "torch.autograd.functional wants a function that returns a tensor, or several; hessian, "
        "hvp and vhp want one number. Where v is left out, the text says what must be one number.",
        "Return y.sum() where one number is wanted. Pass v: to vjp of the result's shape, to jvp, "
        "hvp and vhp of the input's.",
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
    Explanation(
        "argnums_kind",
        ("RuntimeError",),
        r"^argnums? must be|^argnums elements must be unique",
        "argnums names arguments by their numbers, from 0: one whole number, or several "
        "different ones.",
        "Write grad(f, argnums=0), or argnums=(0, 1). An argument that is passed by name has "
        "no number: pass it by position.",
    ),
    Explanation(
        "vmap_call",
        ("ValueError",),
        r"^vmap\(.*\)\(<inputs>\): got no inputs",
        "vmap(f) is a function like f, and was called without arguments by position; what is "
        "passed by name is not counted.",
        "Pass the batch by position: vmap(f)(x).",
    ),
    Explanation(
        "vmap_randomness",
        ("RuntimeError",),
        r"^Only allowed values for randomness are",
        'randomness says what random functions do inside vmap: "error", "different" for each '
        'sample, or "same" for all.',
        'Write vmap(f, randomness="different").',
    ),
    Explanation(
        "vmap_out",
        ("ValueError",),
        r"out_dims is not compatible with the structure of|`out_dims` must be an int, None or",
        "out_dims says for each result where its batch goes, and has another structure than "
        "what the function returns.",
        "Leave it out: batches come first then. Else one number for one result, or a tuple "
        "with one for each.",
    ),
    Explanation(
        "aux_tensors",
        ("RuntimeError",),
        r"^Expected tensors, got unsupported type",
        "With has_aux=True the second result is handed through, and it may hold tensors "
        "alone; here is a number, a text or None.",
        "Return tensors there: return loss, scores. A number becomes one by torch.tensor(n).",
    ),
    Explanation(
        "cotangents",
        ("RuntimeError", "TypeError"),
        r"^Expected pytree structure of cotangents|missing 1 required positional argument: "
        r"'cotangents'",
        "The function that vjp returns wants one vector for each result of f, in the "
        "structure of the results: for a tuple a tuple.",
        "Write result, pull = vjp(f, x), then pull(torch.ones_like(result)), and for two "
        "results pull((torch.ones_like(a), torch.ones_like(b))).",
    ),
    Explanation(
        "integer_output",
        ("RuntimeError",),
        r"^vjp\(f, \.\.\.\): All outputs of f must be floating-point",
        "The function returns integers, as argmax, long or a comparison makes them, and "
        "these have no derivative.",
        "Return the floating numbers before that, such as scores or a loss. What is not "
        "differentiated goes out beside it, with has_aux=True.",
    ),
    Explanation(
        "called_by_names",
        ("ValueError", "TypeError"),
        r"^Expected (all elements of )?parameter_and_buffer_dicts|appeared in multiple "
        r"dictionaries; behavior of functional call|^\S+ is not an instance of torch\.Tensor$",
        "functional_call takes the model, a dict of names and tensors, and the arguments; "
        "the dict is something else, holds something else, or two of them name the same "
        "tensor.",
        "Write functional_call(model, dict(model.named_parameters()), (x,)). Buffers come in "
        "a second dict: (parameters, buffers).",
    ),
    Explanation(
        "functional_inputs",
        ("TypeError",),
        r"^The inputs given to \w+ must be either a Tensor or a tuple",
        "torch.autograd.functional differentiates with respect to tensors, and an input is "
        "something else.",
        "Make tensors of them: jacobian(f, torch.tensor(3.0)), or jacobian(f, (a, b)) with "
        "two tensors. What is fixed goes into the function: lambda x: f(x, 3).",
    ),
    Explanation(
        "dual_level",
        ("RuntimeError",),
        r"^Trying to create a dual Tensor for forward AD but no level exists",
        "A dual tensor lives inside a level of forward differentiation, and none was entered.",
        "Write it inside of: with fwAD.dual_level(): with import torch.autograd.forward_ad "
        "as fwAD. Or use torch.func.jvp, which enters it by itself.",
    ),
    Explanation(
        "materialized",
        ("ValueError",),
        r"^Expected allow_unused to be True or not passed when materialize_grads=True",
        "materialize_grads=True gives zeros for what was not used, so that being unused is "
        "allowed; allow_unused=False says that it is not.",
        "Leave allow_unused out beside materialize_grads=True.",
    ),
    Explanation(
        "accumulate_hook",
        ("RuntimeError",),
        r"^post accumulate grad hooks cannot be registered on non-leaf",
        "This hook belongs to the node that adds gradients to .grad of a leaf, and the result of "
        "an operation has another node.",
        "Put it on the parameters: for p in model.parameters(): "
        "p.register_post_accumulate_grad_hook(hook). For a result in between take "
        "y.register_hook(hook), which is given the gradient.",
    ),
)
