"""Layers that were made for another input: layer, line and cure are named; and the cure cures."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told
IMAGES = torch.ones(2, 3, 16, 16)


class Le(nn.Module):
    """Two windows, a flatten and a head of a written size."""

    def __init__(self, features=32):
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 5)
        self.head = nn.Linear(features, 2)

    def forward(self, x):
        x = F.max_pool2d(self.conv(x).relu(), 2)
        x = torch.flatten(x, 1)
        return self.head(x)


@told(
    "product_sizes",
    r"^self\.head is given x of the shape \(2, 144\).* it was made for 32",
    "self.head = nn.Linear(features, 2)",
    "write nn.Linear(144, 2) there",
    lambda: Le(144)(IMAGES),
)
def a_head_of_a_written_size():
    Le()(IMAGES)


@told(
    "product_sizes",
    r"those of one sample: image has the shape \(3, 16, 16\), without a batch",
    "net(image)",
    "net(image.unsqueeze(0))",
    lambda: Le(144)(IMAGES[0].unsqueeze(0)),
)
def a_single_image():
    net, image = Le(144), IMAGES[0]
    net(image)


class Unflattened(nn.Module):
    """A Sequential without its flatten."""

    def __init__(self, *between):
        super().__init__()
        self.net = nn.Sequential(nn.AdaptiveAvgPool2d(2), *between, nn.Linear(12, 2))

    def forward(self, x):
        return self.net(x)


@told(
    "product_sizes",
    r"^self\.net\[1\] is given an input of the shape \(2, 3, 2, 2\).*not in one row yet",
    "return self.net(x)",
    "Put nn.Flatten() in front of self.net[1]",
    lambda: Unflattened(nn.Flatten())(IMAGES),
)
def a_sequential_without_a_flatten():
    Unflattened()(IMAGES)


def _last(x, moved):
    head = nn.Linear(3, 2)
    if moved:
        return head(x.transpose(1, 2))
    return head(x)


@told(
    "product_sizes",
    r"^head is given x of the shape \(2, 3, 7\).*stand in dimension 1",
    "return head(x)",
    "Write head(x.transpose(1, 2))",
    lambda: _last(torch.ones(2, 3, 7), True),
)
def features_that_do_not_come_last():
    _last(torch.ones(2, 3, 7), False)


class Block(nn.Module):
    """A convolution and a norm, whose numbers have names."""

    def __init__(self, before, after, right=False):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3)
        self.norm = nn.BatchNorm2d(before)
        if right:
            self.norm = nn.BatchNorm2d(after)

    def forward(self, x):
        return self.norm(self.conv(x))


class Named(nn.Module):
    """A norm of the wrong one of two numbers."""

    def __init__(self, before, after):
        super().__init__()
        self.conv = nn.Conv2d(before, after, 3)
        self.norm = nn.BatchNorm2d(before)

    def forward(self, x):
        return self.norm(self.conv(x))


@told(
    "channels",
    r"^self\.norm is given self\.conv\(x\) of the shape \(2, 8, 14, 14\).*it was made for 3",
    "self.norm = nn.BatchNorm2d(before)",
    "write nn.BatchNorm2d(after) there",
    lambda: Block(3, 8, right=True)(IMAGES),
)
def a_norm_of_the_channels_before():
    Named(3, 8)(IMAGES)


class Net(nn.Module):
    """One layer, called with what it is given, or with a change of that."""

    def __init__(self, layer, change=None):
        super().__init__()
        self.layer, self.change = layer, change

    def forward(self, x):
        if self.change is not None:
            return self.change(self.layer, x)
        return self.layer(x)


@told(
    "channels",
    r"^self\.layer is given x of the shape \(2, 16, 16, 3\).*channels come last",
    "return self.layer(x)",
    "Write self.layer(x.permute(0, 3, 1, 2))",
    lambda: Net(nn.Conv2d(3, 4, 3), lambda f, x: f(x.permute(0, 3, 1, 2)))(
        torch.ones(2, 16, 16, 3)
    ),
)
def images_with_channels_last():
    Net(nn.Conv2d(3, 4, 3))(torch.ones(2, 16, 16, 3))


@told(
    "channels",
    r"These are grey images",
    "grey = nn.Conv2d(3, 4, 5)",
    "write nn.Conv2d(1, 4, 5) there. To keep the layer, write grey(x.expand(-1, 3, -1, -1))",
    lambda: nn.Conv2d(3, 4, 5)(torch.ones(2, 1, 8, 8).expand(-1, 3, -1, -1)),
)
def grey_images():
    grey = nn.Conv2d(3, 4, 5)
    x = torch.ones(2, 1, 8, 8)
    grey(x)


@told(
    "channels",
    "how opaque",
    "return self.layer(x)",
    "self.layer(x[:, :3])",
    lambda: Net(nn.Conv2d(3, 4, 3), lambda f, x: f(x[:, :3]))(torch.ones(2, 4, 8, 8)),
)
def images_with_an_alpha_channel():
    Net(nn.Conv2d(3, 4, 3))(torch.ones(2, 4, 8, 8))


@told(
    "channels",
    "The channel is missing",
    "return self.layer(x)",
    "self.layer(x.unsqueeze(1))",
    lambda: Net(nn.Conv2d(1, 4, 3), lambda f, x: f(x.unsqueeze(1)))(torch.ones(5, 8, 8)),
)
def grey_images_without_a_channel():
    Net(nn.Conv2d(1, 4, 3))(torch.ones(5, 8, 8))


@told(
    "dimensions",
    "Each image lies in a row of 64 numbers",
    "return self.layer(x)",
    "self.layer(x.unflatten(1, (1, 8, 8)))",
    lambda: Net(nn.Conv2d(1, 4, 3), lambda f, x: f(x.unflatten(1, (1, 8, 8))))(torch.ones(5, 64)),
)
def images_in_rows():
    Net(nn.Conv2d(1, 4, 3))(torch.ones(5, 64))


@told(
    "dimensions",
    r"A BatchNorm2d takes inputs of 4 dimensions, and this one has 2",
    "norm = nn.BatchNorm2d(6)",
    "write BatchNorm1d in the place of BatchNorm2d",
    lambda: nn.BatchNorm1d(6)(torch.ones(3, 6)),
)
def a_norm_of_images_behind_a_linear():
    norm = nn.BatchNorm2d(6)
    norm(torch.ones(3, 6))


@told(
    "channels",
    "Here they come last",
    "return self.layer(x)",
    "self.layer(x.transpose(1, 2)).transpose(1, 2)",
    lambda: Net(nn.BatchNorm1d(6), lambda f, x: f(x.transpose(1, 2)))(torch.ones(3, 4, 6)),
)
def a_norm_of_sequences():
    Net(nn.BatchNorm1d(6))(torch.ones(3, 4, 6))


@told(
    "channels",
    "The 3 channels stand in dimension 1",
    "return self.layer(x)",
    "self.layer(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2). Or make it nn.GroupNorm(1, 3)",
    lambda: (nn.GroupNorm(1, 3)(IMAGES), nn.LayerNorm(3)(IMAGES.permute(0, 2, 3, 1))),
)
def a_layer_norm_of_images():
    Net(nn.LayerNorm(3))(IMAGES)


@told(
    "norm_vector",
    "Channels are dimension 1, and it was made for 4",
    "norm = nn.GroupNorm(2, 4)",
    "nn.GroupNorm(2, 6)",
    lambda: nn.GroupNorm(2, 6)(torch.ones(2, 6, 5)),
)
def a_group_norm_of_other_channels():
    norm = nn.GroupNorm(2, 4)
    norm(torch.ones(2, 6, 5))


@told(
    "rnn_features",
    "a feature of one number has no dimension",
    "return self.layer(x)",
    "self.layer(x.unsqueeze(-1))",
    lambda: Net(nn.GRU(1, 4, batch_first=True), lambda f, x: f(x.unsqueeze(-1)))(torch.ones(3, 9)),
)
def a_sequence_of_single_numbers():
    Net(nn.GRU(1, 4, batch_first=True))(torch.ones(3, 9))


@told(
    "rnn_features",
    "Each step has one number",
    "rnn = nn.LSTM(9, 4, batch_first=True)",
    "nn.LSTM(1, 4, batch_first=True)",
    lambda: nn.LSTM(1, 4, batch_first=True)(torch.ones(3, 9, 1)),
)
def an_rnn_made_for_the_length():
    rnn = nn.LSTM(9, 4, batch_first=True)
    rnn(torch.ones(3, 9, 1))


def _begun(h, batch, first=True):
    rnn = nn.LSTM(2, 4, batch_first=first)
    x = torch.ones(batch, 5, 2)
    return rnn(x, h)


def _zeros(batch, layers=1):
    return torch.zeros(layers, batch, 4), torch.zeros(layers, batch, 4)


@told(
    "rnn_state_size",
    "It was made for 8 samples, and this batch has 3",
    "return rnn(x, h)",
    "without a state: rnn(x)",
    lambda: _begun(None, 3),
)
def a_state_of_another_batch():
    _begun(_zeros(8), 3)


@told(
    "rnn_state_size",
    r"takes dimension 1 of its input, \(3, 5, 2\), for the batch",
    "rnn = nn.LSTM(2, 4, batch_first=first)",
    "batch_first=True",
    lambda: _begun(_zeros(3), 3),
)
def a_state_and_an_input_with_the_batch_first():
    _begun(_zeros(3), 3, first=False)


@told(
    "lstm_state",
    "an LSTM, whose state is a pair, and h is not",
    "return rnn(x, h)",
    "(h, torch.zeros_like(h))",
    lambda: _begun(_zeros(3), 3),
)
def a_state_of_one_tensor():
    _begun(_zeros(3)[0], 3)


@told(
    "too_small",
    r"Its window is \(5, 5\), and \(2, 2\) is what is left",
    "nn.Conv2d(3, 4, 5))",
    "nn.Conv2d(3, 4, 2). Or give larger images: x is (1, 3, 8, 8) here, and F.interpolate(x, "
    "size=(24, 24))",
    lambda: (
        _shrunk(2)(IMAGES[:1, :, :8, :8]),
        _shrunk(5)(F.interpolate(IMAGES[:1], size=(24, 24))),
    ),
)
def a_window_larger_than_the_image():
    net = nn.Sequential(nn.MaxPool2d(4), nn.Conv2d(3, 4, 5))
    x = torch.ones(1, 3, 8, 8)
    net(x)


def _shrunk(window):
    return nn.Sequential(nn.MaxPool2d(4), nn.Conv2d(3, 4, window))


@told(
    "group_count",
    "num_channels is 48 and num_groups 32: 48 divided by 32 leaves 16",
    "nn.GroupNorm(groups, 48)",
    "Choose groups so that it divides 48: 24 or 48",
    lambda: nn.GroupNorm(24, 48),
)
def groups_that_do_not_divide():
    groups = 32
    nn.GroupNorm(groups, 48)


@told(
    "heads",
    "embed_dim is 10 and num_heads 4",
    "nn.MultiheadAttention(10, 4)",
    "divides 10: 2 or 5. Or change 10 to a multiple of 4, such as 12",
    lambda: (nn.MultiheadAttention(10, 2), nn.MultiheadAttention(12, 4)),
)
def heads_that_do_not_divide():
    nn.MultiheadAttention(10, 4)


@told(
    "reshaped_size",
    r"the batch is 3 in one and 7 in the other",
    "attention(query, x, x)",
    "give them as x.transpose(0, 1)",
    lambda: nn.MultiheadAttention(4, 2)(torch.ones(1, 3, 4), *[torch.ones(7, 3, 4)] * 2),
)
def keys_with_the_batch_first():
    attention, query, x = nn.MultiheadAttention(4, 2), torch.ones(1, 3, 4), torch.ones(3, 7, 4)
    attention(query, x, x)


@told(
    "tuple_used",
    r"^Part 0 of self\.layer is an GRU|^Part 0 of self\.layer is a GRU",
    None,
    "class Output(nn.Module)",
    lambda: Net(nn.Sequential(nn.GRU(2, 3), Output(), nn.Linear(3, 1)))(torch.ones(4, 2)),
)
def an_rnn_in_a_sequential():
    Net(nn.Sequential(nn.GRU(2, 3), nn.Linear(3, 1)))(torch.ones(4, 2))


class Output(nn.Module):
    """The first of what an RNN gives."""

    def forward(self, pair):
        return pair[0]


@told(
    "tuple_used",
    "h is a tuple of 2 entries",
    "h = attention(x, x, x)",
    "take them apart: h, _ = attention(x, x, x)",
    lambda: torch.ones(3, 4) + nn.MultiheadAttention(4, 2)(*[torch.ones(3, 4)] * 3)[0],
)
def a_pair_that_was_added():
    attention, x = nn.MultiheadAttention(4, 2), torch.ones(3, 4)
    h = attention(x, x, x)
    return x + h


@told(
    "one_value",
    r"loader gives 9 samples in batches of 4: one is left",
    "loader = DataLoader(",
    "DataLoader(..., drop_last=True)",
    lambda: _normed(drop_last=True),
)
def a_last_batch_of_one():
    net = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))
    loader = DataLoader(TensorDataset(torch.ones(9, 2)), batch_size=4)
    for (x,) in loader:
        net(x)


def _normed(**settings):
    loader = DataLoader(TensorDataset(torch.ones(9, 2)), batch_size=4, **settings)
    for (x,) in loader:
        nn.BatchNorm1d(2)(x)


@told(
    "index_range",
    r"n holds the number 6, and table has 6 rows",
    None,
    "nn.Embedding(7, 2)",
    lambda: nn.Embedding(7, 2, padding_idx=0)(torch.arange(1, 7)),
)
def numbers_from_1_beside_a_row_for_padding():
    table, n = nn.Embedding(6, 2, padding_idx=0), torch.tensor([1, 2, 3, 4, 5, 6])
    table(n)


@told(
    "index_range",
    r"places holds the number 8",
    "places = torch.arange(",
    "places counts positions, so the sequence is longer than the table",
    lambda: nn.Embedding(6, 2)(torch.arange(6)),
)
def a_sequence_longer_than_its_positions():
    table, tokens = nn.Embedding(6, 2), torch.ones(1, 9)
    places = torch.arange(tokens.shape[1])
    table(places)


@told(
    "dtype",
    "x is uint8, and the parameters of layer are float32",
    "x = torch.ones(1, 3, 8, 8).byte()",
    "x = x.float() / 255",
    lambda: nn.Conv2d(3, 4, 3)(torch.ones(1, 3, 8, 8).byte().float() / 255),
)
def bytes_of_a_picture():
    layer = nn.Conv2d(3, 4, 3)
    x = torch.ones(1, 3, 8, 8).byte()
    layer(x)


@told(
    "device",
    r"^net\.weight and 1 more parameters lie on the meta device",
    "net(torch.ones(1, 2))",
    "net.load_state_dict(state, assign=True)",
    lambda: nn.Linear(2, 2, device="meta").load_state_dict(
        nn.Linear(2, 2).state_dict(), assign=True
    ),
)
def a_model_without_values():
    net = nn.Linear(2, 2, device="meta")
    net(torch.ones(1, 2))


def _finetuned():
    net = Le(144)
    net.head = nn.Linear(512, 5)
    return net


@told(
    "product_sizes",
    r"^self\.head is given x of the shape \(2, 144\).* it was made for 512",
    "net.head = nn.Linear(512, 5)",
    "write nn.Linear(144, 5) there",
    lambda: Le(144)(IMAGES),
)
def a_head_that_was_exchanged():
    _finetuned()(IMAGES)


@told(
    "channels",
    "The 3 channels stand in dimension 2 here",
    "return self.layer(x)",
    "self.layer(x.movedim(2, 1))",
    lambda: Net(nn.Conv3d(3, 4, 3), lambda f, x: f(x.movedim(2, 1)))(torch.ones(2, 5, 3, 6, 6)),
)
def a_video_with_its_pictures_first():
    Net(nn.Conv3d(3, 4, 3))(torch.ones(2, 5, 3, 6, 6))


def _both_ways(joined):
    _, h = nn.GRU(2, 4, bidirectional=True)(torch.ones(5, 3, 2))
    one = nn.GRU(2, 4)
    if joined:
        return one(torch.ones(1, 3, 2), h.unflatten(0, (1, 2)).sum(1))
    return one(torch.ones(1, 3, 2), h)


@told(
    "rnn_state_size",
    "the state of a bidirectional RNN holds both directions of each",
    "_, h = nn.GRU(2, 4, bidirectional=True)",
    "h.unflatten(0, (1, 2)).sum(1)",
    lambda: _both_ways(True),
)
def the_state_of_a_bidirectional_rnn():
    _both_ways(False)


@told(
    "attention_features",
    r"^encoder was made for 8 features, the last dimension, and x has the shape \(2, 5, 3\)",
    "encoder(x)",
    "self.project = nn.Linear(3, 8) in __init__, and encoder(self.project(x))",
    lambda: nn.TransformerEncoderLayer(8, 2)(nn.Linear(3, 8)(torch.ones(2, 5, 3))),
)
def features_that_a_transformer_was_not_made_for():
    encoder, x = nn.TransformerEncoderLayer(8, 2, batch_first=True), torch.ones(2, 5, 3)
    encoder(x)


class Growing(nn.Module):
    """Layers that join their results to their input."""

    def __init__(self, channels, growth, grows=0):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels, growth, 1) for _ in range(2))
        if grows:
            sizes = (channels, channels + grows)
            self.layers = nn.ModuleList([nn.Conv2d(size, growth, 1) for size in sizes])

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


class Alike(nn.Module):
    """Layers of one size that get inputs of several."""

    def __init__(self, channels, growth):
        super().__init__()
        self.layers = nn.ModuleList(nn.Conv2d(channels, growth, 1) for _ in range(2))

    def forward(self, x):
        for layer in self.layers:
            x = torch.cat([x, layer(x)], 1)
        return x


@told(
    "channels",
    r"^self\.layers\[1\] is given x .* makes all layers of a list alike",
    "nn.Conv2d(channels, growth, 1) for _ in range(2)",
    "this one with in_channels=5",
    lambda: Growing(3, 2, grows=2)(torch.ones(1, 3, 4, 4)),
)
def layers_of_a_list_that_get_more_and_more():
    Alike(3, 2)(torch.ones(1, 3, 4, 4))


class Seen(nn.Module):
    """Two convolutions, of which the second is for volumes."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3)
        self.deep = nn.Conv3d(4, 2, (3, 3, 3))

    def forward(self, x):
        return self.deep(self.stem(x).relu())


