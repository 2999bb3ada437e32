"""Errors of layers: convolutions, norms, recurrent nets, attention, sequences."""

from __future__ import annotations

from grader.errors.explanation import Explanation

NETWORKS = (
    Explanation(
        "group_count",
        ("ValueError",),
        r"^(in|out)_channels must be divisible by groups|^num_channels \(?\d*\)? ?must be "
        r"divisible by num_groups",
        "The channels are dealt out to groups of one size, and this does not go evenly.",
        "Choose a number of groups that divides the channels.",
    ),
    Explanation(
        "norm_vector",
        ("RuntimeError", "ValueError"),
        r"^expected input's size at dim=\d+ to match num_features|"
        r"^Expected weight to be a vector of size equal to the number of channels in input|"
        r"^Expected number of channels in input to be divisible by num_groups|^weight should "
        r"contain \d+ elements not",
        "The normalization layer was made for another number of channels than its input has.",
        "Print the shape in front of it: channels are dimension 1. Make the layer with that "
        "number; or, where the features of sequences are last, move them there: x.transpose(1, 2).",
    ),
    Explanation(
        "padding_same",
        ("ValueError",),
        r"^padding='same' is not supported for strided convolutions",
        "With a stride the image cannot stay the same size.",
        "Say the padding as a number: kernel_size // 2.",
    ),
    Explanation(
        "padding_room",
        ("RuntimeError",),
        r"^output padding must be smaller than either stride or dilation|^pad should be (at "
        r"most half|smaller than or equal to half) of",
        "This padding is larger than the layer allows: in pooling half of the window, in a "
        "transposed convolution less than the stride or the dilation.",
        "Take a smaller one. For an upsampling by 2: ConvTranspose2d(c, d, 3, stride=2, "
        "padding=1, output_padding=1).",
    ),
    Explanation(
        "layer_settings",
        ("TypeError",),
        r"^(Conv\dd|Linear|LSTM|GRU|RNN|Embedding|BatchNorm\dd|LayerNorm|MultiheadAttention|"
        r"ConvTranspose\dd|MaxPool\dd|TransformerEncoderLayer|GroupNorm|_\w+Norm)\.__init__\(\) "
        r"(missing|got an unexpected keyword|takes)",
        "The layer was made without a setting that it needs, or with one that it does not have.",
        "Look at its arguments: help(nn.Conv2d). A convolution needs channels in, channels out "
        "and kernel_size; a Linear features in and out.",
    ),
    Explanation(
        "rnn_features",
        (
            "RuntimeError",
            "ValueError",
        ),
        r"^input\.size\(-1\) must be equal to input_size|^(LSTM|GRU|RNN): Expected input to be "
        r"2D or 3D|^(LSTM|GRU|RNN)Cell: Expected input to be 1D or 2D|^input has inconsistent "
        r"input_size",
        "An RNN takes (length, batch, features), or (batch, length, features) with "
        "batch_first=True, with as many features as it was made for, and no further dimension.",
        "Print the shape. Features come last: a sequence of single numbers is x.unsqueeze(-1); "
        "features in front of the length are moved by x.transpose(1, 2). If the input is right, "
        "make the RNN with the number that arrives.",
    ),
    Explanation(
        "rnn_state_size",
        ("RuntimeError",),
        r"^Expected hidden(\[\d\])? size \(|^For (un)?batched \d-D input, hx",
        "The state has another size than this batch needs: (layers, batch, hidden), batch "
        "second also with batch_first=True. A state that is carried from batch to batch meets a "
        "last, smaller batch.",
        "If the batch comes first in the input, make the RNN with batch_first=True. Else make a "
        "new state for each batch, h = x.new_zeros(layers, batch, hidden). Only if the state is "
        "to be carried on, pass drop_last=True to the DataLoader, which leaves the last samples "
        "out. A bidirectional RNN counts its layers twice.",
    ),
    Explanation(
        "lstm_state",
        (
            "IndexError",
            "RuntimeError",
            "TypeError",
        ),
        r"^index 1 is out of bounds for dimension 0 with size 1|^too many values to unpack|"
        r"^tuple index out of range|^lstm expects two hidden states",
        "An LSTM's state is a pair, h and c, and it was given one tensor, or a tuple of another "
        "length.",
        "Pass both: lstm(x, (h, c)). Without a state it begins with zeros: lstm(x).",
        where=r"torch/nn/modules/rnn\.py:forward$",
    ),
    Explanation(
        "cell_state",
        ("TypeError",),
        r"^lstm_cell\(\): argument 'hx' \(position 2\) must be tuple",
        "An LSTMCell's state is a pair, h and c, and it was given one tensor.",
        "Pass both and take both: h, c = cell(x, (h, c)).",
    ),
    Explanation(
        "heads",
        (
            "AssertionError",
            "ValueError",
        ),
        r"^embed_dim must be divisible by num_heads",
        "Attention cuts the features into heads of one size, and this does not go evenly.",
        "Choose a number of heads that divides embed_dim: 512 and 8.",
    ),
    Explanation(
        "attention_features",
        (
            "AssertionError",
            "RuntimeError",
        ),
        r"^was expecting embedding dimension of|^the feature number of src and tgt must be "
        r"equal to d_model|^the batch number of src and tgt must be equal",
        "A transformer takes (length, batch, features), or (batch, length, features) with "
        "batch_first=True, and the last size must be the one that it was made with.",
        "Print the shapes. If batch comes first, say batch_first=True when you make it; else "
        "map the features first: nn.Linear(features, d_model).",
    ),
    Explanation(
        "attention_mask",
        ("RuntimeError",),
        r"^The shape of the [23]D attn_mask is",
        "A mask of attention has one row for each query and one column for each key: (length, "
        "length), for its own sequence. With three dimensions the first is batch times heads.",
        "A mask of each sample, (batch, length, length), is repeated for the heads: "
        "mask.repeat_interleave(heads, 0). What hides padding goes to key_padding_mask, (batch, "
        "length), beside a mask that all samples share. That one is made from the batch at hand: "
        "nn.Transformer.generate_square_subsequent_mask(x.shape[1]) with batch_first=True, "
        "x.shape[0] without.",
    ),
    Explanation(
        "padding_mask",
        (
            "AssertionError",
            "RuntimeError",
        ),
        r"^Expected key_padded_mask\.shape|^expecting key_padding_mask shape of|"
        r"^key_padding_mask must",
        "A padding mask is (batch, length), whatever the order of the input, and True where "
        "there is padding.",
        "Print both shapes. If it looks right, batch_first=True is missing in the layer: "
        "without it the input is (length, batch, features).",
    ),
    Explanation(
        "attention_mask_dtype",
        (
            "AssertionError",
            "RuntimeError",
        ),
        r"^only bool and floating types of (attn_mask|key_padding_mask) are supported|^Expected "
        r"attn_mask dtype to be bool or",
        "A mask of attention is True and False, or floating numbers that are added to the "
        "scores, and this one holds integers.",
        "Convert it: mask.bool(). In nn.MultiheadAttention True hides; in "
        "F.scaled_dot_product_attention True takes part.",
    ),
    Explanation(
        "dropout_range",
        ("ValueError",),
        r"^dropout probability has to be between 0 and 1|^(dropout should be a number in range|"
        r"dropout option)",
        "Dropout takes the part of the numbers that is set to 0, from 0 to 1.",
        "A half is 0.5, not 50.",
    ),
    Explanation(
        "not_a_module",
        ("TypeError",),
        r"^(?!list)\S+ is not a Module subclass",
        "A Sequential or a ModuleList holds modules, and was given something else: a function, a "
        "class that was not called, or a tensor.",
        "Write nn.ReLU() with its parentheses, in the place of nn.ReLU and F.relu.",
    ),
    Explanation(
        "lengths_kind",
        ("RuntimeError",),
        r"^'lengths' argument should be a 1D CPU int64 tensor",
        "pack_padded_sequence wants the lengths as a vector of whole numbers on the CPU.",
        "Write lengths.cpu(), and .flatten().long() where needed.",
    ),
    Explanation(
        "lengths_range",
        (
            "RuntimeError",
            "ValueError",
        ),
        r"^Length of all samples has to be greater than 0|^Expected `len\(lengths\)` to be "
        r"equal to batch_size|^Expected total_length to be at least",
        "pack_padded_sequence wants one length for each sample, from 1 to the length of the "
        "padded tensor; total_length of pad_packed_sequence is no less than the longest.",
        "Drop empty sequences, or give them a length of 1. If the counts differ, "
        "batch_first=True is missing, or does not belong there. As total_length pass the length of "
        "what was packed, x.shape[1] with batch_first=True.",
    ),
    Explanation(
        "packed_used",
        ("AttributeError",),
        r"^'PackedSequence' object has no attribute '|^'Tensor' object has no attribute "
        r"'(batch_sizes|sorted_indices)'",
        "A packed sequence is no tensor, and a tensor no packed sequence: an RNN gives back "
        "what it was given.",
        "Unpack what comes out of the RNN: output, lengths = pad_packed_sequence(packed_output, "
        "batch_first=True).",
    ),
)
