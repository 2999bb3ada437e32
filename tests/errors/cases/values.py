"""Data and tensors: datasets, indices and masks, shapes, arrays, linear algebra."""

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset, TensorDataset, WeightedRandomSampler, random_split

TEN = TensorDataset(torch.zeros(10, 2))


class Halved(Dataset):
    """Its length is a quotient."""

    def __init__(self, entries, parts):
        self.entries, self.parts = entries, parts

    def __len__(self):
        quotient = self.entries / self.parts
        return int(quotient) if quotient.is_integer() else quotient

    def __getitem__(self, i):
        return torch.ones(2)


TRIPLES = TensorDataset(*[torch.zeros(10, 2)] * 3)
ROWS, FLAT = torch.zeros(3, 4), torch.zeros(3)
GAIN = nn.Parameter(torch.tensor(1.5))
ONE, TWO = torch.tensor([0, 1, 2]), torch.tensor([0, 1])


class Held(Dataset):
    """Samples in something that is asked by number."""

    def __init__(self, samples, count=2):
        self.samples, self.count = samples, count

    def __len__(self):
        return self.count

    def __getitem__(self, index):
        return self.samples[index]


class Opening(Held):
    def __getitem__(self, index):
        with open(self.samples[index]) as file:
            return file.read()


class Dividing(Held):
    def __getitem__(self, index):
        return self.samples[index] / index


class Endless(Dataset):
    def __getitem__(self, index):
        return torch.zeros(2)


class Mute(Dataset):
    def __len__(self):
        return 2


class Silent:
    def __getitem__(self, index):
        return self.samples[index]


def read(dataset, **settings):
    return list(DataLoader(dataset, **settings))


def rows(edit, *arguments, **more):
    return getattr(torch.zeros(3, 4), edit)(*arguments, **more)


def written(x, index, value):
    x[index] = value


def unpacked_batch():
    loader = DataLoader(TEN)
    total = 0.0
    for x, _y in loader:
        total += x.sum()
    return total


def taken_in_twos():
    for x, y in DataLoader(TRIPLES):
        print(x, y)


def unpacked_gradient():
    x = torch.ones(3, requires_grad=True)
    first, second = torch.autograd.grad(x.sum(), x)
    return first, second


def whole_gradient():
    x = torch.ones(3, requires_grad=True)
    (gradient,) = torch.autograd.grad(x.sum(), x)
    return gradient


def unpacked_shape():
    x = torch.zeros(2, 3)
    n, c, h, w = x.shape
    return n, c, h, w


def whole_shape():
    x = torch.zeros(2, 3, 4, 5)
    n, c, h, w = x.shape
    return n, c, h, w


def numbers(x, grad=True):
    return torch.tensor(x, dtype=torch.float32, requires_grad=grad)