@told(
    "channels",
    r"^self\.deep is given .* A Conv3d takes volumes, .* and these are images",
    "self.deep = nn.Conv3d(",
    "write Conv2d in the place of Conv3d, and so for its norms and pools. A size that is written "
    "as a tuple has 2 numbers then",
    lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 2, (3, 3)))(IMAGES),
)
def a_convolution_of_volumes_for_images():
    Seen()(IMAGES)


@told(
    "dimensions",
    r"A Conv1d takes signals, .*, and these are images",
    "nn.Sequential(nn.Conv1d(3, 4, 3)",
    "write Conv2d in the place of Conv1d",
    lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())(IMAGES),
)
def a_convolution_of_signals_for_images():
    net = nn.Sequential(nn.Conv1d(3, 4, 3), nn.ReLU())
    net(IMAGES)


@told(
    "dimensions",
    r"self\.deep|It has a dimension more",
    None,
    ".flatten(0, 1)",
    lambda: nn.Conv2d(3, 4, 3)(torch.ones(2, 5, 3, 8, 8).flatten(0, 1)),
)
def pictures_of_a_sequence_that_are_no_volume():
    video = torch.ones(2, 5, 3, 8, 8)
    conv = nn.Conv2d(3, 4, 3)
    conv(video)


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_layer_and_the_line_are_named_and_the_cure_cures(program):
    program.is_explained()
