"""Errors of data loaders, splits and samplers, and of files that are saved and read."""

from __future__ import annotations

from grader.errors.explanation import Explanation

LOADING = (
    Explanation(
        "next_method",
        ("AttributeError",),
        r"^'(_SingleProcessDataLoaderIter|_MultiProcessingDataLoaderIter|DataLoader)' object "
        r"has no attribute '(next|__next__)'",
        "An iterator has no method next in today's Python; next is a function.",
        "Write batch = next(iter(loader)), or next(it) with it = iter(loader) for the following "
        "ones. next(iter(loader)) begins anew each time.",
    ),
    Explanation(
        "loader_end",
        ("StopIteration",),
        r"",
        "The DataLoader has no batch more to give: its iterator was asked once more than "
        "there are batches. Or it has none at all, as of an empty dataset, or with "
        "drop_last=True and fewer samples than a batch.",
        "Go through it by for batch in loader. If you ask one by one, begin again at the "
        "end: except StopIteration: it = iter(loader), and batch = next(it) once more. If it "
        "is the first batch, print len(loader).",
        where=r"torch/utils/data/(dataloader|_utils/fetch)\.py:\w+$",
    ),
    Explanation(
        "dataset_attribute",
        ("AttributeError",),
        r"^'(TensorDataset|Subset|ConcatDataset|DataLoader)' object has no attribute '(data|"
        r"targets|labels|classes|x|y|X|transform|shape|class_to_idx)'$",
        "This object wraps others and has not what they have: a Subset keeps its dataset and "
        "indices, a TensorDataset its tensors, a ConcatDataset its datasets, a DataLoader "
        "its dataset.",
        "Ask what is inside: subset.dataset.targets, and of the samples in it "
        "[subset.dataset.targets[i] for i in subset.indices]; tensors.tensors[1]; "
        "loader.dataset.",
    ),
    Explanation(
        "subset_range",
        ("IndexError",),
        r"^(list|tuple) index out of range",
        "A Subset or a ConcatDataset was asked for a sample that its dataset does not have: "
        "the indices of the Subset were made for a larger dataset, or the number lies beyond "
        "its own length.",
        "Print max(subset.indices) and len(subset.dataset). Make the indices from that "
        "dataset: random_split(dataset, [0.8, 0.2]).",
        where=r"torch/utils/data/dataset\.py:__getitem__$",
    ),
    Explanation(
        "split_number",
        ("TypeError",),
        r"^'(float|int)' object is not iterable",
        "random_split takes the sizes or the parts of all pieces as a list, and was given "
        "one number.",
        "Write random_split(dataset, [0.8, 0.2]).",
        where=r"torch/utils/data/dataset\.py:random_split$",
    ),
    Explanation(
        "no_datasets",
        ("AssertionError",),
        r"^datasets should not be an empty iterable",
        "ConcatDataset was given no datasets: the list is empty, often of files in a folder "
        "that is not there, or a generator was gone through before.",
        "Print the list that it is made of, and keep it as a list.",
    ),
    Explanation(
        "sampler_settings",
        ("TypeError", "ValueError"),
        r"^(replacement|drop_last) should be a boolean value|^weights should be a 1d sequence|"
        r"^(WeightedRandom|Batch|Random|SubsetRandom|Distributed)Sampler\.__init__\(\) "
        r"(missing|got an unexpected)",
        "A sampler's settings are missing or of another kind: weights are one number for "
        "each sample, replacement and drop_last are True or False.",
        "Write WeightedRandomSampler(weights, num_samples=len(weights), replacement=True), "
        "with weights.flatten() of a matrix of one column; BatchSampler(sampler, "
        "batch_size=2, drop_last=False).",
    ),
    Explanation(
        "loader_settings",
        ("TypeError", "ValueError"),
        r"^DataLoader\.__init__\(\) got an unexpected keyword|^batch_size=None option "
        r"disables auto-batching|^timeout option should be non-negative",
        "The DataLoader has no setting of this name, or its settings do not go together: "
        "batch_size=None hands out the samples one by one, so that there is no last batch to "
        "drop.",
        "Look at the spelling: DataLoader(dataset, batch_size=32, shuffle=True, "
        "num_workers=0, drop_last=False). Leave drop_last out beside batch_size=None.",
    ),
    Explanation(
        "sampler_rank",
        ("ValueError",),
        r"^Invalid rank \d+, rank should be in the interval",
        "A DistributedSampler counts processes from 0, and this rank is not below their number.",
        "Pass both as they are: DistributedSampler(dataset, num_replicas=world_size, "
        "rank=rank), with rank from 0 to world_size - 1.",
    ),
    Explanation(
        "batch_numbers",
        ("TypeError",),
        r"^'int' object is not iterable",
        "A batch_sampler gives lists of numbers, one list for each batch, and this one gives "
        "single numbers.",
        "Pass it as sampler= with a batch_size, or join its numbers: "
        "batch_sampler=BatchSampler(sampler, 32, drop_last=False).",
        where=r"torch/utils/data/_utils/fetch\.py:fetch$",
    ),
    Explanation(
        "save_order",
        ("AttributeError", "TypeError"),
        r"^expected 'f' to be string, path, or a file-like object|^save\(\) missing 1 "
        r"required positional argument: 'f'",
        "torch.save takes what is to be saved first and where second, and the second is no path.",
        'Write torch.save(model.state_dict(), "model.pt").',
    ),
    Explanation(
        "load_argument",
        ("AttributeError", "AssertionError"),
        r"You can only torch\.load from a file that is seekable|^Expected bytes, got str$",
        "torch.load takes a path or a file that was opened for bytes, and was given a model, "
        "a text file or the like.",
        'Write model.load_state_dict(torch.load("model.pt")). Open a file for it by '
        'open(path, "rb").',
    ),
    Explanation(
        "unread_file",
        ("IndexError",),
        r"^pop from empty list",
        "The file was not written by torch.save: a page of a web site in the place of a "
        "download, a pointer of git-lfs, or a file of another library.",
        'Look at its first bytes: open(path, "rb").read(50). Fetch it again, or read it with '
        "what wrote it.",
        where=r"torch/_weights_only_unpickler\.py:load$",
    ),
    Explanation(
        "foreign_file",
        ("UnpicklingError",),
        r"^Weights only load failed.*Unsupported operand \d",
        "The file is not what torch.save writes: a page of a web site in the place of a download, "
        "a pointer of git-lfs, a file of another library or of pickle.dump. Or torch.save was "
        "given a pickle_protocol above 2.",
        'Look at its first bytes: open(path, "rb").read(50). Fetch it again, or read it with '
        "what wrote it. A file of your own that begins with PK is one of torch.save: save it again "
        "without pickle_protocol.",
    ),
    Explanation(
        "optimizer_path",
        ("AttributeError",),
        r"^'(str|PosixPath|WindowsPath)' object has no attribute 'copy'",
        "load_state_dict of an optimizer takes the saved state, and was given the path of a file.",
        "Read the file first: optimizer.load_state_dict(torch.load(path)).",
        where=r"torch/optim/optimizer\.py:load_state_dict$",
    ),
    Explanation(
        "collate_arguments",
        ("TypeError",),
        r"^(?!.*__getitems?__\(\)).*(takes \d+ positional arguments? but \d+ (was|were) given|"
        r"missing \d+ required positional argument)",
        "collate_fn is called with one argument, the list of the samples of a batch, and "
        "yours takes another number.",
        "Write def collate(samples): xs, ys = zip(*samples), and return what the batch is to "
        "be: torch.stack(xs), torch.tensor(ys).",
        where=r"torch/utils/data/_utils/fetch\.py:fetch$",
    ),
    Explanation(
        "dataset_set",
        ("TypeError",),
        r"^'(set|frozenset|generator|dict_values|dict_keys|map|filter|zip)' object is not "
        r"subscriptable",
        "A DataLoader asks for samples by number, and what the dataset looks them up in has no "
        "numbers: a set, or something that is gone through once, such as zip and map.",
        "Make a list of it: DataLoader(list(samples), batch_size=32), self.pairs = list(zip(x, "
        "y)).",
        where=r"torch/utils/data/_utils/fetch\.py:[\w<>]+( > [^>]*:__getitem__)?$",
    ),
)
