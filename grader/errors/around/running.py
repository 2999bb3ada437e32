"""Errors of what a training runs on: data loaders and devices."""

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
        "Make a list of it: list(generator). What is too long for that becomes an "
        "IterableDataset. Each worker goes through all of that: with several of them share it "
        "out by torch.utils.data.get_worker_info().",
    ),
    Explanation(
        "two_orders",
        ("ValueError",),
        r"option is mutually exclusive with|expected unspecified (shuffle|sampler|batch_sampler)",
        "Two things would give the order of the samples: shuffle beside a sampler, or either of "
        "them beside a stream, which has an order of its own. A batch_sampler gives whole batches, "
        "and has room for neither, nor for batch_size and drop_last.",
        "Leave shuffle out where there is a sampler, and all four beside a batch_sampler. A stream "
        "shuffles inside of its __iter__.",
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
