"""Errors of saving and loading."""

from __future__ import annotations

from grader.errors.explanation import Explanation

STORED = (
    Explanation(
        "dict_like",
        ("TypeError",),
        r"^Expected state_dict to be dict-like, got <class '(?!method)",
        "load_state_dict takes a dict of tensors, and was given a path, or a model.",
        "model.load_state_dict(torch.load(path)). If the file holds a whole model: "
        "torch.load(path, weights_only=False).state_dict(), of a file that you trust.",
    ),
    Explanation(
        "whole_pickled",
        ("AttributeError", "PicklingError", "TypeError"),
        r"^Can't (pickle|get) (local object|<(function|class))|^[Cc]annot pickle '",
        "torch.save writes an object by the names of its class and functions, and what was "
        "defined as a lambda, or inside of a function, has none. An open file, a lock or a "
        "generator cannot be written at all.",
        "Save the numbers alone, torch.save(model.state_dict(), path), and make the model anew "
        "when you load them. Or define that function at the top of a module, with def.",
        where=r"torch/serialization\.py:\w+$",
    ),
    Explanation(
        "loaded_result",
        (
            "TypeError",
            "AttributeError",
        ),
        r"^'_IncompatibleKeys' object",
        "load_state_dict changes the model and returns a list of what did not fit, and that "
        "list stands where the model belongs.",
        "Call it on a line of its own: model.load_state_dict(state), and use model.",
    ),
    Explanation(
        "dict_for_model",
        (
            "TypeError",
            "AttributeError",
        ),
        r"^'(collections\.)?OrderedDict' object (is not callable|has no attribute '(eval|train|"
        r"to|parameters|state_dict|forward|cuda|zero_grad)')",
        "What was saved is a state_dict, the tensors alone, and there is no model around them.",
        "Make the model first, then model.load_state_dict(torch.load(path)).",
    ),
    Explanation(
        "other_state",
        ("KeyError",),
        r"^'param_groups'$",
        "An optimizer was given a state that is not an optimizer's: the model's, or the whole "
        "checkpoint.",
        'optimizer.load_state_dict(checkpoint["optimizer"]), by the key that you saved it under.',
        where=r"torch/optim/optimizer\.py:load_state_dict",
    ),
    Explanation(
        "no_file",
        ("FileNotFoundError",),
        r"",
        "There is no file at this path. A relative path counts from the folder that the program "
        "was started in.",
        "Print Path(path).resolve(), and look whether it is there.",
        where=r"torch/serialization\.py:",
    ),
    Explanation(
        "no_folder",
        ("RuntimeError",),
        r"^Parent directory .* does not exist",
        "torch.save makes the file, and not the folder around it.",
        "Path(path).parent.mkdir(parents=True, exist_ok=True) before saving.",
    ),
    Explanation(
        "broken_file",
        (
            "RuntimeError",
            "UnpicklingError",
            "EOFError",
        ),
        r"PytorchStreamReader failed|^unexpected EOF|^Invalid magic number; corrupt file|"
        r"file in archive is not in a subdirectory",
        "The file is not whole, or torch did not write it: a saving or a download that was cut "
        "off, or a page of text in its place.",
        "Look at its size, and fetch or save it again. Save to another name and rename when it "
        "is complete.",
    ),
    Explanation(
        "empty_file",
        (
            "KeyError",
            "EOFError",
            "UnpicklingError",
        ),
        r"^(?!Weights only)",
        "The file is empty, or torch did not write it.",
        "Look at its size, and fetch or save it again.",
        where=r"torch/(_weights_only_unpickler\.py:load|serialization\.py:\w+)$",
    ),
)
