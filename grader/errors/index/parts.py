"""Errors of layers, of what they are made with, and of a model's parts."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    LEAVES,
    LOOP_2,
    MODULES,
    NORM,
    TENSORS,
    Entry,
    at,
)

PARTS: dict[str, Entry] = {
    "conv_groups": at(MODULES, "10.5 LeNet", "Groups of a convolution"),
    "padding_word": at(MODULES, "10.5 LeNet", "A word for padding"),
    "window_numbers": at(MODULES, "10.5 LeNet", "A stride of 0"),
    "window_dims": at(MODULES, "10.5 LeNet", "A window of other dimensions"),
    "pool_input": at(MODULES, "10.5 LeNet", "An input that cannot be pooled"),
    "transposed_size": at(MODULES, "10.5 LeNet", "The output size of a transposed convolution"),
    "unpool_indices": at(MODULES, "10.5 LeNet", "Indices for MaxUnpool"),
    "embedding_matrix": at(MODULES, "10.5 LeNet, and a block", "A table for an Embedding"),
    "norm_epsilon": at(NORM, "7.3 What BatchNorm does", "BatchNorm without eps"),
    "channel_dims": at(NORM, "7.2 One formula", "A layer of channels, without channels"),
    "prelu_channels": at(MODULES, "10.5 LeNet", "PReLU for other channels"),
    "glu_half": at(MODULES, "10.5 LeNet", "GLU of an odd size"),
    "shuffled_channels": at(MODULES, "10.5 LeNet", "PixelShuffle of other channels"),
    "unflattened": at(TENSORS, "9.4 permute or reshape", "Unflatten to sizes that do not fit"),
    "rnn_settings": at(DATA, "Sequences of different lengths", "Settings of an RNN"),
    "rnn_dtype": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "An RNN given another dtype"),
    "cell_state_size": at(BREAKING_2, "A state that is carried", "A cell's state of another size"),
    "nonlinearity_word": at(MODULES, "10.5 LeNet, and a block", "An activation by a word"),
    "no_sequence": at(DATA, "Sequences of different lengths", "An empty sequence"),
    "attention_inputs": at(
        MODULES, "10.5 LeNet, and a block", "Queries, keys and values that do not fit"
    ),
    "mask_dims": at(BREAKING, "A row that is masked altogether", "A mask of other dimensions"),
    "causal_hint": at(BREAKING, "A row that is masked altogether", "is_causal without its mask"),
    "pad_mode": at(DATA, "Sequences of different lengths", "A mode of padding"),
    "resize_options": at(MODULES, "10.5 LeNet", "Options of interpolate"),
    "resize_input": at(MODULES, "10.5 LeNet", "A mode of interpolate"),
    "resize_zero": at(MODULES, "10.5 LeNet", "interpolate to nothing"),
    "resize_kind": at(MODULES, "10.5 LeNet", "A size that is a float"),
    "grid_shape": at(TENSORS, "9.9 Broadcasting", "A grid that does not fit the images"),
    "grid_words": at(MODULES, "10.5 LeNet", "Words of grid_sample"),
    "folded_blocks": at(TENSORS, "9.3 Where a number lies", "fold of blocks that do not fit"),
    "empty_parts": at(TENSORS, "9.8 cat, stack, squeeze", "Parts of size 0"),
    "part_number": at(
        MODULES, "10.2 What a module knows", "A part that a Sequential does not have"
    ),
    "part_by_name": at(MODULES, "10.3 Names and counts", "A Sequential asked by a name"),
    "part_key": at(MODULES, "10.3 Names and counts", "A name that a ModuleDict does not have"),
    "parts_listed": at(MODULES, "Layers in a list", "A module given to a ModuleList"),
    "name_text": at(MODULES, "10.3 Names and counts", "A name that is no text"),
    "integer_model": at(LEAVES, "Which dtypes can require grad", "A model of integers"),
    "part_path": at(MODULES, "10.3 Names and counts", "A path of names"),
    "parameter_called": at(
        MODULES, "A weight that is a plain tensor", "A parameter that was called"
    ),
    "norm_hooks": at(MODULES, "First weights", "A norm of weights put on twice"),
    "parametrized_name": at(
        MODULES, "First weights", "A parametrization of a tensor that is not there"
    ),
    "parametrized_result": at(MODULES, "First weights", "A parametrization of another shape"),
    "no_right_inverse": at(MODULES, "First weights", "Writing into a parametrized weight"),
    "parametrized_saved": at(
        LOOP_2, "Why not the whole model", "A parametrized model, saved as a whole"
    ),
    "init_word": at(MODULES, "First weights", "An activation that nn.init does not know"),
    "init_matrix": at(MODULES, "First weights", "A matrix's first values for a bias"),
    "init_bounds": at(MODULES, "First weights", "Bounds the wrong way round"),
}
