"""Questions on parallel training."""

from __future__ import annotations

import torch

from course.questions.entry import question
from course.quiz import Choice, Predict, choice, in_words, predict


@question(n0=(6, 8, 9), n1=(2, 3, 4), g0=(1, 2), g1=(4, 7))
def parallel_two_shards(n0: int = 8, n1: int = 4, g0: int = 1, g1: int = 4) -> Predict:
    n = n0 + n1

    def gradient_of_the_whole_mean():
        w = torch.tensor(1.0, requires_grad=True)
        slopes = torch.tensor([g0] * n0 + [g1] * n1)
        ((w * slopes).sum() / n).backward()
        return round(w.grad.item(), 3)

    total = n0 * g0 + n1 * g1
    return predict(
        f"One rank has {n0} samples, and the gradient of its mean loss is {g0}. The other has "
        f"{n1}, and its gradient is {g1}. What is the gradient of the mean loss over all {n} "
        "samples, to three decimals?",
        gradient_of_the_whole_mean,
        why=f"Every sample counts the same: {n0} · {g0} + {n1} · {g1} = {total}, over {n} samples "
        f"{round(total / n, 3):g}.",
        beliefs={
            f"{(g0 + g1) / 2:g}": "That is the mean of the two means. A sample on the smaller "
            "shard counts for more in it.",
            f"{g0 + g1}": "That is the sum of the two. Means do not add up.",
            f"{total}": "That is the gradient of the sum over all samples. Divide by their number.",
        },
    )


@question(world=(3, 4, 5), accum=(2, 3))
def parallel_batch(per_rank: int = 8, world: int = 4, accum: int = 2) -> Predict:
    def samples_in_one_step():
        seen = 0
        for _rank in range(world):
            for _micro_batch in range(accum):
                seen += per_rank
        return seen

    return predict(
        f"`batch_size={per_rank}` stands in the script. It runs on {world} ranks, and each of "
        f"them accumulates {accum} batches before a step. How many samples have a part in one "
        "step?",
        samples_in_one_step,
        why=f"{per_rank} · {world} · {accum} = {per_rank * world * accum}. What stands in the "
        "script is what one rank reads at a time.",
        beliefs={
            f"{per_rank}": "That is what one rank reads at a time. The gradients of all ranks are "
            "averaged before the step.",
            f"{per_rank * world}": f"Each rank reads {in_words(accum)} batches before the step.",
            f"{per_rank * accum}": f"That is one rank. There are {in_words(world)}.",
        },
    )


