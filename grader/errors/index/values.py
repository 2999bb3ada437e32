"""Errors of data and of tensors: datasets, indices, shapes, arrays, linear algebra."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    GRAPHS,
    GRAPHS_2,
    LEAVES,
    LOOP_2,
    MODULES,
    PARALLEL,
    TENSORS,
    Entry,
    at,
)

VALUES: dict[str, Entry] = {
    "worker_sample": at(
        DATA,
        "An error in a worker",
        "A dataset that fails in a worker",
        "KeyError in DataLoader worker process",
    ),
    "sample_key": at(
        DATA, "11.2 A dataset", "A sample that is not there", "KeyError in __getitem__"
    ),
    "sample_index": at(
        DATA, "11.2 A dataset", "More samples promised than there are", "IndexError in __getitem__"
    ),
    "sample_file": at(DATA, "11.2 A dataset", "The file of a sample that is not there"),
    "collate_keys": at(DATA, "11.6 Collate", "Samples with different keys"),
    "batch_names": at(DATA, "11.4 From numbers to batches", "More parts than names in a batch"),
    "no_len_method": at(DATA, "11.2 A dataset", "A dataset class without __len__"),
    "length_kind": at(DATA, "11.2 A dataset", "A __len__ that is no whole number"),
    "arrays_given": at(DATA, "11.2 A dataset", "Arrays given to a TensorDataset"),
    "no_getitem": at(DATA, "11.2 A dataset", "A dataset class without __getitem__"),
    "dataset_sizes": at(DATA, "11.2 A dataset", "Inputs and targets of different length"),
    "split_lengths": at(DATA, "Training, validation, test", "Parts that do not add up"),
    "workers_wanted": at(DATA, "11.7 Workers", "An option for workers, without workers"),
    "loader_number": at(
        DATA, "11.4 From numbers to batches", "A batch size that is no number of samples"
    ),
    "loader_used": at(DATA, "What can be read once", "A DataLoader taken for a list"),
    "worker_died": at(
        DATA, "11.7 Workers", "A worker that died", "killed by signal", "out of shared memory"
    ),
    "many_files": at(DATA, "11.7 Workers", "Too many open files"),
    "dims_differ": at(
        TENSORS,
        "Several lists are taken in pairs",
        "An index for gather or scatter_add with other dimensions",
    ),
    "index_larger": at(
        TENSORS,
        "Several lists are taken in pairs",
        "An index for gather or scatter that is too large",
    ),
    "reduce_word": at(TENSORS, "Several lists are taken in pairs", "A reduction that there is not"),
    "index_vector": at(
        TENSORS, "Several lists are taken in pairs", "index_add with an index that is no vector"
    ),
    "index_count": at(
        TENSORS, "Several lists are taken in pairs", "index_add with another number of rows"
    ),
    "index_rows": at(
        TENSORS, "Several lists are taken in pairs", "index_add with rows of another length"
    ),
    "scalar_types": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "index_add of another dtype"),
    "many_indices": at(TENSORS, "9.5 Indexing", "More indices than dimensions"),
    "index_pairs": at(
        TENSORS, "Several lists are taken in pairs", "Lists of indices of different length"
    ),
    "index_written": at(TENSORS, "9.5 Indexing", "A value that does not fit its place"),
    "dim_range": at(TENSORS, "9.8 cat, stack, squeeze", "A dimension that there is not"),
    "mask_dtype": at(TENSORS, "9.6 Masks drop, where replaces", "A mask of numbers"),
    "value_overflow": at(
        TENSORS, "Integers truncate what you write", "A number that its dtype cannot hold"
    ),
    "text_index": at(TENSORS, "9.5 Indexing", "A text for an index"),
    "slice_kind": at(TENSORS, "9.5 Indexing", "A slice that ends at a fraction"),
    "bag_offsets": at(DATA, "11.6 Collate", "Offsets of an EmbeddingBag"),
    "bag_weights": at(DATA, "11.6 Collate", "Weights of an EmbeddingBag"),
    "padding_row": at(
        DATA, "Sequences of different lengths", "A row for padding that there is not"
    ),
    "below_zero": at(MODULES, "10.8 What a loss wants", "A class below 0"),
    "no_classes": at(MODULES, "10.8 What a loss wants", "one_hot of nothing"),
    "list_wanted": at(TENSORS, "9.8 cat, stack, squeeze", "Tensors that are in no list"),
    "list_of_numbers": at(TENSORS, "9.8 cat, stack, squeeze", "A list that holds no tensors"),
    "two_unknown": at(TENSORS, "9.3 Where a number lies", "Two sizes that are -1"),
    "negative_size": at(TENSORS, "9.3 Where a number lies", "A negative size"),
    "permute_all": at(TENSORS, "9.4 permute or reshape", "permute that leaves out a dimension"),
    "t_matrix": at(TENSORS, "9.4 permute or reshape", "t() of a batch"),
    "expanded": at(TENSORS, "9.9 Broadcasting", "expand of a size that is not 1"),
    "split_sum": at(TENSORS, "9.8 cat, stack, squeeze", "Parts that do not add up to the whole"),
    "beyond_end": at(TENSORS, "9.5 Indexing", "A window beyond the end"),
    "pad_count": at(DATA, "Sequences of different lengths", "Padding that does not fit"),
    "resize_dims": at(MODULES, "10.5 LeNet", "interpolate with other dimensions"),
    "einsum_letters": at(TENSORS, "9.10 Matrix products", "An einsum that does not fit"),
    "dot_sizes": at(TENSORS, "9.10 Matrix products", "dot of two lengths"),
    "array_for_tensor": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "An array for a tensor"),
    "number_for_tensor": at(
        GRAPHS, "Which results are recorded", "A number given to one of torch's functions"
    ),
    "text_used": at(DATA, "11.6 Collate", "A text in the place of a tensor"),
    "dict_used": at(MODULES, "10.4 What a call does", "A dict in the place of a tensor"),
    "dict_for_tensor": at(MODULES, "10.4 What a call does", "A dict for a tensor"),
    "size_kind": at(TENSORS, "9.3 Where a number lies", "A size that is no whole number"),
    "max_number": at(TENSORS, "9.7 The largest", "max of a tensor and a number"),
    "clamp_ends": at(TENSORS, "9.7 The largest", "clamp without ends"),
    "bool_minus": at(TENSORS, "9.6 Masks drop, where replaces", "Minus of masks"),
    "not_for_dtype": at(
        TENSORS,
        "9.2 Dtypes: float64 from NumPy",
        "An operation that is not there for a dtype",
        "not implemented for 'Long'",
        "not implemented for 'Half'",
    ),
    "for_integers": at(TENSORS, "9.6 Masks drop, where replaces", "& and | of floating numbers"),
    "ragged": at(DATA, "Sequences of different lengths", "Lists of different lengths"),
    "ragged_array": at(
        DATA,
        "Sequences of different lengths",
        "An array of rows of different lengths",
        "inhomogeneous shape",
    ),
    "texts": at(DATA, "11.2 A dataset", "A tensor of texts"),
    "no_dtype": at(TENSORS, "torch.tensor of tensors cuts", "A tensor of what is no number"),
    "array_bfloat": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "A dtype that NumPy does not have"
    ),
    "array_first": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "An array and a tensor in one formula"
    ),
    "array_method": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "An array for a tensor, by a method"
    ),
    "tensor_method": at(
        TENSORS, "9.2 Dtypes: float64 from NumPy", "A method that tensors do not have"
    ),
    "array_loss": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "An array given to a loss"),
    "formatted": at(GRAPHS, "Which results are recorded", "A tensor in a format"),
    "leaf_data": at(LEAVES, "Which dtypes can require grad", "Integers set as data"),
    "parameter_of": at(LEAVES, "A module's parameters are leaves", "A parameter of a list"),
    "dtype_text": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "A dtype that is a text"),
    "start_value": at(
        GRAPHS_2, "Starting from more than one number", "backward of a number, given a number"
    ),
    "grad_inputs": at(GRAPHS, "One gradient, by hand", "The gradient of what is no tensor"),
    "one_gradient": at(GRAPHS, "One gradient, by hand", "Fewer values than names"),
    "shape_names": at(TENSORS, "9.8 cat, stack, squeeze", "A shape with fewer sizes than names"),
    "singular": at(BREAKING, "14.2 Norm and std", "A matrix without an inverse"),
    "not_definite": at(BREAKING, "14.2 Norm and std", "A matrix that is not positive definite"),
    "no_convergence": at(BREAKING, "14.4 Find the node", "A decomposition that does not converge"),
    "square": at(TENSORS, "9.10 Matrix products", "A matrix that is not square"),
    "low_precision": at(LOOP_2, "Half the bits", "A decomposition in 16 bits"),
    "memory_cpu": at(BREAKING_2, "What keeps a graph alive", "A tensor larger than the memory"),
    "memory_gpu": at(PARALLEL, "13.9 What fills the memory", "CUDA out of memory"),
}
