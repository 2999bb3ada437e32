"""Errors of layers, losses, optimizers and distributions."""

from __future__ import annotations

from grader.errors.index.entry import (
    BREAKING,
    BREAKING_2,
    DATA,
    FUNCTIONS,
    LOOP,
    LOOP_2,
    MODES_2,
    MODULES,
    NORM,
    SCRIPTS,
    TENSORS,
    Entry,
    at,
)

MODELS: dict[str, Entry] = {
    "setting_range": at(
        LOOP,
        "Adam, one idea",
        "A setting of an optimizer out of range",
        "invalid learning rate",
        "invalid beta parameter",
    ),
    "setting_kind": at(
        SCRIPTS,
        "12.2 Options: argparse",
        "A learning rate that is a text",
        "'<=' not supported between instances of 'float' and 'str'",
    ),
    "betas_pair": at(LOOP, "Adam, one idea", "betas that are no pair"),
    "betas_kinds": at(LOOP, "Adam, one idea", "betas of an integer and a float"),
    "closure_returns": at(
        LOOP,
        "What an optimizer holds",
        "A closure that returns nothing",
        "float() argument must be a string or a real number, not 'NoneType'",
    ),
    "nesterov": at(LOOP, "SGD, momentum", "nesterov without momentum"),
    "setting_name": at(LOOP, "What a step does", "A setting that an optimizer does not have"),
    "model_for_parameters": at(LOOP, "What an optimizer holds", "A model given to an optimizer"),
    "generators_added": at(LOOP, "What an optimizer holds", "Parameters of two models, added"),
    "some_names": at(LOOP_2, "Groups, and a body", "Parameters with names and without"),
    "group_params": at(LOOP_2, "Groups, and a body", "A group without parameters"),
    "group_set": at(LOOP_2, "Groups, and a body", "A set of parameters"),
    "sparse_gradients": at(LOOP, "What an optimizer holds", "Sparse gradients in an optimizer"),
    "lbfgs_groups": at(LOOP_2, "Groups, and a body", "Groups in LBFGS"),
    "scheduler_for": at(LOOP_2, "Clip and schedule", "A scheduler without its optimizer"),
    "plateau_metric": at(LOOP_2, "Clip and schedule", "ReduceLROnPlateau without its metric"),
    "schedule_settings": at(LOOP_2, "Clip and schedule", "A scheduler's settings"),
    "schedule_end": at(LOOP_2, "Clip and schedule", "A scheduler stepped too often"),
    "schedule_resume": at(
        LOOP_2, "Stop, and go on", "A scheduler that goes on with a new optimizer"
    ),
    "rate_attribute": at(LOOP_2, "Groups, and a body", "The learning rate of an optimizer"),
    "norm_infinite": at(BREAKING, "14.4 Find the node", "Gradients that cannot be clipped"),
    "scaled_kind": at(BREAKING_2, "14.13 Sixteen bits", "scaler.scale of a number"),
    "bad_parameter": at(
        BREAKING,
        "Use the function that was made for it",
        "A distribution's parameter out of range",
        "to satisfy the constraint",
    ),
    "nan_parameter": at(
        BREAKING, "14.4 Find the node", "nan in a distribution", "found invalid values: tensor([nan"
    ),
    "outside_support": at(BREAKING, "14.2 Norm and std", "log_prob of a value that cannot be"),
    "value_kind": at(BREAKING, "14.2 Norm and std", "log_prob of a number"),
    "one_of_two": at(BREAKING, "Use the function that was made for it", "probs and logits"),
    "no_vector": at(
        BREAKING, "Use the function that was made for it", "Classes that are one number"
    ),
    "no_rsample": at(
        FUNCTIONS, "A straight-through estimator", "rsample of a discrete distribution"
    ),
    "no_closed_form": at(
        BREAKING, "Use the function that was made for it", "An entropy without a formula"
    ),
    "no_divergence": at(MODULES, "kl_div: which comes first", "A divergence without a formula"),
    "drawn_from": at(
        BREAKING,
        "A row that is masked altogether",
        "Drawing by what are no probabilities",
    ),
    "drawn_more": at(DATA, "11.4 From numbers to batches", "More draws than there are"),
    "drawn_dtype": at(TENSORS, "9.2 Dtypes: float64 from NumPy", "Integer weights to draw by"),
    "negative_spread": at(
        BREAKING, "Use the function that was made for it", "A negative standard deviation"
    ),
    "pixel_shape": at(MODULES, "10.8 What a loss wants", "Classes in the last dimension"),
    "one_row": at(MODULES, "10.8 What a loss wants", "One row of scores, and several targets"),
    "class_weights": at(MODULES, "10.8 What a loss wants", "Weights for another number of classes"),
    "buffer_kind": at(MODULES, "A mask that stays behind", "A list for a buffer"),
    "reduction_word": at(LOOP_2, "A mean over what", "A reduction of a loss"),
    "smoothing_range": at(MODULES, "10.8 What a loss wants", "label_smoothing out of range"),
    "found_dtype": at(
        TENSORS,
        "9.2 Dtypes: float64 from NumPy",
        "A target of another dtype",
        "Found dtype Double but expected Float",
    ),
    "ctc_sizes": at(MODULES, "10.8 What a loss wants", "Lengths for ctc_loss"),
    "loss_dims": at(MODULES, "Targets that broadcast", "A loss of different dimensions"),
    "negative_variance": at(MODULES, "10.8 What a loss wants", "A negative variance"),
    "group_count": at(
        NORM, "GroupNorm and InstanceNorm", "Channels that do not divide into groups"
    ),
    "norm_vector": at(NORM, "GroupNorm and InstanceNorm", "A norm for another number of channels"),
    "padding_same": at(MODULES, "10.5 LeNet", 'padding="same" beside a stride'),
    "padding_room": at(MODULES, "10.5 LeNet", "Padding that is too large"),
    "layer_settings": at(MODULES, "10.5 LeNet", "A layer's settings"),
    "rnn_features": at(DATA, "Sequences of different lengths", "Features of an RNN"),
    "rnn_state_size": at(BREAKING_2, "A state that is carried", "An RNN's state of another size"),
    "lstm_state": at(BREAKING_2, "A state that is carried", "The state of an LSTM that is no pair"),
    "cell_state": at(BREAKING_2, "A state that is carried", "A cell's state that is no pair"),
    "heads": at(MODULES, "10.5 LeNet, and a block", "Heads that do not divide the features"),
    "attention_features": at(MODULES, "10.5 LeNet, and a block", "Features of a transformer"),
    "attention_mask": at(
        BREAKING, "A row that is masked altogether", "A mask of another shape in attention"
    ),
    "padding_mask": at(
        BREAKING, "A row that is masked altogether", "A padding mask of another shape"
    ),
    "attention_mask_dtype": at(
        BREAKING, "A row that is masked altogether", "A mask of integers in attention"
    ),
    "dropout_range": at(MODES_2, "4.7 What eval() does", "A probability of dropout"),
    "not_a_module": at(MODULES, "10.2 What a module knows", "A function in a Sequential"),
    "lengths_kind": at(DATA, "Sequences of different lengths", "Lengths on the GPU"),
    "lengths_range": at(
        DATA, "Sequences of different lengths", "Lengths that do not fit the batch"
    ),
    "packed_used": at(DATA, "Sequences of different lengths", "A packed sequence for a tensor"),
}
