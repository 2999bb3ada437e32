"""Questions on datasets, loaders and their workers."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Order, Predict, order, predict


@question
def data_duck(first: int = 7, second: int = 3, third: int = 5) -> Predict:
    def batches_of_a_list():
        loader = torch.utils.data.DataLoader([first, second, third], batch_size=2)
        return [batch.tolist() for batch in loader]

    return predict(
        "A plain Python list stands in the place of the dataset. Which batches come out, as lists?",
        batches_of_a_list,
        why=f"A list has a length and answers `[i]`: that is all. {first} and {second} make a "
        f"batch, and {third} is left over and makes one by itself.",
        beliefs={
            f"[[{first}, {second}]]": "What is left over is kept, unless drop_last=True.",
            "[[0, 1], [2]]": "Those are the numbers of the samples. A batch holds the samples.",
            "TypeError": "No base class is asked for: whatever has a length and answers [i] will "
            "do.",
        },
    )


@question(batch=(3, 4, 5))
def data_drop_last(full: int = 6, batch: int = 8, left: int = 3) -> Predict:
    n = full * batch + left % batch

    def samples_of_an_epoch():
        loader = torch.utils.data.DataLoader(range(n), batch_size=batch, drop_last=True)
        return sum(len(numbers) for numbers in loader)

    return predict(
        f"A set of {n} samples is read in batches of {batch}, with `drop_last=True`. How many "
        "samples does an epoch read?",
        samples_of_an_epoch,
        why=f"{n} // {batch} = {n // batch} full batches, of {batch} samples each. What is left "
        "over is not read in this epoch. With shuffling, the next one may leave out others.",
        beliefs={
            f"{n}": "drop_last leaves out the samples that make no full batch.",
            f"{n // batch}": "That is the number of batches.",
            f"{n - batch}": "A last batch is left out only if it is not full. Then it has fewer "
            "samples than the others.",
        },
    )


@question
def data_used_up(epochs: int = 4, samples: int = 6) -> Predict:
    def steps_of_a_training():
        loader = torch.utils.data.DataLoader(range(samples), batch_size=2)
        numbered = enumerate(loader)
        steps = 0
        for _ in range(epochs):
            for _, _ in numbered:
                steps += 1
        return steps

    count = -(-samples // 2)
    return predict(
        f"A training of {epochs} epochs goes over `numbered`, which is made before the loops. How "
        "many steps does it do?",
        steps_of_a_training,
        why=f"`enumerate` gives an iterator, which is used up after its {count} batches. All later "
        "epochs are empty, without an error. `for i, batch in enumerate(loader)` makes a new one "
        "in each epoch.",
        beliefs={
            f"{count * epochs}": "So it would be over the loader itself. `enumerate` makes an "
            "iterator of it, which can be read once.",
            f"{epochs}": "The first epoch goes over all batches, and the others over none.",
            "0": "The first epoch is a full one.",
        },
    )


@question
def data_copies(workers: int = 4) -> Predict:
    def numbers_of_copies():
        import copy

        class Data:
            def __init__(self):
                self.generator = torch.Generator().manual_seed(0)

            def noise(self):
                return torch.rand((), generator=self.generator).item()

        data = Data()
        copies = [copy.deepcopy(data) for worker in range(workers)]
        return len({one.noise() for one in copies})

    return predict(
        f"A worker has a copy of the dataset. Here {workers} copies are made of one that has a "
        "generator of its own, and each draws a number. How many different numbers are drawn?",
        numbers_of_copies,
        why="A copy of a generator begins in the state of the original. All of them draw the same. "
        "The loader seeds torch, random and NumPy in a worker, and knows nothing of this "
        "generator: draw from torch's state, or seed it in worker_init_fn.",
        beliefs={
            f"{workers}": "So it is with torch's own state, which the loader seeds in each worker. "
            "A generator of the dataset's own is copied as it is.",
        },
    )


@question(epochs=(3, 4, 5, 6))
def data_set_epoch(epochs: int = 5, n: int = 9) -> Predict:
    n = n + 20  # so that no two orders are equal by chance

    def different_orders():
        from torch.utils.data import DistributedSampler

        sampler = DistributedSampler(range(n), num_replicas=2, rank=0, shuffle=True)
        return len({tuple(sampler) for epoch in range(epochs)})

    return predict(
        f"`shuffle=True`, and {epochs} epochs. In how many different orders does rank 0 read its "
        "share?",
        different_orders,
        why="The order is drawn from seed + epoch, and the sampler's epoch stays 0 until somebody "
        "calls `sampler.set_epoch(epoch)`. Ranks that counted by themselves could get out of step.",
        beliefs={
            f"{epochs}": "So it would be with `sampler.set_epoch(epoch)` in the loop. The sampler "
            "does not count by itself.",
        },
    )


@question
def data_recap_order() -> Order:
    return order(
        "Put the lines in an order that trains on one part of the set and keeps the other for "
        "validation. More than one order works.",
        {
            "seed": "g = torch.Generator().manual_seed(0)",
            "split": "training, validation = torch.utils.data.random_split(range(10), [8, 2], g)",
            "loader": "loader = torch.utils.data.DataLoader(training, batch_size=4)",
            "read": "read = torch.cat([batch for batch in loader])",
            "check": "overlap = set(read.tolist()) & set(validation)",
        },
        {
            ("seed", "split"): "The split draws from a generator that is not there yet.",
            ("split", "loader"): "There is no part to load yet.",
            ("loader", "read"): "There is no loader to read.",
            ("read", "check"): "Nothing has been read yet.",
        },
        gives="len(overlap)",
    )
