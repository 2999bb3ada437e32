"""Errors of datasets, samplers and a DataLoader's workers."""

from __future__ import annotations

from grader.errors.explanation import BY_FRAMES, Explanation

DATASETS = (
    Explanation(
        "worker_sample",
        (
            "KeyError",
            "IndexError",
            "FileNotFoundError",
            "UnidentifiedImageError",
            "ZeroDivisionError",
        ),
        r"^Caught (KeyError|IndexError|FileNotFoundError|UnidentifiedImageError|"
        r"ZeroDivisionError) in DataLoader worker process(?!.*collate\.py)",
        'Your dataset raised it for one sample, inside a worker. The lines below "Original '
        'Traceback" show where, and the last of them shows what it was.',
        "Call the dataset by itself, dataset[i], for every i below len(dataset), or set "
        "num_workers=0, until it raises here. A number that is no key: a pandas table keeps its "
        "old labels after a split or a filter, so take rows by position, table.iloc[i]. An "
        "index out of range: __len__ promises more samples than there are.",
    ),
    Explanation(
        "sample_key",
        ("KeyError",),
        r"",
        "A DataLoader asked your dataset for a sample, and looking it up failed: there is no "
        "such key.",
        "Call dataset[i] by itself. A number that is no key: a pandas table keeps its old "
        "labels after a split or a filter, so take rows by position, table.iloc[i]. A text that "
        "is no key: print the keys that there are.",
        where=r"torch/utils/data/_utils/fetch\.py:fetch(?!.*collate\.py)",
    ),
    Explanation(
        "sample_index",
        ("IndexError",),
        r"^(list|tuple|string) index out of range|single positional indexer is out-of-bounds|is "
        r"out of bounds for axis",
        "A DataLoader asks for every number below len(dataset), and for this one an index in your "
        "dataset lies beyond an end: most often there are fewer samples than len() says.",
        "Let __len__ return the number of samples that __getitem__ can give: after a split or a "
        "filter, that of what was kept. Call dataset[len(dataset) - 1] by itself.",
        where=r"torch/utils/data/_utils/fetch\.py:fetch(?!.*collate\.py)",
    ),
    Explanation(
        "sample_file",
        ("FileNotFoundError",),
        r"",
        "Your dataset opened a file that is not at this path. A relative path counts from the "
        "folder that the program was started in.",
        "Build paths from the folder of the data: Path(root) / name. Print one that fails, and "
        "look for it there.",
        where=r"torch/utils/data/_utils/fetch\.py:fetch",
    ),
    Explanation(
        "collate_keys",
        ("KeyError",),
        r"",
        "The samples of a batch are dicts, and one lacks a key that the first one has.",
        "Return the same keys for every sample, or write a collate_fn that fills in what is "
        "missing.",
        where=r"torch/utils/data/_utils/collate\.py:",
    ),
    Explanation(
        "batch_names",
        ("ValueError",),
        r"^too many values to unpack",
        "A batch has as many parts as a sample of the dataset, and there are fewer names for them.",
        "Name every part: for image, label, path in loader. One that you do not need is called _. "
        "Where a sample is a dict, the batch is one too: for batch in loader, and batch[name].",
        where=BY_FRAMES,
    ),
    Explanation(
        "no_len_method",
        ("TypeError",),
        r"^object of type '(?!generator|NoneType|int|float)\w+' has no len\(\)",
        "A DataLoader needs to know how many samples there are, and your dataset class has no "
        "__len__.",
        "Write def __len__(self) that returns the number of samples. What has none becomes an "
        "IterableDataset with __iter__, and its loader is not asked for len(). Each worker goes "
        "through all of that: with several of them share it out by "
        "torch.utils.data.get_worker_info().",
        where=r"torch/utils/data/",
    ),
    Explanation(
        "length_kind",
        ("TypeError", "ValueError"),
        r"^'(float|NoneType|Tensor|str|tuple|list)' object cannot be interpreted as an integer|"
        r"^__len__\(\) should return >= 0",
        "A DataLoader asks for len(dataset), and __len__ of your dataset returns no whole number "
        "of 0 or more.",
        "Let it return one: write // in the place of /, and return in front of the value.",
        where=r"torch/utils/data/(?!dataset)\w+\.py:\w+$",
    ),
    Explanation(
        "arrays_given",
        ("TypeError",),
        r"^'int' object is not callable",
        "A TensorDataset asks each tensor for its size(0), and was given NumPy arrays, whose size "
        "is a number.",
        "Make tensors of them: TensorDataset(torch.from_numpy(x).float(), torch.from_numpy(y)).",
        where=r"torch/utils/data/dataset\.py:[\w<>]+$",
    ),
    Explanation(
        "no_getitem",
        ("NotImplementedError",),
        r"Subclasses of Dataset should implement __getitem__",
        "Your dataset class has no __getitem__, or it has another name.",
        "Write def __getitem__(self, index) in the class itself, not inside another method, and "
        "spelled with two underscores on each side.",
    ),
    Explanation(
        "dataset_sizes",
        ("AssertionError",),
        r"^Size mismatch between tensors",
        "The tensors of a TensorDataset have different first sizes, and sample i takes row i of "
        "each.",
        "Print the shapes: inputs and targets need one row per sample.",
    ),
    Explanation(
        "split_lengths",
        ("ValueError",),
        r"^Sum of input lengths does not equal the length of the input dataset",
        "random_split is to give away every sample, and your parts add up to another number.",
        "Compute the last part: [n, len(dataset) - n]. Or pass fractions that add up to 1: "
        "[0.8, 0.2].",
    ),
    Explanation(
        "workers_wanted",
        ("ValueError",),
        r"option could only be specified in multiprocessing|^persistent_workers option needs "
        r"num_workers",
        "This option is about workers, and num_workers is 0: the samples are read in this process.",
        "Set num_workers to 1 or more, or leave the option out.",
    ),
    Explanation(
        "loader_number",
        ("ValueError",),
        r"^(batch_size|num_samples) should be a positive integer value, but got (batch_size|"
        r"num_samples)=(?!0$)|^num_workers option should be non-negative|^batch_size should be "
        r"a positive integer value, but got batch_size=0",
        "A DataLoader and its samplers count in whole numbers above 0; num_workers may be 0.",
        "Pass a whole number: int(n). A division by / gives a float, one by // does not.",
    ),
    Explanation(
        "loader_used",
        ("TypeError",),
        r"^'DataLoader' object is not (subscriptable|an iterator)",
        "A DataLoader is gone through; it has no entries, and it is no iterator itself.",
        "Go through it: for batch in loader. For one batch: batch = next(iter(loader)), which "
        "begins anew each time; without shuffle that is always the first. For one sample ask the "
        "dataset: loader.dataset[i].",
    ),
    Explanation(
        "worker_died",
        ("RuntimeError",),
        r"^DataLoader worker \(pid.*\) (is killed by signal|exited unexpectedly)|"
        r"DataLoader worker exited unexpectedly",
        "A worker process ended without an error of its own: most often there was no memory "
        "left, in the machine or in /dev/shm.",
        "Try num_workers=0, where the true error shows. Then use fewer workers or smaller "
        "batches; in a container give it more shared memory (docker run --shm-size=2g).",
    ),
    Explanation(
        "many_files",
        ("RuntimeError",),
        r"^received 0 items of ancdata|^Too many open files",
        "Workers hand tensors over as open files, and the system allows no more of them.",
        'Call torch.multiprocessing.set_sharing_strategy("file_system") at the start, or keep '
        "fewer batches alive.",
    ),
)
