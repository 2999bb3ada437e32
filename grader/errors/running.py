"""Errors of what a training runs on: data loaders, devices, processes, compilers."""

from __future__ import annotations

from grader.errors.explanation import Explanation

_RUNTIME = ("RuntimeError",)

LOADERS = (
    Explanation(
        "no_length",
        ("TypeError",),
        r"^object of type 'generator' has no len\(\)",
        "A DataLoader numbers the samples of its dataset, and a generator has neither a length nor "
        "numbers.",
        "Make a list of it: list(generator). What is too long for that becomes an IterableDataset.",
    ),
    Explanation(
        "two_orders",
        ("ValueError",),
        r"option is mutually exclusive with|expected unspecified (shuffle|sampler|batch_sampler)",
        "Two things would give the order of the samples: shuffle beside a sampler, or either of "
        "them beside a stream, which has an order of its own.",
        "Leave shuffle out where there is a sampler. A stream shuffles inside of its __iter__.",
    ),
    Explanation(
        "collate_kind",
        ("TypeError",),
        r"^default_collate: batch must contain tensors",
        "A sample holds something that a DataLoader does not know how to put into a batch, such as "
        "None, a path or an object.",
        "Return tensors, arrays, numbers and texts from the dataset, or write a collate_fn. A "
        "function without return gives None.",
    ),
    Explanation(
        "no_samples",
        ("ValueError",),
        r"num_samples should be a positive integer value, but got num_samples=0",
        "The dataset is empty, and a DataLoader that shuffles draws from it.",
        "Print len(dataset): a path may be wrong, or a split or a filter has kept nothing.",
    ),
    Explanation(
        "worker_pickle",
        ("AttributeError", "PicklingError"),
        r"^Can't (pickle local object|get local object)|^Can't pickle <(function|class) .*<lambda>",
        "A worker that is started anew gets dataset and collate_fn as a file of names, and what "
        "was defined inside a function, or as a lambda, has none.",
        "Define them at the top of a module. With num_workers=0 nothing is sent.",
    ),
    Explanation(
        "main_guard",
        _RUNTIME,
        r"before the\s+current process has finished its bootstrapping phase",
        "A worker that is started anew imports your script first, and the script starts workers "
        "as it is imported.",
        'Put what the script does under `if __name__ == "__main__":`, and leave imports and '
        "definitions above it.",
    ),
)

DEVICES = (
    Explanation(
        "device_name",
        _RUNTIME,
        r"device type at start of device string|^Invalid device string",
        "There is no device of this name.",
        'Devices are called "cpu", "cuda", "cuda:1", "mps": a kind, and a number where there are '
        "several.",
    ),
    Explanation(
        "deterministic",
        _RUNTIME,
        r"does not have a deterministic implementation, but you set",
        "torch.use_deterministic_algorithms(True) forbids what may give other numbers in another "
        "run, and this operation is of that kind.",
        "Use another operation, or pass warn_only=True and take the difference for granted.",
    ),
)

PROCESSES = (
    Explanation(
        "no_process_group",
        ("ValueError", "RuntimeError"),
        r"Default process group has not been initialized|"
        r"environment variable (RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT) expected, but not set",
        "The processes of this training do not know of each other: init_process_group was not "
        "called, or the script was started without torchrun, which tells each process its number.",
        "Start the script with torchrun, and call torch.distributed.init_process_group() first.",
    ),
    Explanation(
        "no_nccl",
        _RUNTIME,
        r"Distributed package doesn't have NCCL built in",
        "nccl carries messages between GPUs, and this build of torch is for the CPU.",
        'Name the other backend: init_process_group("gloo").',
    ),
    Explanation(
        "port_taken",
        ("DistNetworkError", "RuntimeError"),
        r"server socket has failed to listen on any local network address",
        "The port on which the processes are to meet is taken: another training runs, or an "
        "earlier one has not ended.",
        "Let torchrun choose a free one: torchrun --standalone. Or set another MASTER_PORT.",
    ),
    Explanation(
        "ddp_unused",
        _RUNTIME,
        r"Expected to have finished reduction in the prior iteration",
        "DistributedDataParallel waits for a gradient of every parameter, and some took no part in "
        "the loss.",
        "Use every parameter in the loss, or freeze those you do not use. If that changes from "
        "batch to batch, pass find_unused_parameters=True.",
    ),
    Explanation(
        "ddp_twice",
        _RUNTIME,
        r"Expected to mark a variable ready only once",
        "DistributedDataParallel met a parameter's gradient twice in one pass: a parameter that is "
        "used outside of forward, or a reentrant checkpoint that runs several times.",
        "Call the wrapped model itself, once per pass, and checkpoint with use_reentrant=False.",
    ),
)

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
        _RUNTIME,
        r"compiled with non-empty donated buffers",
        "The compiled backward reuses the memory of what forward saved, so its graph cannot be "
        "kept for a second pass.",
        "Add the losses and call backward once, without retain_graph and create_graph; or set "
        "torch._functorch.config.donated_buffer = False before compiling.",
    ),
    Explanation(
        "compiled_twice",
        _RUNTIME,
        r"torch\.compile with aot_autograd does not currently support double backward",
        "The backward of a compiled function is not recorded, so its gradient has no gradient.",
        "Differentiate the function that is not compiled where you need a second derivative.",
    ),
)
