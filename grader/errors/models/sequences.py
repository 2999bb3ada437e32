"""Errors of recurrent layers and attention: settings, states, masks."""

from __future__ import annotations

from grader.errors.explanation import Explanation

SEQUENCES = (
    Explanation(
        "rnn_settings",
        ("TypeError", "ValueError"),
        r"^(bias|batch_first) should be of type bool|^(input_size|hidden_size) should be of "
        r"type int|^(input_size|hidden_size|num_layers) must be greater than zero|^proj_size "
        r"(should|has|argument)",
        "A setting of the RNN is of the wrong kind or out of range. In a row they are "
        "input_size, hidden_size, num_layers, bias, batch_first, dropout, in nn.RNN with "
        "nonlinearity in front of bias: a number without its name lands in another one.",
        "Name them: nn.LSTM(4, 8, num_layers=2, batch_first=True, dropout=0.2). Sizes are "
        "whole numbers: int(n), or // in the place of /. proj_size belongs to an LSTM and is "
        "below hidden_size.",
    ),
    Explanation(
        "rnn_dtype",
        ("ValueError",),
        r"^RNN input dtype \(.*\) does not match weight dtype",
        "The sequence has another dtype than the RNN's weights: float64 comes from NumPy, "
        "integers are numbers of words or counts.",
        "Measured values convert once, where the data is read: x.float(). Numbers of words "
        "go through a table first: nn.Embedding(words, features)(numbers).",
    ),
    Explanation(
        "cell_state_size",
        ("ValueError", "RuntimeError"),
        r"^(GRU|RNN|LSTM)Cell: Expected (hidden|hx\[\d\]) to be 1D or 2D|^Input batch size "
        r"\d+ doesn't match hidden\d? batch size|^hidden\d? has inconsistent hidden_size",
        "A cell makes one step: its state is (batch, hidden), without the dimension of "
        "layers that an RNN's state has, with one row for each sample, and as wide as the "
        "cell's hidden_size. A state that is carried on meets a last, smaller batch.",
        "Take the layer out of an RNN's state: h[0]. Begin each batch anew, h = "
        "x.new_zeros(len(x), hidden), or, if it is to be carried on, pass drop_last=True to the "
        "DataLoader, which leaves the last samples out.",
    ),
    Explanation(
        "nonlinearity_word",
        ("ValueError", "RuntimeError"),
        r"^Unknown nonlinearity|^activation should be relu/gelu",
        "This names no activation that the layer knows: nn.RNN and nn.RNNCell take "
        '"tanh" and "relu", a layer of a transformer "relu" and "gelu".',
        "It is the fourth argument of nn.RNN: name what else you pass, batch_first=True. A layer "
        "of a transformer takes a function too: activation=F.silu. For gates use nn.GRU or "
        "nn.LSTM, which have no such choice.",
    ),
    Explanation(
        "no_sequence",
        ("RuntimeError",),
        r"^received an empty list of sequences|^Expected sequence length to be larger than 0 "
        r"in RNN",
        "There is nothing to read: the list of sequences is empty, or the sequences have length 0.",
        "Look at len(sequences) and x.shape before the call. Leave empty ones out, [s for s "
        "in sequences if len(s)], and pass the batch over if none is left.",
    ),
    Explanation(
        "attention_inputs",
        ("AssertionError", "RuntimeError"),
        r"^For (un)?batched \(\d-D\) .query., expected .key. and|^query should be unbatched "
        r"2D or batched 3D|^key shape .* does not match value shape|^key's sequence and batch "
        r"dims|^Expected query, key, and value to all be\s+at least 2",
        "Query, key and value of attention have the same number of dimensions, and key and "
        "value the same length and batch.",
        "Print the three shapes. Attention within one sequence is attention(x, x, x). "
        "nn.MultiheadAttention makes the heads itself: give it (batch, length, features), "
        "with batch_first=True; F.scaled_dot_product_attention takes (batch, heads, length, "
        "features).",
    ),
    Explanation(
        "mask_dims",
        ("AssertionError",),
        r"expected .(key_padding_mask|attn_mask). to be .None.|^Expected .attn_mask. shape to "
        r"be",
        "A mask has another number of dimensions than the input asks for. attn_mask is "
        "(length, length), or (batch * heads, length, length); key_padding_mask is (batch, "
        "length), and (length,) where there is no batch.",
        "Print its shape. One mask for all samples: mask.squeeze(0). One of (batch, heads, "
        "length, length): mask.flatten(0, 1). A row of padding of a single sample gets its "
        "batch by mask.unsqueeze(0), and so must the input.",
    ),
    Explanation(
        "causal_hint",
        ("RuntimeError",),
        r"^Need attn_mask if specifying the is_causal hint",
        "is_causal says that the mask which is given is the causal one; these layers do not "
        "make it.",
        "Make it: mask = nn.Transformer.generate_square_subsequent_mask(length), and pass "
        "both: attention(x, x, x, attn_mask=mask, is_causal=True), encoder_layer(x, "
        "src_mask=mask, is_causal=True). F.scaled_dot_product_attention takes is_causal=True "
        "alone.",
    ),
)
