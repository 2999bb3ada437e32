"""Operations whose shapes, sizes or dtypes do not fit: what is to be written; and it runs."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence

from tests.errors.told import Programs

PROGRAMS = Programs()
told = PROGRAMS.told


class Table(nn.Module):
    """Adds a table of positions, or of a mask."""

    def __init__(self, longest):
        super().__init__()
        self.register_buffer("table", torch.ones(longest, 4))
        self.place = nn.Parameter(torch.ones(1, longest, 4))
        self.register_buffer("mask", torch.ones(longest, longest).tril().bool())

    def sliced(self, x):
        return x + self.table[: x.size(1)]

    def added(self, x):
        return x + self.place

    def masked(self, x):
        a = x @ x.mT
        return a.masked_fill(~self.mask, -1.0)

    def masked_in_part(self, x):
        a = x @ x.mT
        return a.masked_fill(~self.mask[: a.shape[-2], : a.shape[-1]], -1.0)


@told(
    "sizes",
    r"^x has the shape \(2, 7, 4\) and self\.table\[:x\.size\(1\)\] \(5, 4\)",
    'self.register_buffer("table"',
    "self.table has 5 entries in dimension 0, and 7 are asked for",
    lambda: Table(7).sliced(torch.ones(2, 7, 4)),
)
def positions_of_a_table_that_is_too_short():
    Table(5).sliced(torch.ones(2, 7, 4))


@told(
    "sizes",
    r"^x has the shape \(2, 6, 4\) and self\.place \(1, 5, 4\)",
    "self.place = nn.Parameter(",
    "Make self.place with 6 entries in dimension 1, in the place of 5. A class token",
    lambda: Table(6).added(torch.ones(2, 6, 4)),
)
def positions_without_one_for_the_class_token():
    Table(5).added(torch.ones(2, 6, 4))


@told(
    "sizes",
    r"self\.mask \(9, 9\)",
    "return a.masked_fill(~self.mask, -1.0)",
    "self.mask[:a.shape[-2], :a.shape[-1]]",
    lambda: Table(9).masked_in_part(torch.ones(2, 6, 4)),
)
def a_mask_of_the_longest_sequence():
    Table(9).masked(torch.ones(2, 6, 4))


def _dice(probabilities, target, moved):
    hot = F.one_hot(target, 3)
    if moved:
        hot = hot.permute(0, 3, 1, 2)
    return (probabilities * hot).sum()


@told(
    "sizes",
    r"hot \(2, 5, 6, 3\)",
    "return (probabilities * hot).sum()",
    "hot has its channels last: hot.permute(0, 3, 1, 2)",
    lambda: _dice(torch.ones(2, 3, 5, 6), torch.zeros(2, 5, 6).long(), True),
)
def one_hot_beside_channels_first():
    _dice(torch.ones(2, 3, 5, 6), torch.zeros(2, 5, 6).long(), False)


def _around(x, skip):
    out = nn.Conv2d(4, 8, 3, stride=2, padding=1)(x)
    out += skip(x)
    return out


@told(
    "sizes",
    r"^out has the shape \(2, 8, 3, 3\) and x \(2, 4, 6, 6\)",
    "out += x",
    "self.skip = nn.Conv2d(4, 8, 1, stride=2) in __init__, and self.skip(x) in the place of x",
    lambda: _around(torch.ones(2, 4, 6, 6), nn.Conv2d(4, 8, 1, stride=2)),
)
def a_skip_around_a_stride():
    x = torch.ones(2, 4, 6, 6)
    out = nn.Conv2d(4, 8, 3, stride=2, padding=1)(x)
    out += x


@told(
    "sizes",
    r"each\(x, y\) has the shape \(6, 4\) and weight \(6,\)",
    None,
    "weight[:, None]",
    lambda: (
        nn.MSELoss(reduction="none")(torch.ones(6, 4), torch.ones(6, 4)) * torch.ones(6)[:, None]
    ),
)
def a_weight_for_each_sample_of_a_loss():
    each, x, y, weight = (
        nn.MSELoss(reduction="none"),
        torch.ones(6, 4),
        torch.ones(6, 4),
        torch.ones(6),
    )
    each(x, y) * weight


@told(
    "cat_sizes",
    r"^u has the shape \(1, 2, 4, 4\), and s \(1, 2, 5, 5\).*dimension 2 is 4 and 5",
    "torch.cat([u, s], dim=1)",
    'F.interpolate(u, size=s.shape[2:], mode="bilinear") in the place of u',
    lambda: torch.cat(
        [
            F.interpolate(torch.ones(1, 2, 4, 4), size=(5, 5), mode="bilinear"),
            torch.ones(1, 2, 5, 5),
        ],
        1,
    ),
)
def images_that_were_halved_and_doubled():
    u, s = torch.ones(1, 2, 4, 4), torch.ones(1, 2, 5, 5)
    torch.cat([u, s], dim=1)


@told(
    "cat_sizes",
    r"^a has the shape \(2, 3, 4, 4\), and b \(2, 5\): cat joins tensors of as many dimensions",
    "torch.cat([a, b], dim=1)",
    "a.mean((2, 3)). If b belongs to every place of the image: b[:, :, None, None].expand(-1, "
    "-1, 4, 4)",
    lambda: (
        torch.cat([torch.ones(2, 3, 4, 4).mean((2, 3)), torch.ones(2, 5)], dim=1),
        torch.cat(
            [torch.ones(2, 3, 4, 4), torch.ones(2, 5)[:, :, None, None].expand(-1, -1, 4, 4)], 1
        ),
    ),
)
def a_vector_beside_images():
    a, b = torch.ones(2, 3, 4, 4), torch.ones(2, 5)
    torch.cat([a, b], dim=1)


@told(
    "cat_sizes",
    "They|have to agree",
    "torch.cat([a, b])",
    "They differ in dimension 1 alone: join them along that, dim=1",
    lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)], dim=1),
)
def parts_that_differ_in_columns():
    a, b = torch.ones(2, 3), torch.ones(2, 4)
    torch.cat([a, b])


@told(
    "batch_sizes",
    r"^parts holds tensors of the shapes \(4, 3\) and \(2, 3\)\. They differ in length alone",
    "torch.stack(parts)",
    "pad_sequence(parts, batch_first=True)",
    lambda: pad_sequence([torch.ones(4, 3), torch.ones(2, 3)], batch_first=True),
)
def episodes_of_different_lengths():
    parts = [torch.ones(4, 3), torch.ones(2, 3)]
    torch.stack(parts)


@told(
    "list_wanted",
    "given 2 tensors one by one",
    "torch.cat(a, b, dim=1)",
    "torch.cat([a, b], dim=1)",
    lambda: torch.cat([torch.ones(2, 3), torch.ones(2, 4)], dim=1),
)
def tensors_in_no_list():
    a, b = torch.ones(2, 3), torch.ones(2, 4)
    torch.cat(a, b, dim=1)


@told(
    "reshaped_size",
    r"^x has the shape \(0, 3, 5\), 0 numbers\. Of nothing, -1 could be any length",
    "x.reshape(0, -1)",
    "x.flatten(1)",
    lambda: torch.ones(0, 3, 5).flatten(1),
)
def a_rest_of_nothing():
    x = torch.ones(0, 3, 5)
    x.reshape(0, -1)


@told(
    "reshaped_size",
    "100 // 8 leaves a rest",
    "x.view(2, 7, heads, size)",
    "Choose heads so that it divides 100, such as 5 or 10; or another number of features, such "
    "as 96",
    lambda: (torch.ones(2, 7, 100).view(2, 7, 5, 20), torch.ones(2, 7, 96).view(2, 7, 8, 12)),
)
def heads_that_leave_a_rest():
    x, heads = torch.ones(2, 7, 100), 8
    size = x.shape[-1] // heads
    x.view(2, 7, heads, size)


@told(
    "reshaped_size",
    r"Each sample has 98, and \(3, 7, 7\) holds 147",
    "h.view(-1, 3, 7, 7)",
    "write h.view(-1, 2, 7, 7)",
    lambda: torch.ones(5, 98).view(-1, 2, 7, 7),
)
def images_of_other_channels():
    h = torch.ones(5, 98)
    h.view(-1, 3, 7, 7)


@told(
    "reshaped_size",
    "There are 3 samples, and batch says 4",
    "x.view(batch, -1, 3)",
    "x.view(len(x), -1, 3)",
    lambda: (lambda x: x.view(len(x), -1, 3))(torch.ones(3, 9)),
)
def a_batch_size_that_is_written():
    x, batch = torch.ones(3, 9), 8
    batch = 4
    x.view(batch, -1, 3)


@told(
    "reshaped_size",
    "Each sample has 12, and rows of 7 are asked for",
    "x.view(-1, 7)",
    "x.flatten(1)",
    lambda: torch.ones(3, 3, 4).flatten(1),
)
def rows_of_another_length():
    x = torch.ones(3, 3, 4)
    x.view(-1, 7)


@told(
    "view_stride",
    r"That is x\.transpose\(1, 2\) here",
    "x.transpose(1, 2).view(2, 12)",
    "x.transpose(1, 2).reshape(2, 12)",
    lambda: torch.ones(2, 3, 4).transpose(1, 2).reshape(2, 12),
)
def a_view_behind_a_transpose():
    x = torch.ones(2, 3, 4)
    x.transpose(1, 2).view(2, 12)


@told(
    "size_kind",
    r"^half is 3\.0, a float",
    "half = x.shape[1] / 2",
    "x.shape[1] // 2",
    lambda: torch.ones(2, 6).view(2, 6 // 2, 2),
)
def a_size_that_was_divided():
    x = torch.ones(2, 6)
    half = x.shape[1] / 2
    x.view(2, half, 2)


@told(
    "expanded",
    r"^row has the shape \(2, 3\), and \(2, 5, -1\) is asked for",
    "row.expand(2, 5, -1)",
    "row.unsqueeze(1).expand(2, 5, -1)",
    lambda: torch.ones(2, 3).unsqueeze(1).expand(2, 5, -1),
)
def an_expand_without_a_dimension_of_1():
    row = torch.ones(2, 3)
    row.expand(2, 5, -1)


@told(
    "expanded",
    r"^table\[:, 1::2\] has the shape \(4, 2\), and wave\.cos\(\), .* \(4, 3\)",
    "table[:, 1::2] = wave.cos()",
    "table[:, 1::2] = (wave.cos())[:, :2]",
    lambda: torch.zeros(4, 5)[:, 1::2].copy_(torch.ones(4, 3).cos()[:, :2]),
)
def cosines_of_an_odd_size():
    table, wave = torch.zeros(4, 5), torch.ones(4, 3)
    table[:, 1::2] = wave.cos()


@told(
    "permute_all",
    "there is no batch in front",
    "x.permute(0, 3, 1, 2)",
    "Write x.permute(2, 0, 1)",
    lambda: torch.ones(8, 8, 3).permute(2, 0, 1),
)
def a_permute_of_one_image():
    x = torch.ones(8, 8, 3)
    x.permute(0, 3, 1, 2)


@told(
    "product_dimensions",
    r"^q has the shape \(2, 5, 3\) and k \(2, 5, 3\)",
    "return q @ k",
    "as the scores of attention: q @ k.transpose(-2, -1)",
    lambda: torch.ones(2, 5, 3) @ torch.ones(2, 5, 3).transpose(-2, -1),
)
def scores_without_a_transpose():
    q, k = torch.ones(2, 5, 3), torch.ones(2, 5, 3)
    return q @ k


@told(
    "product_sizes",
    r"^a has the shape \(4, 3\) and b \(5, 3\)",
    "return a @ b",
    "Turn the second: a @ b.transpose(-2, -1)",
    lambda: torch.ones(4, 3) @ torch.ones(5, 3).transpose(-2, -1),
)
def a_product_of_rows():
    a, b = torch.ones(4, 3), torch.ones(5, 3)
    return a @ b


@told(
    "dims_differ",
    r"^chosen, the index, has the shape \(4,\).*lacks dimension 1",
    "net(x).gather(1, chosen)",
    "net(x).gather(1, chosen.unsqueeze(1)).squeeze(1)",
    lambda: (
        nn.Linear(3, 2)(torch.ones(4, 3)).gather(1, torch.zeros(4).long().unsqueeze(1)).squeeze(1)
    ),
)
def values_of_chosen_actions():
    net, x, chosen = nn.Linear(3, 2), torch.ones(4, 3), torch.zeros(4).long()
    net(x).gather(1, chosen)


@told(
    "dims_differ",
    r"labels, the index, has the shape \(4,\), and out the shape \(4, 3\)",
    "out.scatter_(1, labels, 1.0)",
    "out.scatter_(1, labels.unsqueeze(1), 1.0)",
    lambda: torch.zeros(4, 3).scatter_(1, torch.zeros(4).long().unsqueeze(1), 1.0),
)
def one_hot_by_scatter():
    out, labels = torch.zeros(4, 3), torch.zeros(4).long()
    out.scatter_(1, labels, 1.0)


@told(
    "index_dtype",
    "^a is the index here, and it is float32",
    "a = torch.zeros(4, 1)",
    "a.long()",
    lambda: torch.ones(4, 2).gather(1, torch.zeros(4, 1).long()),
)
def actions_that_are_floats():
    q = torch.ones(4, 2)
    a = torch.zeros(4, 1)
    q.gather(1, a)


@told(
    "mask_shape",
    r"the mask known \(4, 1\)",
    "known = y > 0",
    "known = known.squeeze(-1)",
    lambda: torch.ones(4, 3)[(torch.ones(4, 1) > 0).squeeze(-1)],
)
def a_mask_in_a_column():
    x, y = torch.ones(4, 3), torch.ones(4, 1)
    known = y > 0
    return x[known]


@told(
    "index_written",
    r"^missing chooses 4 places of x, and means has the shape \(3,\)",
    "x[missing] = means",
    "x = torch.where(missing, means, x)",
    lambda: torch.where(torch.eye(4, 3).bool(), torch.ones(3), torch.zeros(4, 3)),
)
def means_for_what_is_missing():
    x, means = torch.zeros(4, 3), torch.ones(3)
    missing = torch.tensor([[True] * 3, [True, False, False], [False] * 3, [False] * 3])
    x[missing] = means


@told(
    "integer_mean",
    r"x\.argmax\(1\) == y holds no floating numbers",
    "(x.argmax(1) == y).mean()",
    "(x.argmax(1) == y).float().mean()",
    lambda: (torch.ones(4, 3).argmax(1) == torch.zeros(4)).float().mean(),
)
def the_mean_of_a_comparison():
    x, y = torch.ones(4, 3), torch.zeros(4)
    (x.argmax(1) == y).mean()


@told(
    "integer_result",
    r"^hot is int64, and hot \*= 0\.5 would write fractions",
    "hot = F.one_hot(torch.arange(3))",
    "hot = hot.float()",
    lambda: F.one_hot(torch.arange(3)).float().mul_(0.5),
)
def fractions_in_whole_numbers():
    hot = F.one_hot(torch.arange(3))
    hot *= 0.5


@told(
    "not_for_dtype",
    "scores is int64",
    "scores = torch.arange(3)",
    "scores.float()",
    lambda: torch.arange(3).float().softmax(0),
)
def a_softmax_of_integers():
    scores = torch.arange(3)
    scores.softmax(0)


def _squeezed(net, x, dim=None):
    if dim is not None:
        return net(x).squeeze(dim)
    return net(x).squeeze()


@told(
    "cat_numbers",
    r"net\(x\)\.squeeze\(\) on the line named here",
    "return net(x).squeeze()",
    "net(x).squeeze(-1)",
    lambda: torch.cat([_squeezed(nn.Linear(2, 1), torch.ones(n, 2), -1) for n in (4, 1)]),
)
def a_last_batch_that_squeeze_made_a_number():
    net = nn.Linear(2, 1)
    torch.cat([_squeezed(net, torch.ones(n, 2)) for n in (4, 1)])


@told(
    "array_for_tensor",
    "^state is a NumPy array, float64",
    "_policy(nn.Linear(3, 2), state)",
    "torch.from_numpy(state).float()",
    lambda: _policy(nn.Linear(3, 2), torch.from_numpy(np.zeros(3)).float()),
)
def a_state_of_numpy():
    state = np.zeros(3)
    _policy(nn.Linear(3, 2), state)


def _policy(net, s):
    return net(s)


@told(
    "dict_used",
    r"^out is a dict, and its tensors are out\['classes'\], out\['boxes'\]",
    "out.argmax(1)",
    "such as out['classes']",
    lambda: {"classes": torch.ones(2, 3)}["classes"].argmax(1),
)
def a_dict_of_results():
    out = {"classes": torch.ones(2, 3), "boxes": torch.ones(2, 4)}
    out.argmax(1)


@told(
    "cat_sizes",
    r"table\(y\) \(5, 1, 4\)",
    "torch.cat([x, table(y)], dim=1)",
    "table(y).squeeze(1)",
    lambda: torch.cat([torch.ones(5, 2), torch.ones(5, 1, 4).squeeze(1)], dim=1),
)
def rows_of_an_embedding_of_a_column():
    table, x, y = nn.Embedding(3, 4), torch.ones(5, 2), torch.zeros(5, 1).long()
    torch.cat([x, table(y)], dim=1)


@told(
    "sizes",
    r"^known has the shape \(4,\) and a \(4, 6\)",
    "known, a, b = torch.ones(4) > 0",
    "known[:, None]",
    lambda: torch.where((torch.ones(4) > 0)[:, None], torch.ones(4, 6), torch.zeros(4, 6)),
)
def a_choice_by_rows():
    known, a, b = torch.ones(4) > 0, torch.ones(4, 6), torch.zeros(4, 6)
    torch.where(known, a, b)


@told(
    "split_sum",
    r"^The parts of head\(x\) add up to 8, and the dimension has 6",
    "head = nn.Linear(3, 6)",
    "write nn.Linear(3, 8) there",
    lambda: nn.Linear(3, 8)(torch.ones(2, 3)).split([2, 5, 1], dim=-1),
)
def parts_of_a_layer_that_gives_less():
    head = nn.Linear(3, 6)
    x = torch.ones(2, 3)
    head(x).split([2, 5, 1], dim=-1)


@told(
    "index_tensor",
    "^kept is a list, which gives one entry for one number, and i holds 2",
    "return kept[i]",
    "[kept[n] for n in i]",
    lambda: [[1, 2, 3][n] for n in torch.tensor([0, 2])],
)
def several_entries_of_a_list():
    kept, i = [1, 2, 3], torch.tensor([0, 2])
    return kept[i]


@told(
    "slice_kind",
    r"^n is 1\.6, a float",
    "n = len(x) * 0.8",
    "int(n)",
    lambda: torch.ones(2)[: int(1.6)],
)
def a_slice_that_ends_at_a_fraction():
    x = torch.ones(2)
    n = len(x) * 0.8
    return x[:n]


@told(
    "pair_used",
    r"^h is no tensor, but holds several: values and indices",
    "h = x.max(1)",
    "x.max(1).values",
    lambda: F.relu(torch.ones(2, 3).max(1).values),
)
def the_pair_that_max_gives():
    x = torch.ones(2, 3)
    h = x.max(1)
    torch.relu(h)


@told(
    "pair_used",
    "^both is no tensor, but holds several: sign and logabsdet",
    "both = torch.linalg.slogdet(a)",
    "such as torch.linalg.slogdet(a).sign.",
    lambda: torch.linalg.slogdet(torch.eye(2)).logabsdet.mean(),
)
def the_pair_that_slogdet_gives():
    a = torch.eye(2)
    both = torch.linalg.slogdet(a)
    both.mean()


@told(
    "tuple_used",
    "^ranked is no tensor, but holds several: values and indices",
    "ranked = x.sort()",
    "x.sort().values",
    lambda: torch.ones(3).sort().values + torch.ones(3),
)
def the_pair_that_sort_gives_in_a_sum():
    x = torch.ones(3)
    ranked = x.sort()
    ranked + x


@told(
    "sequence_scaled",
    "^ranked is no tensor, but holds several: values and indices",
    "ranked = x.sort()",
    "x.sort().values",
    lambda: torch.ones(3).sort().values * 0.5,
)
def the_pair_that_sort_gives_times_a_half():
    x = torch.ones(3)
    ranked = x.sort()
    ranked * 0.5


@told(
    "einsum_letters",
    r"^w has the shape \(1, 4, 4\), 3 dimensions, and ij names 2",
    'torch.einsum("bi,ij->bj", x, w)',
    "w.squeeze(0)",
    lambda: torch.einsum("bi,ij->bj", torch.ones(3, 4), torch.ones(1, 4, 4).squeeze(0)),
)
def a_matrix_with_a_batch_of_one():
    x, w = torch.ones(3, 4), torch.ones(1, 4, 4)
    torch.einsum("bi,ij->bj", x, w)


@told(
    "einsum_letters",
    r"^The letter h is 5 in q and 7 in k, of the shape \(2, 7, 4, 3\)",
    'torch.einsum("bhqd,bhkd->bhqk", q, k)',
    "Give the letters of k in the order of its dimensions",
    lambda: torch.einsum("bqhd,bkhd->bhqk", torch.ones(2, 5, 4, 3), torch.ones(2, 7, 4, 3)),
)
def heads_that_stand_third():
    q, k = torch.ones(2, 5, 4, 3), torch.ones(2, 7, 4, 3)
    torch.einsum("bhqd,bhkd->bhqk", q, k)


def _rebuilt(whole):
    x = torch.ones(2, 1, 4, 3)
    rows = nn.Linear(12, 12)(x.flatten(1))
    F.mse_loss(rows, whole(x))


@told(
    "sizes",
    r"rows has the shape \(2, 12\) and x|has the shape",
    "F.mse_loss(rows, x)",
    "write x.flatten(1) in the place of x",
    lambda: _rebuilt(lambda x: x.flatten(1)),
)
def a_rebuilt_picture_in_rows_beside_the_picture():
    x = torch.ones(2, 1, 4, 3)
    rows = nn.Linear(12, 12)(x.flatten(1))
    F.mse_loss(rows, x)


@told(
    "sizes",
    r"has the shape",
    "return (flat - series).abs().sum()",
    "flat.view_as(series)",
    lambda: (torch.ones(30).view(5, 6) - torch.ones(5, 6)).sum(),
)
def all_numbers_in_one_row_beside_a_table():
    series = torch.ones(5, 6)
    flat = series.reshape(-1) * 2
    return (flat - series).abs().sum()


def _scored_by(target):
    probabilities = torch.full((4, 2), 0.5)
    F.binary_cross_entropy(probabilities, target(torch.tensor([0, 1, 1, 0])))


@told(
    "target_shape",
    "holds one class number for each row",
    None,
    "F.one_hot(labels.long(), 2).float()",
    lambda: _scored_by(lambda labels: F.one_hot(labels.long(), 2).float()),
)
def two_classes_in_a_loss_of_probabilities():
    probabilities, labels = torch.full((4, 2), 0.5), torch.tensor([0, 1, 1, 0])
    nn.BCELoss()(probabilities, labels.float())


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_tensors_and_the_line_are_named_and_the_cure_runs(program):
    program.is_explained()