DATASETS = [
    (
        "worker_sample",
        lambda: read(Dividing([1, 2]), num_workers=1),
        lambda: read(Held([1.0, 2.0]), num_workers=1),
    ),
    ("sample_key", lambda: read(Held({5: 1.0, 7: 2.0})), lambda: read(Held([1.0, 2.0]))),
    (
        "sample_key",
        lambda: read(Held({5: 1.0}), num_workers=1),
        lambda: read(Held([1.0, 2.0]), num_workers=1),
    ),
    ("sample_index", lambda: read(Held([1.0], 2)), lambda: read(Held([1.0], 1))),
    ("sample_index", lambda: read(Held(np.zeros(1), 2)), lambda: read(Held(np.zeros(2), 2))),
    (
        "sample_file",
        lambda: read(Opening(["a.png", "b.png"])),
        lambda: read(Opening([__file__] * 2)),
    ),
    (
        "sample_file",
        lambda: read(Opening(["a.png"] * 2), num_workers=1),
        lambda: read(Opening([__file__] * 2)),
    ),
    (
        "collate_keys",
        lambda: read([{"a": 1}, {"b": 1}], batch_size=2),
        lambda: read([{"a": 1}] * 2, batch_size=2),
    ),
    (
        "no_len_method",
        lambda: DataLoader(Endless(), shuffle=True),
        lambda: DataLoader(Held([1.0]), shuffle=True),
    ),
    ("no_getitem", lambda: read(Mute()), lambda: read(Held([1.0, 2.0]))),
    (
        "dataset_sizes",
        lambda: TensorDataset(torch.zeros(3), torch.zeros(4)),
        lambda: TensorDataset(torch.zeros(3), torch.zeros(3)),
    ),
    ("split_lengths", lambda: random_split(TEN, [5, 6]), lambda: random_split(TEN, [0.8, 0.2])),
    (
        "workers_wanted",
        lambda: DataLoader(TEN, prefetch_factor=2),
        lambda: DataLoader(TEN, prefetch_factor=2, num_workers=1),
    ),
    ("workers_wanted", lambda: DataLoader(TEN, persistent_workers=True), lambda: DataLoader(TEN)),
    (
        "loader_number",
        lambda: DataLoader(TEN, batch_size=10 / 5),
        lambda: DataLoader(TEN, batch_size=10 // 5),
    ),
    (
        "loader_number",
        lambda: WeightedRandomSampler([1.0], 2.5),
        lambda: WeightedRandomSampler([1.0], int(2.5)),
    ),
    (
        "loader_number",
        lambda: DataLoader(TEN, num_workers=-1),
        lambda: DataLoader(TEN, num_workers=0),
    ),
    ("loader_used", lambda: DataLoader(TEN)[0], lambda: DataLoader(TEN).dataset[0]),
    ("loader_used", lambda: next(DataLoader(TEN)), lambda: next(iter(DataLoader(TEN)))),
]
INDEXING = [
    (
        "dims_differ",
        lambda: rows("gather", 1, ONE),
        lambda: rows("gather", 1, ONE[:, None]).squeeze(1),
    ),
    (
        "dims_differ",
        lambda: rows("scatter_add_", 0, ONE, torch.ones(3, 4)),
        lambda: rows("index_add_", 0, ONE, torch.ones(3, 4)),
    ),
    (
        "dims_differ",
        lambda: torch.take_along_dim(ROWS, ONE, 1),
        lambda: torch.take_along_dim(ROWS, ONE[:, None], 1),
    ),
    (
        "index_larger",
        lambda: rows("gather", 1, torch.zeros(5, 1, dtype=int)),
        lambda: ROWS[torch.zeros(5, dtype=int)],
    ),
    (
        "index_larger",
        lambda: rows("scatter_add_", 0, torch.zeros(5, 4, dtype=int), torch.ones(3, 4)),
        lambda: rows("scatter_add_", 0, ONE[:, None].expand(3, 4), torch.ones(3, 4)),
    ),
    (
        "reduce_word",
        lambda: FLAT.scatter_reduce(0, ONE, FLAT, reduce="add"),
        lambda: FLAT.scatter_reduce(0, ONE, FLAT, reduce="sum"),
    ),
    (
        "index_vector",
        lambda: rows("index_add_", 0, TWO[None], torch.ones(2, 4)),
        lambda: rows("index_add_", 0, TWO[None].reshape(-1), torch.ones(2, 4)),
    ),
    (
        "index_vector",
        lambda: rows("index_select", 0, TWO[None]),
        lambda: rows("index_select", 0, TWO),
    ),
    (
        "index_count",
        lambda: rows("index_add_", 0, ONE, torch.ones(2, 4)),
        lambda: rows("index_add_", 0, TWO, torch.ones(2, 4)),
    ),
    (
        "index_count",
        lambda: rows("index_copy_", 0, TWO, torch.ones(3, 4)),
        lambda: rows("index_copy_", 0, ONE, torch.ones(3, 4)),
    ),
    (
        "index_rows",
        lambda: rows("index_add_", 0, TWO, torch.ones(2, 5)),
        lambda: rows("index_add_", 0, TWO, torch.ones(2, 4)),
    ),
    (
        "scalar_types",
        lambda: rows("index_add_", 0, TWO, torch.ones(2, 4).double()),
        lambda: rows("index_add_", 0, TWO, torch.ones(2, 4).double().to(ROWS.dtype)),
    ),
    ("many_indices", lambda: ROWS[0, 0, 0], lambda: ROWS[0, 0]),
    ("index_pairs", lambda: ROWS[TWO, ONE], lambda: ROWS[TWO[:, None], ONE]),
    (
        "index_written",
        lambda: written(torch.zeros(3, 4), TWO, torch.ones(3)),
        lambda: written(torch.zeros(3, 4), TWO, torch.ones(4)),
    ),
    ("dim_range", lambda: F.softmax(FLAT, dim=1), lambda: F.softmax(FLAT, dim=-1)),
    ("dim_range", lambda: torch.cat([FLAT, FLAT], dim=1), lambda: torch.stack([FLAT, FLAT])),
    ("dim_range", lambda: FLAT.flatten(1), lambda: FLAT.unsqueeze(0).flatten(1)),
    (
        "mask_dtype",
        lambda: FLAT.masked_scatter(ONE, FLAT),
        lambda: FLAT.masked_scatter(ONE.bool(), FLAT),
    ),
    ("mask_dtype", lambda: FLAT.masked_fill(ONE, 1.0), lambda: FLAT.masked_fill(ONE == 0, 1.0)),
    (
        "mask_dtype",
        lambda: torch.where(FLAT, FLAT, FLAT),
        lambda: torch.where(FLAT.bool(), FLAT, FLAT),
    ),
    (
        "value_overflow",
        lambda: FLAT.half().masked_fill(FLAT == 0, -1e9),
        lambda: FLAT.half().masked_fill(FLAT == 0, torch.finfo(torch.half).min),
    ),
    (
        "value_overflow",
        lambda: ONE.masked_fill(ONE == 0, float("-inf")),
        lambda: ONE.float().masked_fill(ONE == 0, float("-inf")),
    ),
    ("text_index", lambda: FLAT["a"], lambda: {"a": FLAT}["a"]),
    ("slice_kind", lambda: FLAT[: 3 / 2], lambda: FLAT[: 3 // 2]),
    ("bag_offsets", lambda: nn.EmbeddingBag(3, 2)(ONE), lambda: nn.EmbeddingBag(3, 2)(ONE[None])),
    (
        "bag_offsets",
        lambda: nn.EmbeddingBag(3, 2)(ONE[None], torch.tensor([0])),
        lambda: nn.EmbeddingBag(3, 2)(ONE, torch.tensor([0])),
    ),
    (
        "bag_offsets",
        lambda: nn.EmbeddingBag(3, 2)(ONE, torch.tensor([1])),
        lambda: nn.EmbeddingBag(3, 2)(ONE, torch.tensor([2, 1]).cumsum(0) - torch.tensor([2, 1])),
    ),
    (
        "bag_offsets",
        lambda: nn.EmbeddingBag(3, 2)(ONE, torch.tensor([0, 5])),
        lambda: nn.EmbeddingBag(3, 2)(ONE, torch.tensor([0, 2])),
    ),
    (
        "bag_weights",
        lambda: nn.EmbeddingBag(3, 2)(ONE, TWO, torch.ones(3)),
        lambda: nn.EmbeddingBag(3, 2, mode="sum")(ONE, TWO, torch.ones(3)),
    ),
    (
        "index_range",
        lambda: nn.EmbeddingBag(3, 2)(torch.tensor([[1, 9]])),
        lambda: nn.EmbeddingBag(10, 2)(torch.tensor([[1, 9]])),
    ),
    (
        "padding_row",
        lambda: nn.Embedding(3, 2, padding_idx=3),
        lambda: nn.Embedding(4, 2, padding_idx=3),
    ),
    (
        "below_zero",
        lambda: F.one_hot(torch.tensor([-1, 0])),
        lambda: F.one_hot(torch.tensor([1, 0])),
    ),
    (
        "below_zero",
        lambda: torch.bincount(ROWS.long()),
        lambda: torch.bincount(ROWS.long().flatten()),
    ),
    ("text_index", lambda: torch.tensor("a"), lambda: torch.tensor(float("1"))),
    (
        "no_classes",
        lambda: F.one_hot(torch.tensor([], dtype=int)),
        lambda: F.one_hot(torch.tensor([], dtype=int), num_classes=3),
    ),
]
JOINING = [
    ("list_wanted", lambda: torch.cat(FLAT, FLAT), lambda: torch.cat([FLAT, FLAT])),
    ("list_wanted", lambda: torch.stack(FLAT), lambda: torch.stack([FLAT])),
    ("list_of_numbers", lambda: torch.stack([1.0, 2.0]), lambda: torch.tensor([1.0, 2.0])),
    (
        "list_of_numbers",
        lambda: torch.cat([np.ones(2)] * 2),
        lambda: torch.from_numpy(np.stack([np.ones(2)] * 2)),
    ),
    ("two_unknown", lambda: ROWS.view(-1, -1), lambda: ROWS.reshape(len(ROWS), -1)),
    ("negative_size", lambda: ROWS.view(-2, 3), lambda: ROWS.view(-1, 3)),
    (
        "permute_all",
        lambda: torch.zeros(2, 3, 4).permute(1, 0),
        lambda: torch.zeros(2, 3, 4).transpose(1, 0),
    ),
    (
        "permute_all",
        lambda: torch.zeros(2, 3, 4).permute(1, 1, 0),
        lambda: torch.zeros(2, 3, 4).permute(1, 2, 0),
    ),
    ("t_matrix", lambda: torch.zeros(2, 3, 4).t(), lambda: torch.zeros(2, 3, 4).mT),
    (
        "expanded",
        lambda: torch.zeros(2, 3).expand(4, 3),
        lambda: torch.zeros(2, 3).unsqueeze(1).expand(-1, 4, -1),
    ),
    ("expanded", lambda: torch.zeros(2, 3).repeat(3), lambda: torch.zeros(2, 3).repeat(1, 3)),
    ("split_sum", lambda: torch.zeros(5).split([2, 2]), lambda: torch.zeros(5).split(2)),
    ("beyond_end", lambda: FLAT.narrow(0, 2, 5), lambda: FLAT[2:7]),
    ("beyond_end", lambda: FLAT.unfold(0, 5, 1), lambda: FLAT.unfold(0, 3, 1)),
    ("pad_count", lambda: F.pad(FLAT, (1, 1, 1, 1)), lambda: F.pad(FLAT, (1, 1))),
    (
        "pad_count",
        lambda: F.pad(torch.zeros(1, 1, 3, 3), (5,) * 4, mode="reflect"),
        lambda: F.pad(torch.zeros(1, 1, 3, 3), (2,) * 4, mode="reflect"),
    ),
    (
        "resize_dims",
        lambda: F.interpolate(torch.zeros(3, 8, 8), size=(4, 4)),
        lambda: F.interpolate(torch.zeros(3, 8, 8).unsqueeze(0), size=(4, 4)),
    ),
    (
        "resize_dims",
        lambda: F.interpolate(torch.zeros(1, 3, 8, 8), scale_factor=2, mode="linear"),
        lambda: F.interpolate(torch.zeros(1, 3, 8, 8), scale_factor=2, mode="bilinear"),
    ),
    (
        "einsum_letters",
        lambda: torch.einsum("ij,jk->ik", ROWS, ROWS),
        lambda: torch.einsum("ij,kj->ik", ROWS, ROWS),
    ),
    (
        "einsum_letters",
        lambda: torch.einsum("bij,jk->bik", ROWS, ROWS.T),
        lambda: torch.einsum("...ij,jk->...ik", ROWS, ROWS.T),
    ),
    ("dot_sizes", lambda: torch.dot(FLAT, torch.zeros(2)), lambda: torch.dot(FLAT, FLAT)),
    (
        "array_for_tensor",
        lambda: nn.Linear(3, 2)(np.zeros(3)),
        lambda: nn.Linear(3, 2)(torch.from_numpy(np.zeros(3)).float()),
    ),
    ("number_for_tensor", lambda: torch.exp(2.0), lambda: torch.exp(torch.tensor(2.0))),
    ("text_used", lambda: "image".float(), lambda: {"image": torch.ones(2)}["image"].float()),
    (
        "dict_used",
        lambda: {"logits": torch.ones(2, 3)}.argmax(1),
        lambda: {"logits": torch.ones(2, 3)}["logits"].argmax(1),
    ),
    (
        "dict_for_tensor",
        lambda: nn.Linear(3, 2)({"x": FLAT}),
        lambda: nn.Linear(3, 2)({"x": FLAT}["x"]),
    ),
    ("size_kind", lambda: ROWS.view(6 / 2, 4), lambda: ROWS.view(6 // 2, 4)),
    ("size_kind", lambda: torch.zeros(2.5), lambda: torch.zeros(int(2.5))),
    ("size_kind", lambda: torch.randint(5), lambda: torch.randint(5, (2,))),
    ("max_number", lambda: torch.max(FLAT, 0.0), lambda: FLAT.clamp(min=0.0)),
    ("clamp_ends", lambda: FLAT.clamp(), lambda: FLAT.clamp(min=0.0)),
    ("bool_minus", lambda: -(FLAT == 0), lambda: ~(FLAT == 0)),
    (
        "bool_minus",
        lambda: (FLAT == 0) - (FLAT == 0),
        lambda: (FLAT == 0).int() - (FLAT == 0).int(),
    ),
    ("not_for_dtype", lambda: F.softmax(ONE, 0), lambda: F.softmax(ONE.float(), 0)),
    ("for_integers", lambda: (FLAT + 1) & (FLAT + 2), lambda: (FLAT + 1 > 0) & (FLAT + 2 > 0)),
    ("for_integers", lambda: (FLAT == 0) | FLAT, lambda: (FLAT == 0) | FLAT.bool()),
    ("for_integers", lambda: torch.bincount(FLAT), lambda: torch.bincount(FLAT.long())),
]
ARRAYS = [
    (
        "ragged",
        lambda: torch.tensor([[1, 2], [1]]),
        lambda: pad_sequence([torch.tensor(one) for one in [[1, 2], [1]]], batch_first=True),
    ),
    (
        "texts",
        lambda: torch.tensor(["a", "b"]),
        lambda: torch.tensor([{"a": 0, "b": 1}[one] for one in "ab"]),
    ),
    ("no_dtype", lambda: torch.tensor([1.0, None]), lambda: torch.tensor([1.0, 0.0])),
    ("array_bfloat", lambda: FLAT.bfloat16().numpy(), lambda: FLAT.bfloat16().float().numpy()),
    (
        "array_first",
        lambda: np.ones(3) @ numbers([1, 2, 3]),
        lambda: torch.from_numpy(np.ones(3)).float() @ numbers([1, 2, 3]),
    ),
    (
        "array_first",
        lambda: np.ones(3) + numbers([1, 2, 3]),
        lambda: torch.from_numpy(np.ones(3)).float() + numbers([1, 2, 3]),
    ),
    (
        "array_method",
        lambda: np.zeros(2).unsqueeze(0),
        lambda: torch.from_numpy(np.zeros(2)).unsqueeze(0),
    ),
    ("tensor_method", lambda: FLAT.astype("float32"), lambda: FLAT.to(torch.float32)),
    (
        "array_loss",
        lambda: F.mse_loss(FLAT, np.zeros(3)),
        lambda: F.mse_loss(FLAT, torch.from_numpy(np.zeros(3)).float()),
    ),
    ("formatted", lambda: f"{FLAT:.3f}", lambda: f"{FLAT.mean().item():.3f}"),
    ("formatted", lambda: f"{GAIN:.3f}", lambda: f"{GAIN.item():.3f}"),
    ("formatted", lambda: round(FLAT.mean(), 3), lambda: round(FLAT.mean().item(), 3)),
    ("formatted", lambda: round(GAIN, 3), lambda: round(GAIN.item(), 3)),
    (
        "leaf_data",
        lambda: setattr(numbers([1.0]), "data", torch.tensor([1])),
        lambda: setattr(numbers([1.0]), "data", torch.tensor([1.0])),
    ),
    ("parameter_of", lambda: nn.Parameter([1.0]), lambda: nn.Parameter(torch.tensor([1.0]))),
    (
        "dtype_text",
        lambda: torch.zeros(2, dtype="float32"),
        lambda: torch.zeros(2, dtype=torch.float32),
    ),
    (
        "start_value",
        lambda: numbers([1.0]).sum().backward(2.0),
        lambda: (2 * numbers([1.0]).sum()).backward(),
    ),
    (
        "grad_inputs",
        lambda: torch.autograd.grad(numbers([1.0]).sum(), [1.0]),
        lambda: torch.autograd.grad((x := numbers([1.0])).sum(), [x]),
    ),
    (
        "one_gradient",
        unpacked_gradient,
        whole_gradient,
    ),
    ("batch_names", taken_in_twos, lambda: [x for x, _, _ in DataLoader(TRIPLES)]),
    (
        "length_kind",
        lambda: next(iter(DataLoader(Halved(10, 4)))),
        lambda: next(iter(DataLoader(Halved(10, 5)))),
    ),
    (
        "arrays_given",
        lambda: TensorDataset(np.zeros((3, 2)), np.zeros(3)),
        lambda: TensorDataset(torch.from_numpy(np.zeros((3, 2)))),
    ),
    ("one_gradient", unpacked_batch, lambda: [x for (x,) in DataLoader(TEN)]),
    ("shape_names", unpacked_shape, whole_shape),
]
LINEAR = [
    (
        "singular",
        lambda: torch.linalg.inv(torch.zeros(2, 2)),
        lambda: torch.linalg.inv(torch.zeros(2, 2) + 1e-6 * torch.eye(2)),
    ),
    (
        "singular",
        lambda: torch.linalg.solve(torch.zeros(2, 2), torch.ones(2)),
        lambda: torch.linalg.lstsq(torch.zeros(2, 2), torch.ones(2, 1)),
    ),
    (
        "not_definite",
        lambda: torch.linalg.cholesky(torch.zeros(2, 2)),
        lambda: torch.linalg.cholesky(torch.zeros(2, 2) + 1e-6 * torch.eye(2)),
    ),
    (
        "no_convergence",
        lambda: torch.linalg.svd(torch.full((2, 2), float("nan"))),
        lambda: torch.linalg.svd(torch.ones(2, 2)),
    ),
    (
        "no_convergence",
        lambda: torch.linalg.svd(torch.full((3, 3), float("inf"))),
        lambda: torch.linalg.svd(torch.ones(3, 3)),
    ),
    (
        "no_convergence",
        lambda: torch.linalg.eig(torch.full((2, 2), float("inf"))),
        lambda: torch.linalg.eig(torch.ones(2, 2)),
    ),
    ("square", lambda: torch.linalg.eigh(ROWS), lambda: torch.linalg.svd(ROWS)),
    ("square", lambda: torch.inverse(FLAT), lambda: torch.inverse(torch.eye(3))),
    ("square", lambda: torch.linalg.svd(torch.ones(3)), lambda: torch.linalg.svd(ROWS)),
    (
        "low_precision",
        lambda: torch.linalg.inv(torch.eye(2).half()),
        lambda: torch.linalg.inv(torch.eye(2).half().float()),
    ),
    ("memory_cpu", lambda: torch.empty(10**15), lambda: torch.empty(10)),
]
CASES = [*DATASETS, *INDEXING, *JOINING, *ARRAYS, *LINEAR]
