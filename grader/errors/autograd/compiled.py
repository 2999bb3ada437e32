"""Errors of torch.compile."""

from __future__ import annotations

from grader.errors.explanation import Explanation

COMPILED = (
    Explanation(
        "data_dependent",
        ("Unsupported", "UserError"),
        r"Data-dependent branching",
        "The compiled function chooses its way by a tensor's value, which is not known when it is "
        "compiled.",
        "Choose entry by entry with torch.where, or leave fullgraph=True out: then the function is "
        "compiled in pieces around the if.",
    ),
    Explanation(
        "donated",
        ("RuntimeError",),
        r"compiled with non-empty donated buffers",
        "The compiled backward reuses the memory of what forward saved, so its graph cannot be "
        "kept for a second pass.",
        "If both losses are to train all that they share, add them and call backward once. Else "
        "detach for one of them what it is not to train, or run forward again for it. Or set "
        "torch._functorch.config.donated_buffer = False before compiling. A second derivative "
        "takes the function that is not compiled.",
    ),
    Explanation(
        "compiled_twice",
        ("RuntimeError",),
        r"torch\.compile with aot_autograd does not currently support double backward",
        "The backward of a compiled function is not recorded, so its gradient has no gradient.",
        "Differentiate the function that is not compiled where you need a second derivative.",
    ),
    Explanation(
        "compiled_value",
        (
            "UserError",
            "Unsupported",
            "TorchRuntimeError",
            "GuardOnDataDependentSymNode",
        ),
        r"Could not guard on data-dependent expression|Could not extract specialized integer "
        r"from data-dependent|Tensor\.(item|tolist)\(\)|^Unsupported Tensor\.item",
        "The compiled function reads a number out of a tensor, by .item(), float() or tolist(), "
        "and goes on by it; the number is not known when it is compiled.",
        "Stay with tensors: torch.where(x.sum() > 0, a, b). Or leave fullgraph=True out: the "
        "function is then cut in two there.",
    ),
    Explanation(
        "graph_break",
        ("Unsupported",),
        r"^(Failed to trace builtin operator|Call to `torch\._dynamo\.graph_break|Attempted to "
        r"(call function marked|inline function marked)|Unsupported (Tensor\.backward|method|"
        r"function)|Unsupported context manager|Unsupported function call|Graph break|"
        r"Reconstruction failure|logging\.Logger|Encountered (graph break|aliasing))",
        "With fullgraph=True the whole function is to be one graph, and it does something there "
        "that cannot be part of one: print, open, backward, or code that is not torch's.",
        "Move that outside of the compiled function; or leave fullgraph=True out, and it is "
        "compiled in pieces around it. TORCH_LOGS=graph_breaks shows where.",
    ),
    Explanation(
        "compiled_shapes",
        ("TorchRuntimeError",),
        r"when making fake tensor call|^Dynamo failed to run FX node",
        "The compiler ran your function with tensors that have shapes and no values, and one of "
        "the operations refused them: your own code raises the same without the compiler.",
        "Call the function without torch.compile, and correct the error that it shows there.",
    ),
    Explanation(
        "no_compiler",
        (
            "InvalidBackend",
            "InvalidCxxCompiler",
            "InductorError",
            "BackendCompilerFailed",
            "RuntimeError",
        ),
        r"^Invalid backend: |No working C\+\+ compiler found|C\+\+ compile error|Failed to find "
        r"C compiler",
        "torch.compile has no such backend, or its own needs a C++ compiler that is not there.",
        'Install one (g++; on Windows the build tools), or pass backend="eager", which compiles '
        "nothing and finds the same graph breaks.",
    ),
)
