"""Other right answers to the exercises of chapter 11."""

import itertools
import math

import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils import data
from torch.utils.data.distributed import DistributedSampler


class PairsOfTorch(data.Dataset):  # type: ignore[type-arg]
    def __init__(self, X, y, transform):
        self.X, self.y = X.clone(), y.clone()
        self.transform = transform if transform is not None else torch.Tensor.clone

    def __len__(self):
        return self.X.shape[0]

    def __getitem__(self, i):
        return self.transform(self.X.select(0, i).clone()), self.y.select(0, i)


class PairsInLists:
    def __init__(self, X, y, transform):
        self.pairs = list(zip(X, y, strict=True))
        self.transform = transform

    def __len__(self):
        return len(self.pairs)

    def __getitem__(self, i):
        row, label = self.pairs[i]
        if self.transform is not None:
            row = self.transform(row.clone())
        return row, label


def stats_of_the_whole(batches):
    x = torch.cat(tuple(batches)).double().div(255).movedim(1, 0).flatten(1)
    return x.mean(1).tolist(), x.std(1, correction=0).tolist()


def stats_of_exact_sums(batches):
    count, total, squares = 0, 0, 0
    for x in batches:
        x = x.long()
        count += x.numel() // x.shape[1]
        total = total + x.sum((0, 2, 3))
        squares = squares + (x * x).sum((0, 2, 3))
    var = (count * squares - total**2).double() / count**2
    return (total.double() / count / 255).tolist(), (var.sqrt() / 255).tolist()


def steps_by_rounding(n, b, drop_last):
    return n // b if drop_last else (n + b - 1) // b


def steps_by_counting(n, b, drop_last):
    return len(range(0, n - b + 1 if drop_last else n, b))


class BatchesOfTorch(data.Sampler):  # type: ignore[type-arg]
    def __init__(self, n, size, drop_last, generator):
        self.numbers, self.size, self.drop_last = range(n), size, drop_last
        self.generator = generator

    def __iter__(self):
        order = torch.randperm(len(self.numbers), generator=self.generator).tolist()
        yield from data.BatchSampler(order, self.size, self.drop_last)

    def __len__(self):
        return len(data.BatchSampler(self.numbers, self.size, self.drop_last))


class BatchesBySplit:
    def __init__(self, n, size, drop_last, generator):
        self.n, self.size, self.drop_last, self.generator = n, size, drop_last, generator

    def __iter__(self):
        parts = torch.randperm(self.n, generator=self.generator).split(self.size)
        return iter([p.tolist() for p in parts if len(p) == self.size or not self.drop_last])

    def __len__(self):
        return self.n // self.size if self.drop_last else math.ceil(self.n / self.size)


def parts_by_slices(n, fracs, generator):
    order = torch.randperm(n, generator=generator)
    sizes = [int(n * frac) for frac in fracs]
    for k in range(n - sum(sizes)):
        sizes[k] += 1
    parts, start = [], 0
    for size in sizes:
        parts.append(order[start : start + size])
        start += size
    return parts


def parts_by_torch(n, fracs, generator):
    floors = [math.floor(n * frac) for frac in fracs]
    sizes = [size + (k < n - sum(floors)) for k, size in enumerate(floors)]
    parts = data.random_split(range(n), sizes, generator=generator)
    return [torch.tensor(part.indices, dtype=torch.int64) for part in parts]


def parts_by_sorting(n, fracs, generator):
    order = torch.rand(n, generator=generator, dtype=torch.float64).argsort()
    sizes = [math.floor(n * frac) for frac in fracs]
    rest = n - sum(sizes)
    return list(order.split([size + (k < rest) for k, size in enumerate(sizes)]))


def pad_by_torch(samples):
    batch = pad_sequence(samples, batch_first=True)
    mask = pad_sequence([s.new_ones(len(s), dtype=torch.bool) for s in samples], batch_first=True)
    return batch, mask


def pad_by_stacking(samples):
    longest = max(map(len, samples))
    rows = [torch.cat([s, s.new_zeros(longest - len(s), s.shape[1])]) for s in samples]
    lengths = torch.tensor([len(s) for s in samples], device=samples[0].device)
    return torch.stack(rows), torch.arange(longest, device=lengths.device) < lengths.unsqueeze(1)


def share_by_enumerate(stream, worker, workers):
    for i, item in enumerate(stream):
        if i % workers == worker:
            yield item


def share_by_cycle(stream, worker, workers):
    turns = itertools.cycle(range(workers))
    return (item for item, turn in zip(stream, turns, strict=False) if turn == worker)


def share_by_next(stream, worker, workers):
    reader, turn = iter(stream), 0
    for item in reader:
        if turn == worker:
            yield item
        turn = (turn + 1) % workers


def indices_by_torch(n, world, rank, shuffle, seed, epoch):
    sampler = DistributedSampler(range(n), world, rank, shuffle=shuffle, seed=seed)
    sampler.set_epoch(epoch)
    return list(sampler)


def indices_by_remainders(n, world, rank, shuffle, seed, epoch):
    order = torch.arange(n)
    if shuffle:
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed + epoch))
    each = math.ceil(n / world)
    return [int(order[(rank + k * world) % n]) for k in range(each)]


def indices_by_repeating(n, world, rank, shuffle, seed, epoch):
    generator = torch.Generator()
    generator.manual_seed(seed + epoch)
    order = torch.randperm(n, generator=generator).tolist() if shuffle else list(range(n))
    rounds = -(-n // world)
    longer = (order * world)[: rounds * world]
    return longer[rank::world]


ANSWERS = {
    "dataset_class": [(PairsOfTorch,), (PairsInLists,)],
    "normalise_images": [(stats_of_the_whole,), (stats_of_exact_sums,)],
    "steps_per_epoch": [(steps_by_rounding,), (steps_by_counting,)],
    "batch_sampler": [(BatchesOfTorch,), (BatchesBySplit,)],
    "split_indices": [(parts_by_slices,), (parts_by_torch,), (parts_by_sorting,)],
    "collate_pad": [(pad_by_torch,), (pad_by_stacking,)],
    "worker_share": [(share_by_enumerate,), (share_by_cycle,), (share_by_next,)],
    "distributed_sampler": [
        (indices_by_torch,),
        (indices_by_remainders,),
        (indices_by_repeating,),
    ],
}
