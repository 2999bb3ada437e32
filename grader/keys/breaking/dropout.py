"""Reference and mistakes of the exercise on the random numbers of a checkpoint."""

from __future__ import annotations

import contextlib
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from grader.trusted.key import Key, mistake, raises, replaces

Kept = tuple[Tensor, Any]


@contextlib.contextmanager
def _generator_at(state: Tensor) -> Iterator[None]:
    """With torch's generator in a given state, and put back afterwards."""
    before = torch.get_rng_state()
    torch.set_rng_state(state)
    try:
        yield
    finally:
        torch.set_rng_state(before)


def _run(block: nn.Module, x: Tensor) -> Tensor:
    with torch.no_grad():
        return block(x)


_SHARED = torch.get_rng_state()
"""The one state of a mistake that keeps no more than one."""


def _by_a_seed() -> Iterator[Callable[..., Kept]]:
    """A seed is set, or drawn and set, in the place of the state."""
    seeds = {"": 0, "_42": 42, "_1": 1, "_1234": 1234, "_of_the_start": None}
    for name, seed in seeds.items():

        def seeded(block: nn.Module, x: Tensor, seed: int | None = seed) -> Kept:
            torch.manual_seed(torch.initial_seed() if seed is None else seed)
            return KeepsDropoutKey.keep(block, x)

        yield mistake(
            f"seeded{name}",
            "You set a seed. Both runs drop the same entries, but other ones than block(x) would, "
            "and the caller's random numbers are changed. Take the state of the generator as it "
            "is.",
            seeded,
        )
    for name, end in {"31_bits": 2**31, "32_bits": 2**32, "63_bits": 2**63 - 1}.items():

        def drawn(block: nn.Module, x: Tensor, end: int = end) -> Kept:
            seed = int(torch.randint(end, ()))
            with torch.random.fork_rng(devices=[]):
                torch.manual_seed(seed)
                return KeepsDropoutKey.keep(block, x)

        yield mistake(
            f"drawn_seed_of_{name}",
            "keep draws a seed and sets it. Both runs drop the same entries, but other ones than "
            "block(x) would, and the caller's random numbers are others. Take the state of the "
            "generator, which draws nothing.",
            drawn,
        )

        def set_for_good(block: nn.Module, x: Tensor, end: int = end) -> Kept:
            torch.manual_seed(int(torch.randint(end, ())))
            return KeepsDropoutKey.keep(block, x)

        yield mistake(
            f"drawn_seed_of_{name}_set_for_good",
            "keep draws a seed, sets it, and never puts the generator back. Both runs drop the "
            "same entries, but other ones than block(x) would, and what the caller draws next "
            "follows from that seed. Take the state of the generator, which draws nothing.",
            set_for_good,
        )


