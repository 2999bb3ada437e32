"""Reference and mistakes of the exercise on a pipeline's schedule."""

import functools
from collections.abc import Callable

from grader.trusted.key import Key, mistake

Rows = list[list[str]]
When = Callable[[int, int], int]


def _rows(stages: int, micro: int, forward: When, backward: When | None) -> Rows:
    """Rows from the tick of every forward pass, and of every backward pass, (stage, micro-batch);
    what falls into one tick replaces what was there."""
    placed: dict[tuple[int, int], str] = {}
    for stage in range(stages):
        for m in range(micro):
            placed[stage, forward(stage, m)] = f"F{m}"
            if backward is not None:
                placed[stage, backward(stage, m)] = f"B{m}"
    length = 1 + max(tick for _, tick in placed)
    return [[placed.get((stage, tick), "") for tick in range(length)] for stage in range(stages)]


def _forward(stage: int, m: int) -> int:
    return stage + m


def _turn(stages: int, micro: int) -> int:
    """The first tick after the last forward pass."""
    return stages + micro - 1


def _in_full_rows(*wrongs: Callable[..., Rows]) -> tuple[Callable[..., Rows], ...]:
    """The same mistakes in rows that were made with the right length, idle ticks at their end."""

    def filled(wrong: Callable[..., Rows], stages: int, micro: int) -> Rows:
        rows = wrong(stages, micro)
        return [row + [""] * (2 * _turn(stages, micro) - len(row)) for row in rows]

    return tuple(
        mistake(f"{one.__name__}_in_full_rows", one.__doc__ or "", functools.partial(filled, one))
        for one in wrongs
    )


def _turned_at(turn: int, stages: int, micro: int) -> Rows:
    """Backward passes that begin in another tick; a forward pass in the same place stays."""
    rows = [[""] * (max(turn, _turn(stages, micro)) + _turn(stages, micro)) for _ in range(stages)]
    for stage in range(stages):
        for m in range(micro):
            rows[stage][turn + stages - 1 - stage + micro - 1 - m] = f"B{m}"
        for m in range(micro):
            rows[stage][stage + m] = f"F{m}"
    return rows


