"""Errors of what is built on autograd: custom Functions, torch.func, modules, optimizers, files."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)

FUNCTIONS = (
    Explanation(
        "module_hook_result",
        _RUNTIME,
        r"Backward hook for Modules where no input requires gradient should always return None",
        "What a backward hook of a module returns replaces the gradients of the inputs, and none "
        "that this module was given by position requires grad.",
        "Return nothing where grad_input holds None alone. To change the gradients of the "
        "parameters, register hooks on them; to change that of the output, use "
        "register_full_backward_pre_hook.",
    ),
    Explanation(
        "function_count",
        _RUNTIME,
        r"returned an incorrect number of gradients",
        "backward of a custom Function returns one gradient for each argument of forward, ctx not "
        "counted, and a list counts as one.",
        "Return a tuple, with None in the place of every argument that needs no gradient.",
    ),
    Explanation(
        "function_shape",
        _RUNTIME,
        r"invalid gradient at index \d+ - got .* but expected shape",
        "The gradient of an argument must have that argument's shape, or one that a sum over what "
        "was broadcast brings to it.",
        "In a backward of your own undo what forward did: sum where it broadcast, transpose "
        "where it transposed, reshape where it reshaped. If the text names a node of torch's "
        "own, such as AddmmBackward0, the .data of a parameter was given another shape while an "
        "older graph lived: make a new nn.Parameter in its place.",
    ),
    Explanation(
        "function_none",
        _RUNTIME,
        r"returned a gradient different than None at position \d+",
        "backward of a custom Function returned a gradient for an argument that is no tensor.",
        "Return None in its place: a number, a flag or a string has no gradient, nor has a list. "
        "Tensors of a list that are to get one are handed to apply one by one.",
    ),
    Explanation(
        "function_setup",
        _RUNTIME,
        r"must override the setup_context staticmethod",
        "torch.func and vmap run a custom Function's forward without ctx, and this one takes it.",
        "Split it: forward(x) computes, and setup_context(ctx, inputs, output) saves.",
    ),
    Explanation(
        "function_vmap",
        _RUNTIME,
        r"does not have vmap support",
        "vmap does not know what this custom Function does with a batch.",
        "If its methods use torch's operations alone, set generate_vmap_rule = True in the class. "
        "Else write a static method vmap.",
    ),
    Explanation(
        "function_jvp",
        ("NotImplementedError",),
        r"must implement the jvp function",
        "Forward mode asks a custom Function for its slope along a direction, and it has none.",
        "Write a static method jvp(ctx, *tangents); what it needs is kept by ctx.save_for_forward.",
    ),
    Explanation(
        "function_result",
        _RUNTIME,
        r"expected Variable or None \(got",
        "backward of a custom Function returns tensors, or None.",
        "Compute the gradient from the incoming one, as grad_output * local_derivative does. "
        "Several go into a tuple: a list counts as one value.",
    ),
    Explanation(
        "function_saved",
        ("TypeError",),
        r"save_for_backward can only save variables",
        "ctx.save_for_backward takes tensors, one after the other, and no list of them.",
        "Write ctx.save_for_backward(a, b). Keep a number or a shape on ctx itself: ctx.n = n.",
    ),
    Explanation(
        "function_object",
        _RUNTIME,
        r"Legacy autograd function with non-static forward",
        "A custom Function is used without making an object of it.",
        "Put @staticmethod above forward(ctx, x, factor) and backward(ctx, grad), and call "
        "MyFunction.apply(x, factor). What __init__ was given becomes an argument of forward, is "
        "kept by ctx.factor = factor, and gets None from backward.",
    ),
    Explanation(
        "function_incomplete",
        ("NotImplementedError",),
        r"You must implement (either the backward|the forward)",
        "The custom Function lacks its forward or its backward, or one of them has another name.",
        "Define both as static methods: forward(ctx, x) and backward(ctx, grad_output).",
    ),
    Explanation(
        "once_differentiable",
        _RUNTIME,
        r"marked with @once_differentiable",
        "This Function's backward is not recorded, so its gradient has no gradient.",
        "Remove @once_differentiable, and compute backward with torch operations on saved tensors.",
    ),
    Explanation(
        "inside_transform",
        _RUNTIME,
        r"attempting to call Tensor\.requires_grad_\(\)",
        "Inside a function given to torch.func (grad, jacrev, vmap) the transform says itself by "
        "which argument is differentiated: requires_grad_() has no place there.",
        "Leave requires_grad_() out, and take the inner derivative by torch.func.grad too: "
        "torch.func.grad(lambda r: net(r).sum())(r) in the place of torch.autograd.grad. Or use "
        "torch.autograd.grad throughout, in the place of torch.func.",
    ),
    Explanation(
        "inside_vmap",
        _RUNTIME,
        r"vmap: It looks like you're (either \(1\) )?(calling \.item\(\)|attempting to use a "
        r"Tensor in some)",
        "vmap runs the function once for the whole batch, so there is no single number to read or "
        "to test.",
        "Stay with tensors: torch.where instead of if, and no .item().",
    ),
    Explanation(
        "vmap_random",
        _RUNTIME,
        r"vmap: called random operation while in randomness error mode",
        "vmap does not choose whether random numbers, such as those of dropout, are drawn once for "
        "all samples or anew for each.",
        'Say it: vmap(f, randomness="different") draws anew for each sample, "same" once for all. '
        "Or call model.eval(), where no dropout is wanted.",
    ),
    Explanation(
        "vmap_edit",
        _RUNTIME,
        r"vmap: (inplace arithmetic|\S+)\(self, \*extra_args\) is not possible",
        "Under vmap this edit would write a batch of values into a tensor that was made for a "
        "single one.",
        "Use an operation that gives a new tensor, such as torch.cat, torch.where or F.pad; or "
        "make the tensor from the batched one: x.new_zeros(...).",
    ),
    Explanation(
        "transform_edit",
        _RUNTIME,
        r"attempted to call in-place operation .* that would mutate a captured Tensor",
        "Inside torch.func a function edits a tensor that it was not given: often a BatchNorm in "
        "training writes its running statistics.",
        "Call eval() on the BatchNorm or use another norm; hand over what is edited as an "
        "argument, and return it.",
    ),
    Explanation(
        "transform_not_scalar",
        _RUNTIME,
        r"Expected f\(\*args\) to return a scalar",
        "torch.func.grad differentiates functions that return one number, of shape ().",
        "Return y.sum(), or use torch.func.jacrev.",
    ),
)

MODULES = (
    Explanation(
        "non_leaf_parameter",
        ("ValueError",),
        r"can't optimize a non-leaf Tensor",
        "Backward fills the .grad of leaves, and an optimizer refuses a tensor that keeps none: "
        "this one is the recorded result of an operation.",
        "If the tensor that it was computed from is to be trained, give the optimizer that one. "
        "Else let the value be the leaf, t = t.detach().requires_grad_(), and compute the loss "
        "from this t: a leaf that the loss does not use is never trained.",
    ),
    Explanation(
        "no_parameters",
        ("ValueError",),
        r"optimizer got an empty parameter list",
        "The model has no parameters, the generator that gives them was used before, or your "
        "choice among them left none. Tensors and modules in a Python list are not registered.",
        "Use nn.Parameter and nn.ModuleList, and call model.parameters() anew each time.",
    ),
    Explanation(
        "parameter_twice",
        ("ValueError",),
        r"some parameters appear in more than one parameter group",
        "Every parameter belongs to one group: it is updated once per step.",
        "Leave the parameters of one group out of the other.",
    ),
    Explanation(
        "generators",
        ("TypeError",),
        r"optimizer can only optimize Tensors, but one of the params is",
        "What was given to the optimizer holds something else than tensors, such as the "
        "generators that parameters() gives, modules, or the names of a dict.",
        "Put the tensors into one list: [*a.parameters(), *b.parameters()]. A group is a dict, and "
        'stands in a list even alone: [{"params": model.parameters()}].',
    ),
    Explanation(
        "parameters_argument",
        ("TypeError",),
        r"params argument given to the optimizer should be an iterable",
        "An optimizer takes a collection of tensors, also when there is one.",
        "Write [w], or model.parameters().",
    ),
    Explanation(
        "parameter_assigned",
        ("TypeError",),
        r"cannot assign '.*' as parameter",
        "The name of a parameter can be given to another nn.Parameter, or to None, only.",
        "If the tensor was computed, and gradients are to flow through it, as in an inner loop or "
        'from another net, use it itself: torch.func.functional_call(model, {"layer.weight": t}, '
        "(x,)), or F.linear(x, t, layer.bias). If it is values alone, write them into the "
        "parameter: p.copy_(t) inside `with torch.no_grad():`. nn.Parameter(t) is for __init__: an "
        "optimizer that was made before does not hold it.",
    ),
    Explanation(
        "child_assigned",
        ("TypeError",),
        r"cannot assign '.*' as child module",
        "The name of a part can be given to another module, to None, or to an nn.Parameter.",
        "Put several modules into nn.ModuleList or nn.Sequential; give all else a name of its own.",
    ),
    Explanation(
        "before_init",
        ("AttributeError",),
        r"cannot assign (module|parameters?|buffer) before Module\.__init__\(\) call|"
        r"object has no attribute '_(modules|parameters|buffers|(forward|backward)(_pre)?_hooks)'",
        "nn.Module has to be set up before it can hold parameters and modules.",
        "Make super().__init__() the first line of your __init__.",
    ),
    Explanation(
        "no_forward",
        ("NotImplementedError",),
        r'is missing the required "forward" function',
        "Calling a module calls its forward, and yours has none, or one of another name.",
        "Define forward(self, x), indented inside the class. A ModuleList and a ModuleDict have "
        "none: call their parts one by one, or use nn.Sequential.",
    ),
    Explanation(
        "unpickling",
        ("UnpicklingError",),
        r"Weights only load failed(?!.*Unsupported operand)",
        "torch.load reads tensors, plain values, and lists, tuples, sets and dicts of these; the "
        "file holds other objects.",
        "Save state_dict() instead of a module or an optimizer, tensors instead of what NumPy "
        "made, and str(path) instead of a path. A file that you trust is read as it is: "
        "torch.load(path, weights_only=False), which runs what the file says.",
    ),
)