class KeepsDropoutKey(Key, task="keeps_dropout"):
    families = tuple(_by_a_seed())

    def keep(block: nn.Module, x: Tensor) -> Kept:
        state = torch.get_rng_state()
        state.__dict__["of"] = weakref.ref(x)  # for mistakes that use this x again
        return _run(block, x), state

    def again(block: nn.Module, x: Tensor, state: Any) -> Tensor:
        with _generator_at(state):
            return block(x)

    def recorded(block, x):
        """keep ran block with recording: its result has a graph, which keeps in memory all that a
        checkpoint is to do without. Run block under torch.no_grad()."""
        state = torch.get_rng_state()
        return block(x), state

    def inference_tensor(block, x):
        """keep ran block in inference mode. What comes after it in the net cannot save such a
        result for its backward pass, and refuses: no_grad is enough."""
        state = torch.get_rng_state()
        with torch.inference_mode():
            return block(x), state

    def detached_afterwards(block, x):
        """keep ran block with recording and detached the result: a graph was made that nobody
        needs. Run block under torch.no_grad()."""
        state = torch.get_rng_state()
        return block(x).detach(), state

    def state_after_the_run(block, x):
        """You looked at the generator after block had drawn: the second run drops other entries.
        Take its state before block runs."""
        return _run(block, x), torch.get_rng_state()

    def state_on_the_block(block, x):
        """You keep one state for each block, on it or in a dict, and the next call of keep with
        that block replaces it: again drops the entries of the last run for each input. Return the
        state: every call of keep has its own."""
        state = block.__dict__.setdefault("_kept_state", torch.get_rng_state())
        state.copy_(torch.get_rng_state())
        return _run(block, x), state

    def one_state_for_all(block, x):
        """You keep the state in one place for all blocks, where the next call of keep replaces it.
        Return the state: every call of keep has its own."""
        _SHARED.copy_(torch.get_rng_state())
        return _run(block, x), _SHARED

    def first_seed(block, x):
        """You took the seed with which the generator began. Where it stands now depends also on
        what has been drawn since: the two runs drop different entries. Take its state,
        torch.get_rng_state()."""
        started = torch.Generator().manual_seed(torch.initial_seed()).get_state()
        return _run(block, x), started

    def fresh_seed(block, x):
        """keep drew a number of its own before block ran, a seed perhaps: block drops other entries
        than block(x) would. Take the state of the generator, which draws nothing."""
        torch.rand(1)
        return KeepsDropoutKey.keep(block, x)

    def put_back_by_keep(block, x):
        """keep put the generator back after block had drawn: what the caller draws next is what
        block has drawn already. keep moves the generator as block(x) does; only again puts it
        back."""
        with torch.random.fork_rng(devices=[]):
            return KeepsDropoutKey.keep(block, x)

    def run_twice_by_keep(block, x):
        """keep ran block twice: that costs as much again, and moves the random numbers of whatever
        comes after."""
        _run(block, x)
        return KeepsDropoutKey.keep(block, x)

    def run_twice_by_keep_and_put_back(block, x):
        """keep ran block twice, and put the generator back in between: that costs as much again.
        Run it once, and take the state of the generator before."""
        state = torch.get_rng_state()
        _run(block, x)
        torch.set_rng_state(state)
        return _run(block, x), state

    def in_eval_mode(block, x):
        """You put block into eval mode, where nothing is dropped, and left it there. Run it in the
        mode that it is in."""
        return KeepsDropoutKey.keep(block.eval(), x)

    def grads_emptied(block, x):
        """You emptied .grad of block's parameters. What lies there belongs to the caller: leave
        it."""
        block.zero_grad()
        return KeepsDropoutKey.keep(block, x)

    @replaces("again")
    def other_entries(block, x):
        """again runs block with whatever random numbers come next: other entries are dropped than
        the first time, and the caller's numbers move. Set the generator to the state first, and put
        it back afterwards."""
        return block(x)

    @replaces("again")
    def other_entries_but_put_back(block, x):
        """again puts the generator back and does not set it before: other entries are dropped than
        the first time. torch.random.fork_rng() puts back; torch.set_rng_state(state) inside it is
        missing."""
        with torch.random.fork_rng(devices=[]):
            return block(x)

    @replaces("again")
    def not_put_back(block, x, state):
        """again sets the generator to the state and leaves it where block's draws end: what the
        caller draws next has been drawn before. Put it back, or set it inside
        torch.random.fork_rng()."""
        torch.set_rng_state(state)
        return block(x)

    @replaces("again")
    def put_back_to_the_start(block, x, state):
        """again leaves the generator in the state that it was handed, and not in the one that it
        found: the caller draws again what block has drawn. Look at the generator before you set
        it."""
        with _generator_at(state):
            y = block(x)
        torch.set_rng_state(state)
        return y

    @replaces("again")
    @raises("pop from|pop from an empty|KeyError|StopIteration")
    def state_used_up(block, x, state):
        """again takes the state out of what keep returned, and finds none the second time. It may
        be called several times: read the state, and leave it where it is."""
        if getattr(state, "is_used_up", False):
            raise IndexError("pop from empty list")
        state.is_used_up = True
        return KeepsDropoutKey.again(block, x, state)

    @replaces("again")
    def not_put_back_after_an_error(block, x, state):
        """When block raises, again leaves the generator where it is: the line that puts it back
        does not run. Put it into finally, or use torch.random.fork_rng()."""
        before = torch.get_rng_state()
        torch.set_rng_state(state)
        y = block(x)
        torch.set_rng_state(before)
        return y

    @replaces("again")
    def error_swallowed(block, x, state):
        """block raised, and again ended as if all were well. Put the generator back and let the
        error pass: no except, and no return inside finally."""
        with contextlib.suppress(ValueError):
            return KeepsDropoutKey.again(block, x, state)

    @replaces("again")
    def not_recorded(block, x, state):
        """No gradient reaches x or block's parameters: again runs block without recording, or
        detaches its result. no_grad belongs into keep alone: return what block returns."""
        with torch.no_grad():
            return KeepsDropoutKey.again(block, x, state)

    @replaces("again")
    def hooks_left_out(block, x, state):
        """again calls block.forward, and hooks that stand on block do not run. Call block itself:
        block(x)."""
        with _generator_at(state):
            return block.forward(x)

    def hooks_left_out_by_keep(block, x):
        """keep calls block.forward, and hooks that stand on block do not run. Call block itself:
        block(x)."""
        state = torch.get_rng_state()
        with torch.no_grad():
            return block.forward(x), state

    @replaces("again")
    def x_detached(block, x, state):
        """again detached x: block's parameters get gradients, and x gets none. Hand x over as it
        is."""
        return KeepsDropoutKey.again(block, x.detach(), state)

    @replaces("again")
    def x_of_keep(block, x, state):
        """again computes with the x that keep was given, and gradients go to that one. By then x
        may be another tensor with the same values, as x.detach().requires_grad_() is: hand block
        the x that again is given."""
        return KeepsDropoutKey.again(block, state.of(), state)

    @replaces("again")
    def run_twice_in_a_row_by_again(block, x, state):
        """again ran block twice in a row, and returned what the second run gave: other entries are
        dropped in that. Run it once."""
        with _generator_at(state):
            block(x)
            return block(x)

    @replaces("again")
    def in_eval_mode_again(block, x, state):
        """again put block into eval mode, where nothing is dropped. Run it in the mode that it is
        in."""
        return KeepsDropoutKey.again(block.eval(), x, state)

    @replaces("again")
    def run_twice_by_again(block, x, state):
        """again ran block twice. Once is enough, and costs half."""
        KeepsDropoutKey.again(block, x, state)
        return KeepsDropoutKey.again(block, x, state)

    def run_twice_with_the_first_state(block, x):
        """keep ran block twice, and the state is that of the first run. Run it once: a second run
        draws other entries, moves the generator on, and costs as much again."""
        state = torch.get_rng_state()
        _run(block, x)
        return _run(block, x), state

    @replaces("again")
    def checkpointed_again(block, x, state):
        """again hands block to torch.utils.checkpoint, which saves x alone and runs block once
        more in the backward pass. again is that second run: call block itself."""
        with _generator_at(state):
            return checkpoint(block, x, use_reentrant=False)

    @replaces("again")
    def grads_emptied_again(block, x, state):
        """again emptied .grad of block's parameters. What lies there belongs to the caller: a
        backward pass adds to it."""
        block.zero_grad()
        return KeepsDropoutKey.again(block, x, state)

    def result_in_the_state(block, x):
        """Your state holds the result of block as well. again computes that anew, and until then
        its memory is in use: the state of the generator is enough."""
        y, state = KeepsDropoutKey.keep(block, x)
        state.result = y
        return y, state

    def result_alone(block, x):
        """keep returned the result alone. Return the pair (y, state)."""
        return _run(block, x)