class MicroBatchPipelineKey(Key, task="micro_batch_pipeline"):
    def reference(stages: int, micro: int) -> Rows:
        done: dict[tuple[str, int, int], int] = {}
        free = [0] * stages
        forwards = [("F", s, m) for m in range(micro) for s in range(stages)]
        backwards = [("B", s, m) for m in reversed(range(micro)) for s in reversed(range(stages))]
        for kind, s, m in forwards + backwards:
            before = (kind, s - 1 if kind == "F" else s + 1, m)
            done[kind, s, m] = max(free[s], done.get(before, -1) + 1)
            free[s] = done[kind, s, m] + 1
        rows = [[""] * (max(done.values()) + 1) for _ in range(stages)]
        for (kind, s, m), tick in done.items():
            rows[s][tick] = f"{kind}{m}"
        return rows

    def one_micro_batch_at_a_time(stages, micro):
        """You let a micro-batch go through all stages before the next one starts: at any moment one
        stage works, and the others wait. Start the next micro-batch as soon as stage 0 is free."""
        turn = stages * micro
        return _rows(
            stages,
            micro,
            lambda s, m: m * stages + s,
            lambda s, m: turn + (micro - 1 - m) * stages + stages - 1 - s,
        )

    def forward_and_backward_at_once(stages, micro):
        """You let a micro-batch go forward and back before the next one starts: at any moment one
        stage works. Run all forward passes first, one behind the other through the stages."""
        return _rows(
            stages,
            micro,
            lambda s, m: 2 * stages * m + s,
            lambda s, m: 2 * stages * m + 2 * stages - 1 - s,
        )

    def backward_from_the_first_stage(stages, micro):
        """You let the backward passes begin at stage 0. Gradients come from the loss, which is at
        the last stage: that one begins."""
        turn = _turn(stages, micro)
        return _rows(stages, micro, _forward, lambda s, m: turn + s + micro - 1 - m)

    def backward_in_forward_order(stages, micro):
        """You let the backward passes go in the order of the forward passes, micro-batch 0 first.
        The last one goes first here: it is the one whose activations are the newest."""
        turn = _turn(stages, micro)
        return _rows(stages, micro, _forward, lambda s, m: turn + stages - 1 - s + m)

    def forward_half_repeated(stages, micro):
        """Your backward half goes like the forward half: stage 0 begins, with micro-batch 0. It is
        the forward half in a mirror: the last stage begins, with the last micro-batch."""
        turn = _turn(stages, micro)
        return _rows(stages, micro, _forward, lambda s, m: turn + s + m)

    def backward_all_at_once_in_forward_order(stages, micro):
        """You let all stages run one backward pass in one tick, micro-batch 0 first. A stage needs
        the gradient that the stage behind it computed, one tick earlier; and the last micro-batch
        goes first here."""
        turn = _turn(stages, micro)
        return _rows(stages, micro, _forward, lambda s, m: turn + m)

    def backward_all_at_once(stages, micro):
        """You let all stages run one backward pass in one tick. A stage needs the gradient that the
        stage behind it computed: each stage comes one tick after the next one."""
        turn = _turn(stages, micro)
        return _rows(stages, micro, _forward, lambda s, m: turn + micro - 1 - m)

    def one_idle_tick_at_the_turn(stages, micro):
        """You left a tick empty between the last forward pass and the first backward pass. The last
        stage turns round at once."""
        turn = _turn(stages, micro) + 1
        return _rows(stages, micro, _forward, lambda s, m: turn + stages - 1 - s + micro - 1 - m)

    def every_stage_turns_round_at_once(stages, micro):
        """You let every stage begin its backward passes right after its own forward passes. It has
        to wait for the gradient from the stage behind it."""
        return _rows(stages, micro, _forward, lambda s, m: s + micro + micro - 1 - m)

    def each_step_of_its_own_direction_only(stages, micro):
        """You planned the forward passes and no backward passes. The backward half is the forward
        half in a mirror."""
        return _rows(stages, micro, _forward, None)

    families = _in_full_rows(
        backward_all_at_once,
        backward_all_at_once_in_forward_order,
        every_stage_turns_round_at_once,
        each_step_of_its_own_direction_only,
    )

    def turn_by_the_stages_alone(stages, micro):
        """Your backward passes begin in tick 2 * stages - 1. They begin when the last stage has
        done its last forward pass, in tick stages + micro - 1: the micro-batches count, too."""
        return _turned_at(2 * stages - 1, stages, micro)

    def turn_by_the_micro_batches_alone(stages, micro):
        """Your backward passes begin in tick 2 * micro - 1. They begin when the last stage has done
        its last forward pass, in tick stages + micro - 1: the stages count, too."""
        return _turned_at(2 * micro - 1, stages, micro)

    def counted_from_one(stages, micro):
        """You counted micro-batches from 1. The first one is 0."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell and f"{cell[0]}{int(cell[1:]) + 1}" for cell in row] for row in right]

    def small_letters(stages, micro):
        """You wrote small letters. A forward pass is "F0", and a backward pass "B0"."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell.lower() for cell in row] for row in right]

    def ticks_in_rows(stages, micro):
        """You returned a row for each tick. Return one for each stage: list(zip(*rows)) turns one
        into the other."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [list(tick) for tick in zip(*right, strict=True)]

    def idle_ticks_left_out(stages, micro):
        """Your rows have no idle ticks: all stages work on one micro-batch in one tick. A stage
        needs what the stage before it computed. Stage s runs F0 in tick s; an idle tick is ""."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell for cell in row if cell] for row in right]

    def rows_end_early(stages, micro):
        """Your rows end with the last thing that a stage does. All rows have one length: an idle
        tick at the end is "" too."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [row[: 1 + max(i for i, cell in enumerate(row) if cell)] for row in right]

    def one_idle_tick_at_the_end(stages, micro):
        """Your rows go on for a tick in which no stage works. They end with the last tick in which
        one does."""
        return [[*row, ""] for row in MicroBatchPipelineKey.reference(stages, micro)]

    def one_row_for_all(stages, micro):
        """Your rows are one list: [row] * stages repeats it, and what is written into one stands in
        all. Make a list for each stage: [[""] * ticks for _ in range(stages)]."""
        return _in_one_row(stages, [(s, m) for s in range(stages) for m in range(micro)])

    def one_row_for_all_by_micro_batch(stages, micro):
        """Your rows are one list: [row] * stages repeats it, and what is written into one stands in
        all. Make a list for each stage: [[""] * ticks for _ in range(stages)]."""
        return _in_one_row(stages, [(s, m) for m in range(micro) for s in range(stages)])

    def idle_ticks_are_none(stages, micro):
        """Your idle ticks are None. Write "" for them."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell or None for cell in row] for row in right]

    def idle_ticks_are_dashes(stages, micro):
        """Your idle ticks are "-". Write "" for them."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell or "-" for cell in row] for row in right]

    def forward_all_at_once(stages, micro):
        """You let all stages run one forward pass in one tick. A stage needs what the stage before
        it computed: each stage comes one tick after it."""
        turn = _turn(stages, micro)
        rows = _rows(
            stages, micro, lambda s, m: m, lambda s, m: turn + stages - 1 - s + micro - 1 - m
        )
        return [row + [""] * (2 * turn - len(row)) for row in rows]

    def stages_upside_down(stages, micro):
        """Your rows stand upside down: the first one is what the last stage does."""
        return MicroBatchPipelineKey.reference(stages, micro)[::-1]

    def stages_and_micro_exchanged(stages, micro):
        """You exchanged the number of stages and the number of micro-batches."""
        return MicroBatchPipelineKey.reference(micro, stages)

    def letters_without_numbers(stages, micro):
        """You wrote "F" and "B" without the number of the micro-batch."""
        right = MicroBatchPipelineKey.reference(stages, micro)
        return [[cell[:1] for cell in row] for row in right]

    def one_forward_one_backward(stages, micro):
        """You let a stage run backward passes as soon as it can, in turn with its forward passes:
        that is another schedule, 1F1B. Here all forward passes come first."""
        return one_f_one_b(stages, micro)

    def one_forward_one_backward_without_a_limit(stages, micro):
        """You let a stage run backward passes as soon as it can, in turn with its forward passes.
        Here the last stage begins them when all its forward passes are done."""
        return one_f_one_b(stages, micro, limited=False)


def _in_one_row(stages: int, order: list[tuple[int, int]]) -> Rows:
    """The right ticks of all stages, written in that order into one list."""
    half = _turn(stages, 1 + max(m for _, m in order))
    row = [""] * (2 * half)
    for stage, m in order:
        row[stage + m] = f"F{m}"
        row[2 * half - 1 - stage - m] = f"B{m}"
    return [row] * stages


def one_f_one_b(stages: int, micro: int, limited: bool = True) -> Rows:
    """The schedule 1F1B: a stage has at most `stages - s` micro-batches in flight, if that is
    `limited`, and prefers a backward pass that is ready; micro-batch 0 goes back first."""
    done: dict[tuple[str, int, int], int] = {}
    rows: Rows = [[] for _ in range(stages)]
    tick = 0
    while len(done) < 2 * stages * micro:
        for s in range(stages):
            f = sum(("F", s, m) in done for m in range(micro))
            b = sum(("B", s, m) in done for m in range(micro))
            back = done.get(("B", s + 1, b), tick) if s + 1 < stages else -1
            ready_b = b < f and done.get(("F", s, b), tick) < tick and back < tick
            fed = done.get(("F", s - 1, f), tick) if s else -1
            ready_f = f < micro and fed < tick and (f - b < stages - s or not limited)
            kind, m = ("B", b) if ready_b else ("F", f) if ready_f else ("", 0)
            rows[s].append(f"{kind}{m}" if kind else "")
            if kind:
                done[kind, s, m] = tick
        tick += 1
    return rows
