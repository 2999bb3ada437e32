"""Errors of several processes and of what wraps a model for them."""

from __future__ import annotations

from grader.errors.explanation import Explanation

PROCESSES = (
    Explanation(
        "no_process_group",
        ("ValueError", "RuntimeError"),
        r"Default process group has not been initialized|"
        r"environment variable (RANK|WORLD_SIZE|MASTER_ADDR|MASTER_PORT) expected, but not set",
        "The processes of this training do not know of each other: init_process_group was not "
        "called, or the group was destroyed since, or the script was started without torchrun, "
        "which tells each process its number.",
        "Start the script with torchrun, and call torch.distributed.init_process_group() first.",
    ),
    Explanation(
        "no_nccl",
        ("RuntimeError",),
        r"Distributed package doesn't have NCCL built in",
        "nccl carries messages between GPUs, and this build of torch is without it, as "
        "those for the CPU are.",
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
        ("RuntimeError",),
        r"Expected to have finished reduction in the prior iteration",
        "DistributedDataParallel waits for a gradient of every parameter, and some got none: they "
        "took no part in the loss, or the backward pass before was broken off.",
        "Use every parameter in the loss, or freeze those you do not use before you wrap the "
        "model. If that changes from batch to batch, pass find_unused_parameters=True; elsewhere "
        "that would hide a parameter that the loss has lost. After a pass that was broken off, "
        "wrap the model anew.",
    ),
    Explanation(
        "ddp_twice",
        ("RuntimeError",),
        r"Expected to mark a variable ready only once",
        "DistributedDataParallel met a parameter's gradient twice after one forward pass: a "
        "parameter that is used outside of forward, a reentrant checkpoint that runs several "
        "times, or a second backward pass through a part of the model. Or "
        "find_unused_parameters=True took a parameter for unused, as it does where the model "
        "returns an object of your own, into which it does not look.",
        "Call the wrapper, ddp(x), once for each backward pass, and checkpoint with "
        "use_reentrant=False. Let the model return tensors, or tuples, lists or dicts of them.",
    ),
    Explanation(
        "wrapped_attribute",
        ("AttributeError",),
        r"^'(DataParallel|DistributedDataParallel)' object has no attribute",
        "The model is wrapped, and the wrapper has not your model's attributes.",
        "Ask the model inside: ddp.module.encode; to train, call the wrapper itself, ddp(x), "
        "since what goes past it is not averaged.",
    ),
    Explanation(
        "group_twice",
        (
            "ValueError",
            "RuntimeError",
        ),
        r"^trying to initialize the default process group twice",
        "init_process_group was called twice in one process, as by a cell that was run again.",
        "Ask first: if not torch.distributed.is_initialized(): ...; or end it with "
        "destroy_process_group().",
    ),
    Explanation(
        "nothing_to_average",
        ("RuntimeError",),
        r"^DistributedDataParallel is not needed when a module doesn't have any parameter",
        "DistributedDataParallel averages gradients, and here no parameter requires grad.",
        "Use it without the wrapper; or wrap it after you unfroze what is to be trained.",
    ),
    Explanation(
        "device_ids",
        ("ValueError",),
        r"^DistributedDataParallel device_ids and output_device arguments only work with",
        "device_ids names the GPU of this process, and the module is on the CPU or on several "
        "devices.",
        "Move it first: model.to(rank), then device_ids=[rank]. On the CPU leave device_ids out.",
    ),
    Explanation(
        "no_answer",
        (
            "DistNetworkError",
            "DistStoreError",
            "RuntimeError",
        ),
        r"^The client socket has (timed out|failed to connect)|^Timed out after \d+ seconds "
        r"waiting for clients",
        "The processes are to meet at one address, and some did not come: fewer were started "
        "than world_size says, or the address or the port is another one.",
        "Start all of them with torchrun, which gives each its rank, the number of all, and one "
        "address.",
    ),
    Explanation(
        "rank_waited",
        ("RuntimeError",),
        r"gloo/transport/\w+/\w+\.cc:\d+\] (Timed out waiting \d+ms for|Connection closed by peer|"
        r"Read error)",
        "This process waited for another one in a collective, such as all_reduce or the averaging "
        "of DistributedDataParallel, until the time was over or the other had ended.",
        "Read first what the other process wrote: if it raised, its error came before. Otherwise "
        "the two made other calls, by an if rank == 0, by a loop with fewer batches, or by a "
        "parameter that only one of them used. Let all make the same calls in one order.",
    ),
    Explanation(
        "no_backend",
        ("RuntimeError",),
        r"^Distributed package doesn't have MPI built in",
        "mpi needs a build of torch made on a machine that has it.",
        'Name another backend: "nccl" between GPUs, "gloo" on the CPU.',
    ),
    Explanation(
        "collective_argument",
        (
            "TypeError",
            "ValueError",
        ),
        r"^Invalid function argument\. Expected parameter `\w+` of type torch\.Tensor",
        "A collective such as all_reduce sends a tensor, and was given something else, such as a "
        "number, a list or a .grad that is None.",
        "Make a tensor of a number: t = torch.tensor(loss.item()); all_reduce(t). Send the tensors "
        "of a list one by one, and zeros for a .grad that is None.",
    ),
    Explanation(
        "crosses_process",
        ("RuntimeError",),
        r"^Cowardly refusing to serialize non-leaf tensor",
        "A tensor with a graph is to be sent to another process, and a graph cannot go there.",
        "Send t.detach().",
    ),
)
