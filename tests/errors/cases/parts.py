"""Settings and inputs of layers, sequences, sizes, and a model's parts."""

import io

import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils import parametrizations, parametrize
from torch.nn.utils.rnn import pad_sequence

IMAGES, LINEAR = torch.zeros(2, 3, 8, 8), nn.Linear(3, 2)
UP = nn.ConvTranspose2d(3, 6, 3, stride=2)
ATTENTION = nn.MultiheadAttention(8, 4, batch_first=True)
CAUSAL = nn.Transformer.generate_square_subsequent_mask(5)
PARTS = nn.Sequential(nn.Linear(2, 2), nn.ReLU())


def rows(*shape):
    return torch.zeros(*shape)


def pooled(size=8):
    return nn.MaxPool2d(2, return_indices=True)(torch.arange(size**2.0).view(1, 1, size, size))


class Symmetric(nn.Module):
    def forward(self, w):
        return w.triu() + w.triu(1).T


def parametrized():
    layer = nn.Linear(3, 3)
    parametrize.register_parametrization(layer, "weight", Symmetric())
    return layer


LAYERS_CASES = [
    (
        "conv_groups",
        lambda: nn.Conv2d(3, 6, 3, groups=0),
        lambda: nn.Conv2d(3, 6, 3, groups=3)(IMAGES),
    ),
    (
        "padding_word",
        lambda: nn.Conv2d(3, 6, 3, padding="full"),
        lambda: nn.Conv2d(3, 6, 3, padding="same")(IMAGES),
    ),
    (
        "padding_word",
        lambda: nn.Conv2d(3, 6, 3, padding=1, padding_mode="zero"),
        lambda: nn.Conv2d(3, 6, 3, padding=1, padding_mode="reflect")(IMAGES),
    ),
    (
        "padding_word",
        lambda: nn.ConvTranspose2d(3, 6, 3, padding_mode="reflect"),
        lambda: nn.ConvTranspose2d(3, 6, 3)(IMAGES),
    ),
    (
        "padding_word",
        lambda: F.conv2d(IMAGES, rows(6, 3, 3, 3), padding="full"),
        lambda: F.conv2d(IMAGES, rows(6, 3, 3, 3), padding="same"),
    ),
    (
        "window_numbers",
        lambda: nn.Conv2d(3, 6, 3, stride=1 // 2)(IMAGES),
        lambda: nn.Conv2d(3, 6, 3, stride=max(1, 1 // 2))(IMAGES),
    ),
    (
        "window_numbers",
        lambda: nn.Conv2d(3, 6, 3, padding=-1)(IMAGES),
        lambda: nn.Conv2d(3, 6, 3)(IMAGES[..., 1:-1, 1:-1]),
    ),
    (
        "window_numbers",
        lambda: nn.MaxPool2d(1 // 2)(IMAGES),
        lambda: nn.MaxPool2d(max(1, 1 // 2))(IMAGES),
    ),
    (
        "window_dims",
        lambda: nn.Conv2d(3, 6, (3, 3, 3))(IMAGES),
        lambda: nn.Conv2d(3, 6, (3, 3))(IMAGES),
    ),
    ("window_dims", lambda: nn.MaxPool2d((2, 2, 2))(IMAGES), lambda: nn.MaxPool2d((2, 2))(IMAGES)),
    (
        "window_dims",
        lambda: nn.AdaptiveAvgPool2d((2, 2, 2))(IMAGES),
        lambda: nn.AdaptiveAvgPool2d((2, 2))(IMAGES),
    ),
    (
        "window_dims",
        lambda: F.conv2d(IMAGES, rows(6, 3, 3)),
        lambda: F.conv2d(IMAGES, rows(6, 3, 3, 3)),
    ),
    (
        "pool_input",
        lambda: nn.MaxPool2d(2)(rows(8, 8)),
        lambda: nn.MaxPool2d(2)(rows(4, 8, 8).unsqueeze(1)),
    ),
    (
        "pool_input",
        lambda: nn.Sequential(nn.Flatten(), nn.MaxPool2d(2))(IMAGES),
        lambda: nn.Sequential(nn.MaxPool2d(2), nn.Flatten())(IMAGES),
    ),
    ("pool_input", lambda: nn.MaxPool1d(2)(IMAGES), lambda: nn.MaxPool2d(2)(IMAGES)),
    (
        "transposed_size",
        lambda: UP(IMAGES, output_size=(40, 40)),
        lambda: F.interpolate(UP(IMAGES), size=(40, 40)),
    ),
    (
        "transposed_size",
        lambda: UP(IMAGES, output_size=rows(2, 3, 18, 18).shape[1:]),
        lambda: UP(IMAGES, output_size=rows(2, 3, 18, 18).shape[2:]),
    ),
    (
        "transposed_size",
        lambda: nn.MaxUnpool2d(2)(*pooled(), output_size=(20, 20)),
        lambda: F.interpolate(nn.MaxUnpool2d(2)(*pooled()), size=(20, 20)),
    ),
    (
        "unpool_indices",
        lambda: nn.MaxUnpool2d(2)(*pooled(9)),
        lambda: nn.MaxUnpool2d(2)(*pooled(9), output_size=(9, 9)),
    ),
    (
        "unpool_indices",
        lambda: nn.MaxUnpool2d(2)(pooled()[0], pooled()[0]),
        lambda: nn.MaxUnpool2d(2)(*pooled()),
    ),
    (
        "embedding_matrix",
        lambda: nn.Embedding(10, 4, _weight=rows(4, 10)),
        lambda: nn.Embedding.from_pretrained(rows(10, 4)),
    ),
    (
        "embedding_matrix",
        lambda: F.embedding(rows(10, 4), torch.tensor([1])),
        lambda: F.embedding(torch.tensor([1]), rows(10, 4)),
    ),
    (
        "embedding_matrix",
        lambda: nn.Embedding.from_pretrained(rows(10)),
        lambda: nn.Embedding.from_pretrained(rows(10, 4)),
    ),
    (
        "norm_epsilon",
        lambda: nn.BatchNorm2d(3, 0)(IMAGES),
        lambda: nn.BatchNorm2d(3, momentum=0.0)(IMAGES),
    ),
    (
        "norm_epsilon",
        lambda: nn.BatchNorm2d(3, eps=-1e-5)(IMAGES),
        lambda: nn.BatchNorm2d(3, eps=1e-5)(IMAGES),
    ),
    (
        "channel_dims",
        lambda: nn.GroupNorm(2, 4)(rows(4)),
        lambda: nn.GroupNorm(2, 4)(rows(4).unsqueeze(0)),
    ),
    ("channel_dims", lambda: nn.Dropout1d()(IMAGES), lambda: nn.Dropout2d()(IMAGES)),
    ("channel_dims", lambda: nn.Softmax2d()(rows(2, 3)), lambda: nn.Softmax(dim=1)(rows(2, 3))),
    ("channel_dims", lambda: nn.Dropout2d()(rows(3)), lambda: nn.Dropout()(rows(3))),
    (
        "channel_dims",
        lambda: nn.LocalResponseNorm(2)(rows(2, 3)),
        lambda: nn.LayerNorm(3)(rows(2, 3)),
    ),
    ("prelu_channels", lambda: nn.PReLU(4)(IMAGES), lambda: nn.PReLU()(IMAGES)),
    ("prelu_channels", lambda: nn.PReLU(4)(rows(2, 3)), lambda: nn.PReLU(3)(rows(2, 3))),
    (
        "glu_half",
        lambda: nn.GLU()(rows(2, 3)),
        lambda: nn.Sequential(nn.Linear(4, 2 * 3), nn.GLU(dim=-1))(rows(2, 4)),
    ),
    (
        "shuffled_channels",
        lambda: nn.PixelShuffle(2)(IMAGES),
        lambda: nn.Sequential(nn.Conv2d(3, 2 * 2**2, 3, padding=1), nn.PixelShuffle(2))(IMAGES),
    ),
    (
        "shuffled_channels",
        lambda: nn.PixelUnshuffle(3)(IMAGES),
        lambda: nn.PixelUnshuffle(3)(IMAGES[..., : 8 // 3 * 3, : 8 // 3 * 3]),
    ),
    (
        "unflattened",
        lambda: nn.Unflatten(1, (2, 2))(rows(2, 6)),
        lambda: nn.Unflatten(1, (2, -1))(rows(2, 6)),
    ),
    ("unflattened", lambda: nn.Unflatten(1, 6), lambda: nn.Unflatten(1, (2, 3))(rows(2, 6))),
    (
        "unflattened",
        lambda: nn.Unflatten(1, (2, 6 / 2)),
        lambda: nn.Unflatten(1, (2, 6 // 2))(rows(2, 6)),
    ),
]
SEQUENCES_CASES = [
    (
        "rnn_settings",
        lambda: nn.LSTM(4, 8, 2, 0.2),
        lambda: nn.LSTM(4, 8, num_layers=2, dropout=0.2),
    ),
    (
        "rnn_settings",
        lambda: nn.RNN(4, 8, 1, "relu", True, 0.2),
        lambda: nn.RNN(4, 8, 2, nonlinearity="relu", bias=True, dropout=0.2),
    ),
    ("rnn_settings", lambda: nn.GRU(4, 16 / 2), lambda: nn.GRU(4, 16 // 2)),
    ("rnn_settings", lambda: nn.LSTM(4, 8, 0), lambda: nn.LSTM(4, 8, 1)),
    ("rnn_settings", lambda: nn.LSTM(4, 8, batch_first=1), lambda: nn.LSTM(4, 8, batch_first=True)),
    ("rnn_settings", lambda: nn.GRU(4, 8, proj_size=2), lambda: nn.LSTM(4, 8, proj_size=2)),
    (
        "rnn_dtype",
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4).double()),
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4).double().float()),
    ),
    (
        "rnn_dtype",
        lambda: nn.GRU(4, 8)(rows(5, 2, 4).long()),
        lambda: nn.GRU(4, 8)(nn.Embedding(9, 4)(rows(5, 2).long())),
    ),
    (
        "cell_state_size",
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(1, 2, 8)),
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(1, 2, 8)[0]),
    ),
    (
        "cell_state_size",
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(3, 8)),
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(2, 4).new_zeros(2, 8)),
    ),
    (
        "cell_state_size",
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(2, 4)),
        lambda: nn.GRUCell(4, 8)(rows(2, 4), rows(2, 4).new_zeros(2, 8)),
    ),
    (
        "cell_state_size",
        lambda: nn.LSTMCell(4, 8)(rows(2, 4), (rows(1, 2, 8), rows(1, 2, 8))),
        lambda: nn.LSTMCell(4, 8)(rows(2, 4), (rows(1, 2, 8)[0], rows(1, 2, 8)[0])),
    ),
    ("nonlinearity_word", lambda: nn.RNN(4, 8, nonlinearity="sigmoid"), lambda: nn.GRU(4, 8)),
    ("nonlinearity_word", lambda: nn.RNN(4, 8, 1, True), lambda: nn.RNN(4, 8, 1, batch_first=True)),
    (
        "nonlinearity_word",
        lambda: nn.TransformerEncoderLayer(8, 2, activation="silu"),
        lambda: nn.TransformerEncoderLayer(8, 2, activation=F.silu),
    ),
    (
        "nonlinearity_word",
        lambda: nn.RNNCell(4, 8, nonlinearity="gelu")(rows(2, 4)),
        lambda: nn.RNNCell(4, 8, nonlinearity="relu")(rows(2, 4)),
    ),
    (
        "no_sequence",
        lambda: pad_sequence([s for s in [rows(0)] if len(s)]),
        lambda: pad_sequence([s for s in [rows(0), rows(2)] if len(s)]),
    ),
    ("no_sequence", lambda: nn.GRU(4, 8)(rows(0, 2, 4)), lambda: nn.GRU(4, 8)(rows(1, 2, 4))),
    (
        "attention_inputs",
        lambda: ATTENTION(rows(3, 5, 8), rows(5, 8), rows(5, 8)),
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3),
    ),
    (
        "attention_inputs",
        lambda: ATTENTION(*[rows(3, 2, 5, 4)] * 3),
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3),
    ),
    (
        "attention_inputs",
        lambda: ATTENTION(rows(3, 5, 8), rows(3, 4, 8), rows(3, 5, 8)),
        lambda: ATTENTION(rows(3, 5, 8), rows(3, 4, 8), rows(3, 4, 8)),
    ),
    (
        "attention_inputs",
        lambda: F.scaled_dot_product_attention(*[rows(8)] * 3),
        lambda: F.scaled_dot_product_attention(*[rows(1, 1, 5, 8)] * 3),
    ),
    (
        "mask_dims",
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3, attn_mask=rows(3, 4, 5, 5)),
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3, attn_mask=rows(3, 4, 5, 5).flatten(0, 1)),
    ),
    (
        "mask_dims",
        lambda: ATTENTION(*[rows(5, 8)] * 3, attn_mask=rows(1, 5, 5)),
        lambda: ATTENTION(*[rows(5, 8)] * 3, attn_mask=rows(1, 5, 5).squeeze(0)),
    ),
    (
        "mask_dims",
        lambda: ATTENTION(*[rows(1, 5, 8)] * 3, key_padding_mask=rows(5)),
        lambda: ATTENTION(*[rows(1, 5, 8)] * 3, key_padding_mask=rows(5).unsqueeze(0)),
    ),
    (
        "mask_dims",
        lambda: ATTENTION(*[rows(5, 8)] * 3, key_padding_mask=rows(1, 5)),
        lambda: ATTENTION(*[rows(1, 5, 8)] * 3, key_padding_mask=rows(1, 5)),
    ),
    (
        "causal_hint",
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3, is_causal=True),
        lambda: ATTENTION(*[rows(3, 5, 8)] * 3, attn_mask=CAUSAL, is_causal=True),
    ),
    (
        "causal_hint",
        lambda: nn.TransformerEncoderLayer(8, 2)(rows(5, 3, 8), is_causal=True),
        lambda: nn.TransformerEncoderLayer(8, 2)(rows(5, 3, 8), src_mask=CAUSAL, is_causal=True),
    ),
]
RESIZING_CASES = [
    (
        "pad_mode",
        lambda: F.pad(IMAGES, (1, 1, 1, 1), mode="zeros"),
        lambda: F.pad(IMAGES, (1, 1, 1, 1)),
    ),
    (
        "pad_mode",
        lambda: F.pad(IMAGES, (1, 1, 1, 1), mode="reflect", value=1.0),
        lambda: F.pad(IMAGES, (1, 1, 1, 1), value=1.0),
    ),
    (
        "resize_options",
        lambda: F.interpolate(IMAGES, size=4, scale_factor=2),
        lambda: F.interpolate(IMAGES, scale_factor=2),
    ),
    (
        "resize_options",
        lambda: F.interpolate(IMAGES, scale_factor=2, align_corners=True),
        lambda: F.interpolate(IMAGES, scale_factor=2, mode="nearest"),
    ),
    (
        "resize_options",
        lambda: F.interpolate(IMAGES, scale_factor=2, antialias=True),
        lambda: F.interpolate(IMAGES, scale_factor=2, antialias=True, mode="bilinear"),
    ),
    (
        "resize_input",
        lambda: F.interpolate(rows(8, 8), scale_factor=2),
        lambda: F.interpolate(rows(8, 8)[None, None], scale_factor=2),
    ),
    (
        "resize_input",
        lambda: F.interpolate(IMAGES, scale_factor=2, mode="cubic"),
        lambda: F.interpolate(IMAGES, scale_factor=2, mode="bicubic"),
    ),
    (
        "resize_zero",
        lambda: F.interpolate(IMAGES, size=(8 // 9, 8)),
        lambda: F.interpolate(IMAGES, size=(max(1, 8 // 9), 8)),
    ),
    (
        "resize_zero",
        lambda: F.interpolate(IMAGES, scale_factor=0.01),
        lambda: F.interpolate(IMAGES, size=(max(1, int(8 * 0.01)), max(1, int(8 * 0.01)))),
    ),
    (
        "resize_kind",
        lambda: F.interpolate(IMAGES, size=8 / 2),
        lambda: F.interpolate(IMAGES, size=8 // 2),
    ),
    (
        "resize_kind",
        lambda: F.interpolate(IMAGES, size=(8 / 2, 4)),
        lambda: F.interpolate(IMAGES, scale_factor=0.5),
    ),
    (
        "grid_shape",
        lambda: F.affine_grid(rows(2, 3), IMAGES.shape),
        lambda: F.grid_sample(IMAGES, F.affine_grid(rows(2, 3).expand(2, 2, 3), IMAGES.shape)),
    ),
    (
        "grid_shape",
        lambda: F.affine_grid(rows(2, 6), IMAGES.shape),
        lambda: F.affine_grid(rows(2, 6).view(-1, 2, 3), IMAGES.shape),
    ),
    (
        "grid_shape",
        lambda: F.grid_sample(IMAGES, rows(1, 4, 4, 2)),
        lambda: F.grid_sample(IMAGES, rows(1, 4, 4, 2).expand(2, -1, -1, -1)),
    ),
    (
        "grid_shape",
        lambda: F.affine_grid(rows(2, 2, 3), (8, 8)),
        lambda: F.affine_grid(rows(2, 2, 3), IMAGES.shape),
    ),
    (
        "grid_words",
        lambda: F.grid_sample(IMAGES, rows(2, 4, 4, 2), mode="linear"),
        lambda: F.grid_sample(IMAGES, rows(2, 4, 4, 2), mode="bilinear", padding_mode="reflection"),
    ),
    (
        "grid_words",
        lambda: F.grid_sample(IMAGES, rows(2, 4, 4, 2), padding_mode="reflect"),
        lambda: F.grid_sample(IMAGES, rows(2, 4, 4, 2), padding_mode="reflection"),
    ),
    (
        "folded_blocks",
        lambda: F.fold(F.unfold(IMAGES, 3, padding=1), IMAGES.shape[2:], 3),
        lambda: F.fold(F.unfold(IMAGES, 3, padding=1), IMAGES.shape[2:], 3, padding=1),
    ),
    ("folded_blocks", lambda: F.unfold(IMAGES, 9), lambda: F.unfold(IMAGES, 3)),
    (
        "folded_blocks",
        lambda: F.fold(rows(2, 28, 36), (8, 8), 3),
        lambda: F.fold(rows(2, 27, 36), (8, 8), 3),
    ),
    ("empty_parts", lambda: rows(6).split(6 // 8), lambda: rows(6).split(max(1, 6 // 8))),
    ("empty_parts", lambda: rows(6).chunk(0), lambda: rows(6).chunk(2)),
]
CONTAINERS_CASES = [
    ("part_number", lambda: PARTS[2], lambda: PARTS[-1]),
    ("part_number", lambda: nn.ModuleList(PARTS)[2], lambda: nn.ModuleList(PARTS)[-1]),
    ("part_by_name", lambda: PARTS["0"], lambda: PARTS.get_submodule("0")),
    (
        "part_key",
        lambda: nn.ModuleDict({"0": LINEAR})[0],
        lambda: nn.ModuleDict({"0": LINEAR})[str(0)],
    ),
    (
        "part_key",
        lambda: nn.ParameterDict({"0": torch.ones(2)})["1"],
        lambda: nn.ParameterDict({"0": torch.ones(2)})["0"],
    ),
    ("parts_listed", lambda: nn.ModuleList(LINEAR), lambda: nn.ModuleList([LINEAR])),
    ("parts_listed", lambda: nn.ModuleDict([LINEAR]), lambda: nn.ModuleDict({"head": LINEAR})),
    (
        "parts_listed",
        lambda: nn.ParameterList(LINEAR.weight),
        lambda: nn.ParameterList([LINEAR.weight]),
    ),
    ("parts_listed", lambda: nn.ModuleDict(LINEAR), lambda: nn.ModuleDict({"head": LINEAR})),
    ("name_text", lambda: nn.ModuleDict({1: LINEAR}), lambda: nn.ModuleDict({str(1): LINEAR})),
    (
        "name_text",
        lambda: nn.Module().register_buffer(torch.ones(2), "mask"),
        lambda: nn.Module().register_buffer("mask", torch.ones(2)),
    ),
    (
        "name_text",
        lambda: nn.Module().add_module("", LINEAR),
        lambda: nn.Module().add_module("head", LINEAR),
    ),
    (
        "integer_model",
        lambda: nn.Linear(3, 2).to(torch.long),
        lambda: nn.Linear(3, 2).to(torch.bfloat16),
    ),
    (
        "part_path",
        lambda: nn.Linear(3, 2).get_parameter("w"),
        lambda: nn.Linear(3, 2).get_parameter(
            next(name for name, _ in nn.Linear(3, 2).named_parameters())
        ),
    ),
    (
        "part_path",
        lambda: nn.Linear(3, 2).get_buffer("weight"),
        lambda: nn.Linear(3, 2).get_parameter("weight"),
    ),
    (
        "part_path",
        lambda: torch.func.functional_call(nn.Linear(3, 2), {"head.weight": rows(2, 3)}, rows(3)),
        lambda: torch.func.functional_call(nn.Linear(3, 2), {"weight": rows(2, 3)}, rows(3)),
    ),
    (
        "parameter_called",
        lambda: LINEAR.weight(rows(3)),
        lambda: (rows(3) @ LINEAR.weight.T, LINEAR(rows(3))),
    ),
    (
        "norm_hooks",
        lambda: nn.utils.weight_norm(nn.utils.weight_norm(nn.Linear(3, 2))),
        lambda: nn.utils.weight_norm(nn.Linear(3, 2)),
    ),
    (
        "norm_hooks",
        lambda: nn.utils.remove_spectral_norm(nn.Linear(3, 2)),
        lambda: nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.Linear(3, 2))),
    ),
    (
        "parametrized_name",
        lambda: parametrizations.spectral_norm(nn.Sequential(nn.Linear(3, 2))),
        lambda: [
            parametrizations.spectral_norm(m)
            for m in nn.Sequential(nn.Linear(3, 2)).modules()
            if isinstance(m, nn.Linear)
        ],
    ),
    (
        "parametrized_name",
        lambda: parametrize.remove_parametrizations(nn.Linear(3, 2), "weight"),
        lambda: parametrize.remove_parametrizations(
            parametrizations.weight_norm(nn.Linear(3, 2)), "weight"
        ),
    ),
    (
        "parametrized_result",
        lambda: parametrize.register_parametrization(nn.Linear(3, 3), "weight", nn.Linear(3, 4)),
        lambda: parametrize.register_parametrization(nn.Linear(3, 3), "weight", Symmetric()),
    ),
    (
        "no_right_inverse",
        lambda: setattr(parametrized(), "weight", rows(3, 3)),
        lambda: parametrized().parametrizations.weight.original.data.copy_(rows(3, 3)),
    ),
    (
        "parametrized_saved",
        lambda: torch.save(parametrized(), io.BytesIO()),
        lambda: torch.save(parametrized().state_dict(), io.BytesIO()),
    ),
    (
        "init_word",
        lambda: nn.init.kaiming_normal_(rows(3, 2), nonlinearity="gelu"),
        lambda: nn.init.kaiming_normal_(rows(3, 2), nonlinearity="relu"),
    ),
    (
        "init_word",
        lambda: nn.init.kaiming_normal_(rows(3, 2), mode="fan"),
        lambda: nn.init.kaiming_normal_(rows(3, 2), mode="fan_in"),
    ),
    (
        "init_matrix",
        lambda: [nn.init.orthogonal_(p) for p in nn.Linear(3, 2).parameters()],
        lambda: [
            nn.init.orthogonal_(p) if p.dim() > 1 else nn.init.zeros_(p)
            for p in nn.Linear(3, 2).parameters()
        ],
    ),
    ("init_matrix", lambda: nn.init.eye_(rows(3)), lambda: nn.init.zeros_(rows(3))),
    (
        "init_bounds",
        lambda: nn.init.uniform_(rows(3), 0.1, -0.1),
        lambda: nn.init.uniform_(rows(3), -0.1, 0.1),
    ),
]
WIDER_CASES = [
    (
        "norm_vector",
        lambda: nn.InstanceNorm2d(4, affine=True)(IMAGES),
        lambda: nn.InstanceNorm2d(3, affine=True)(IMAGES),
    ),
    (
        "lstm_state",
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4), (rows(1, 2, 8),)),
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4), (rows(1, 2, 8), rows(1, 2, 8))),
    ),
    (
        "lstm_state",
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4), (rows(1, 2, 8),) * 3),
        lambda: nn.LSTM(4, 8)(rows(5, 2, 4), (rows(1, 2, 8),) * 2),
    ),
    (
        "pad_count",
        lambda: F.pad(IMAGES, (1, 1), mode="reflect"),
        lambda: F.pad(IMAGES, (1, 1, 1, 1), mode="reflect"),
    ),
    ("pad_count", lambda: F.pad(IMAGES, (1, 1, 1)), lambda: F.pad(IMAGES, (1, 1, 1, 1))),
    (
        "pad_count",
        lambda: F.pad(rows(8, 8), (1, 1, 1, 1), mode="reflect"),
        lambda: F.pad(rows(8, 8)[None], (1, 1, 1, 1), mode="reflect"),
    ),
    ("pad_count", lambda: F.pad(IMAGES, 1), lambda: F.pad(IMAGES, (1, 1, 1, 1))),
    ("pad_count", lambda: nn.CircularPad2d(9)(IMAGES), lambda: nn.CircularPad2d(8)(IMAGES)),
    (
        "resize_dims",
        lambda: F.interpolate(IMAGES, scale_factor=(2, 2, 2)),
        lambda: F.interpolate(IMAGES, scale_factor=(2, 2)),
    ),
]
CASES = [*LAYERS_CASES, *SEQUENCES_CASES, *RESIZING_CASES, *CONTAINERS_CASES, *WIDER_CASES]
