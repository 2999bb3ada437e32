"""The exercise on a rank's share of a set."""

from grader.engine.task import Case, Inputs, Rng, Task, case


class DistributedSampler(Task):
    """world processes, called ranks, train on one set of n samples. Return the list of the numbers
    that rank reads in an epoch, as ints. The order of all numbers is 0 to n - 1 or, if shuffle is
    True, torch.randperm(n) with a new generator whose seed is seed + epoch. Then the order is made
    longer by repeating it from its beginning, until its length is a multiple of world, and rank r
    takes the entries r, r + world, r + 2 * world and so on. torch's own random state stays as it
    was. n is at least 1."""

    id = "distributed_sampler"
    signatures = ("rank_indices(n, world, rank, shuffle, seed, epoch) -> list",)
    title, points, difficulty, minutes = "A rank's share of the set", 8, 3, 15
    prerequisites = ("split_indices", "worker_share")
    hints = (
        "Read section 11.8. Which of the six arguments may the order of all numbers depend on, if "
        "the ranks are to agree on it without a word?",
        "Three steps: the order, its length, the share. Try 11 samples and 3 ranks on paper, then "
        "2 samples and 5 ranks: once may not be enough to repeat the order.",
        "torch.Generator() makes a generator of its own, and manual_seed sets its seed. A slice "
        "with a step takes every world-th entry.",
    )
    CASES = (
        case("11 samples, 3 ranks", n=11, world=3, shuffle=True, visible=True),
        case("not shuffled", n=11, world=3, shuffle=False, visible=True),
        case("12 samples, 3 ranks", n=12, world=3, shuffle=True),
        case("2 samples, 7 ranks", n=2, world=7, shuffle=True),
        case("2 samples, 7 ranks, not shuffled", n=2, world=7, shuffle=False),
        case("one sample, 6 ranks", n=1, world=6, shuffle=True),
        case("one rank", n=7, world=1, shuffle=True),
        case("23 samples, 5 ranks", n=23, world=5, shuffle=True),
        case("19 samples, 4 ranks, not shuffled", n=19, world=4, shuffle=False),
        case("epoch 0 and seed 0", n=11, world=3, shuffle=True, start=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        seed, epoch = rng.integers(100, 200, 1).item(), rng.integers(3, 100, 1).item()
        if case.params.get("start"):
            seed = epoch = 0
        return {"seed": int(seed), "epoch": int(epoch)}

    def observe(self, rank_indices, n, world, shuffle, seed, epoch):
        return {
            f"rank {rank}, epoch {name}": rank_indices(n, world, rank, shuffle, seed, when)
            for name, when in (("e", epoch), ("e + 1", epoch + 1))
            for rank in range(world)
        }