@question
def parallel_alone() -> Choice:
    def without_torchrun():
        import os

        import torch.distributed as dist

        names = ("RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
        before = {name: os.environ.pop(name, None) for name in names}
        try:
            dist.init_process_group("gloo")
        except ValueError as error:
            return "It raises." if "RANK expected" in str(error) else str(error)
        finally:
            os.environ.update({name: value for name, value in before.items() if value})
        dist.destroy_process_group()
        return "It runs, with one rank."

    return choice(
        'A script calls `torch.distributed.init_process_group("gloo")`. Somebody starts it by '
        "`python script.py`, without torchrun. What happens?",
        {
            "It runs, with one rank.": "A world of one is possible, but nobody has said that this "
            "is one.",
            "It raises.": "It looks for RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT in the "
            "environment, and nobody has set them.",
            "It starts a process for each core.": "It starts nothing. That is what a launcher "
            "does.",
        },
        run=without_torchrun,
    )


@question
def parallel_arguments() -> Choice:
    def what_the_script_gets():
        from torch.distributed.run import get_args_parser

        commands = (
            "torchrun train.py --nproc-per-node 2 --lr 0.1",
            "torchrun --nproc-per-node 2 train.py --lr 0.1",
            "torchrun train.py --lr 0.1",
        )
        for command in commands:
            read = get_args_parser().parse_args(command.split()[1:])
            if read.nproc_per_node == "2" and read.training_script_args == ["--lr", "0.1"]:
                return f"`{command}`"
        return "none of them"

    return choice(
        "Which command starts two ranks, and gives `--lr 0.1` to the script?",
        {
            "`torchrun --nproc-per-node 2 train.py --lr 0.1`": "What stands before the script is "
            "torchrun's, what stands behind it is the script's.",
            "`torchrun train.py --nproc-per-node 2 --lr 0.1`": "Everything behind the script is "
            "handed to the script, and torchrun starts one rank.",
            "`torchrun train.py --lr 0.1`": "Nobody has asked for two ranks.",
        },
        run=what_the_script_gets,
    )


@question
def parallel_when_it_raises() -> Choice:
    def where_the_error_comes():
        import torch.distributed as dist
        from torch.nn.parallel import DistributedDataParallel

        class Half(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.used, self.unused = torch.nn.Linear(3, 2), torch.nn.Linear(3, 2)

            def forward(self, x):
                return self.used(x)

        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        try:
            ddp, x = DistributedDataParallel(Half()), torch.ones(4, 3)
            at = "in the forward pass"
            loss = ddp(x).sum()
            at = "in the backward pass"
            loss.backward()
            at = "in the next forward pass"
            ddp(x)
        except RuntimeError:
            return at
        finally:
            dist.destroy_process_group()
        return "nowhere"

    return choice(
        "DDP wraps a model of which one layer is not used. Where does it raise?",
        {
            "in the forward pass": "The forward pass runs: DDP does not know yet which layers "
            "will get a gradient.",
            "in the backward pass": "The backward pass ends. What waits for the missing gradient "
            "is the exchange, and nobody waits for that here.",
            "in the next forward pass": "It finds that the exchange of the step before was never "
            "finished. So the line in the traceback is not where the mistake is.",
            "nowhere": "One step alone would go by without an error.",
        },
        run=where_the_error_comes,
    )


@question(world=(4, 5, 8))
def parallel_one_uses_it(world: int = 4, slope: int = 8) -> Predict:
    def average_over_all_ranks():
        gradients = [float(slope)] + [0.0] * (world - 1)
        return sum(gradients) / len(gradients)

    return predict(
        f"Of {world} ranks one uses a branch. Its own gradient there is {slope}. What is in "
        "`.grad` after the backward pass of a DDP that looks for unused parameters?",
        average_over_all_ranks,
        why=f"A rank that did not use it adds nothing, and counts: {slope} / {world} = "
        f"{slope / world:g}, on all ranks.",
        beliefs={
            f"{slope}": f"That divides by the one rank that used it. The samples of the other "
            f"{in_words(world - 1)} belong to the batch, too.",
            f"{slope * world}": "You multiplied by the number of ranks. The average divides by it.",
        },
    )


@question(world=(3, 4, 6), n=(12, 24, 36))
def parallel_ring_sends(world: int = 4, n: int = 12) -> Predict:
    def numbers_sent_by_one_rank():
        chunks = torch.zeros(n).tensor_split(world)
        sent = 0
        for _half in ("collect", "hand round"):
            for _step in range(world - 1):
                sent += len(chunks[0])
        return sent

    chunk = n // world
    return predict(
        f"{world} ranks sum up a tensor of {n} numbers in a ring. How many numbers does one rank "
        "send in all?",
        numbers_sent_by_one_rank,
        why=f"A chunk has {chunk} numbers, and each half has {world - 1} steps: 2 · {world - 1} · "
        f"{chunk} = {2 * (world - 1) * chunk}. With more ranks it comes closer to {2 * n}.",
        beliefs={
            f"{(world - 1) * n}": "That is every rank sending all it has to every other one. The "
            "ring sends a chunk in each step.",
            f"{(world - 1) * chunk}": "That is one half. The sums have to be handed round as well.",
            f"{n}": "That would be sending each number once. Collecting takes almost as much, and "
            "handing round too.",
        },
    )


@question(ranks=(3, 4))
def parallel_bias_twice(ranks: int = 2, bias: int = 3, total: int = 5) -> Predict:
    def every_rank_adds_it():
        x = torch.ones(1, 2 * ranks)
        w = torch.full((1, 2 * ranks), total / (2 * ranks))
        parts = zip(x.chunk(ranks, 1), w.chunk(ranks, 1), strict=True)
        out = sum(torch.nn.functional.linear(a, b, torch.tensor([float(bias)])) for a, b in parts)
        return round(out.item(), 3)

    return predict(
        f"A linear layer is cut by its input features over {ranks} ranks. x @ W.T is {total}, the "
        f"bias is {bias}. Each rank calls `linear(x_part, w_part, bias)`, and the results are "
        "added up. What comes out?",
        every_rank_adds_it,
        why=f"{total} + {ranks} · {bias} = {total + ranks * bias}: every rank has added the bias. "
        "Add it once, after the sum.",
        beliefs={
            f"{total + bias}": "That is what should come out.",
            f"{total}": "The bias is added, and more than once.",
        },
    )


@question(stages=(3, 4, 5), micro=(3, 6, 9))
def parallel_bubble(stages: int = 4, micro: int = 6) -> Predict:
    def idle_share():
        ticks = 2 * (micro + stages - 1)
        busy = 2 * micro
        return round(1 - busy / ticks, 3)

    return predict(
        f"A pipeline has {stages} stages, and the batch {micro} micro-batches. Forward and "
        "backward passes take one tick each. Which share of its time is a stage idle? (To three "
        "decimals.)",
        idle_share,
        why=f"A half takes {micro} + {stages} − 1 = {micro + stages - 1} ticks, and a stage works "
        f"in {micro} of them. Idle are {stages - 1} of {micro + stages - 1}, "
        f"{(stages - 1) / (micro + stages - 1):.3g}.",
        beliefs={
            f"{round(1 - 1 / stages, 3):g}": "That is without micro-batches: one stage works at a "
            "time.",
            f"{round((stages - 1) / micro, 3):g}": "That is idle time over working time. The share "
            "is of both together.",
        },
    )


@question(rows=(10, 20, 30), features=(5, 7), hidden=(9, 11), outputs=(2, 4))
def parallel_saved(rows: int = 24, features: int = 6, hidden: int = 8, outputs: int = 3) -> Predict:
    def numbers_kept():
        net = torch.nn.Sequential(
            torch.nn.Linear(features, hidden), torch.nn.ReLU(), torch.nn.Linear(hidden, outputs)
        )
        own = {p.untyped_storage().data_ptr() for p in net.parameters()}
        kept = {}

        def pack(saved):
            memory = saved.untyped_storage()
            if memory.data_ptr() not in own:
                kept[memory.data_ptr()] = memory.nbytes() // saved.element_size()
            return saved

        with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
            y = net(torch.ones(rows, features))
        del y
        return sum(kept.values())

    each = features + hidden
    return predict(
        f"A net goes from {features} features over {hidden} hidden ones with a ReLU to {outputs}. "
        f"It runs on {rows} rows. How many numbers does its graph keep, its parameters left out?",
        numbers_kept,
        why=f"For each row its {features} features, which the first layer saves, and {hidden} "
        f"results of the ReLU. {rows} · {each} = {rows * each}.",
        beliefs={
            f"{rows * (each + hidden + outputs)}": "You counted all results. The ReLU and the "
            "second layer save one tensor, and no linear layer saves its result.",
            f"{rows * (each + hidden)}": "The ReLU's result is saved twice, and lies in memory "
            "once.",
            f"{rows * hidden}": "The first layer keeps its input too: it needs it for the gradient "
            "of its weight.",
            f"{each}": "That is one row.",
        },
    )


@question(numbers=(47, 58, 71, 97), world=(3, 5, 6, 8))
def parallel_shard_size(numbers: int = 83, world: int = 4) -> Predict:
    def numbers_in_a_shard():
        flat = torch.zeros(numbers)
        return len(flat.split(-(-numbers // world))[0])

    size = -(-numbers // world)
    return predict(
        f"{numbers} numbers are cut into {world} shards of one size. How many does a shard hold?",
        numbers_in_a_shard,
        why=f"{numbers} / {world} rounded up is {size}, and {world} · {size} = {size * world}: the "
        f"last shard is filled up with zeros, in {size * world - numbers} of its places.",
        beliefs={
            f"{numbers // world}": f"Rounded down, {numbers % world} would be in no shard.",
            f"{numbers}": "That is a copy. Data parallel training keeps one on each rank.",
        },
    )


@question
def parallel_recap_module() -> Choice:
    def what_ddp_module_does():
        import torch.distributed as dist
        from torch.nn.parallel import DistributedDataParallel

        exchanged = []

        def note(state, bucket):  # called in the place of the exchange between ranks
            exchanged.append(bucket)
            done = torch.futures.Future()
            done.set_result(bucket.buffer())
            return done

        dist.init_process_group("gloo", store=dist.HashStore(), rank=0, world_size=1)
        try:
            ddp = DistributedDataParallel(torch.nn.Linear(3, 2))
            ddp.register_comm_hook(None, note)
            ddp.module(torch.ones(4, 3)).sum().backward()
            through_the_module = len(exchanged)
            ddp(torch.ones(4, 3)).sum().backward()
            assert len(exchanged) > through_the_module
        finally:
            dist.destroy_process_group()
        return "averaged" if through_the_module else "not averaged"

    return choice(
        "The loop calls `ddp.module(x)` and then `backward()`. What becomes of the gradients?",
        {
            "averaged": "That happens where the pass went through the wrapper, `ddp(x)`.",
            "not averaged": "Nothing prepared the exchange, so each rank keeps its own. No error "
            "is raised, and the ranks drift apart.",
            "doubled": "Nothing adds anything to them.",
        },
        run=what_ddp_module_does,
    )


@question(world=(4, 8))
def parallel_recap_states(world: int = 2, millions: int = 8) -> Predict:
    def millions_on_each_rank():
        kept = {"parameters": millions, "gradients": millions, "exp_avg": millions}
        kept["exp_avg_sq"] = millions
        return sum(kept.values()) / world

    return predict(
        f"A model of {millions} million parameters is trained by Adam on {world} ranks, with "
        "parameters, gradients and Adam's two averages all in shards. How many million numbers of "
        "these does a rank hold after a backward pass?",
        millions_on_each_rank,
        why=f"Four numbers for each parameter: 4 · {millions} = {4 * millions}, spread over "
        f"{world} ranks. Under plain DDP each rank would keep all {4 * millions}.",
        beliefs={
            f"{4 * millions}": "That is a rank under DDP, which keeps a copy of everything.",
            f"{millions / world:g}": "Those are the parameters alone. A gradient and two averages "
            "belong to each of them.",
        },
    )
