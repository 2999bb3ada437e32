"""What goes wrong around one run of a model under hooks, whatever the hooks collect."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

from torch import Tensor, nn

from grader.trusted.key import mistake

Answer = Callable[..., Any]


def around_a_run(reference: Answer, empty: Answer, *, once: bool = False) -> Iterator[Answer]:
    """Mistakes of an answer whose first argument is a model that it runs one time.

    The model depends on the mode in a case. `reference` is the right answer, and `empty` what it
    would return had no hook been called. `once`: the exercise counts the runs.
    """
    yield mistake(
        "left_in_eval_mode",
        "You put the model into eval mode and left it there. Run it in the mode that it is in.",
        _after(_eval, reference),
    )
    yield mistake(
        "left_in_train_mode",
        "You called train(), and a part of the model that was in eval mode is in train mode now. "
        "Run the model in the mode that it is in.",
        _after(_train, reference),
    )
    yield from runs_in_eval_mode(reference)
    yield mistake(
        "grads_lost",
        "You emptied .grad of the model's parameters, as zero_grad() does: what lay there is lost. "
        "It belongs to whoever is training the model: leave it there.",
        _after(_zero_grad, reference),
    )
    yield mistake(
        "unfrozen",
        "You made every parameter of the model require grad, and one of them was frozen. Leave the "
        "flags of the parameters as they are.",
        _after(_unfreeze, reference),
    )
    yield mistake(
        "hook_of_others_removed",
        "You removed a hook that was there before you came. Remove your own hooks, each by its "
        "handle, and clear no dict of hooks.",
        _after(_clear_hooks, reference),
    )
    yield mistake(
        "no_run",
        "No hook of yours was called, and the model did not run. Register the hooks, then call "
        "model(x).",
        empty,
    )
    if once:
        yield mistake(
            "ran_before_the_hooks",
            "No hook of yours was called: the model ran before they were registered, or not by "
            "model(x). Register the hooks first, then call model(x).",
            _after(_run, empty),
        )
        yield mistake(
            "did_not_run_itself",
            "The model that you were given did not run: you ran a copy of it, or its parts by "
            "hand. Register the hooks on this very model, and call model(x).",
            lambda model, *given: reference(deepcopy(model), *given),
        )
        yield mistake(
            "ran_a_copy_in_eval_mode",
            "The model that you were given did not run: you ran a copy of it, in eval mode. Layers "
            "such as Dropout and BatchNorm return something else there than in training. Register "
            "the hooks on this very model, and call it in the mode that it is in.",
            lambda model, *given: reference(deepcopy(model).eval(), *given),
        )
        yield mistake(
            "ran_twice",
            "The model ran twice. Run it once: a second run costs as much again, and moves running "
            "statistics and random numbers.",
            _after(_run, reference),
        )


def runs_in_eval_mode(reference: Answer) -> Iterator[Answer]:
    """Mistakes of an answer that runs its first argument, a model, in eval mode."""
    yield mistake(
        "run_in_eval_mode",
        "You ran the model in eval mode. Layers such as Dropout and BatchNorm return something "
        "else there than in training: run it in the mode that it is in.",
        _in_eval_mode(reference),
    )
    yield mistake(
        "run_in_eval_mode_and_one_mode_put_back",
        "You ran the model in eval mode, and then put one mode into all its parts, that of the "
        "model. Layers such as Dropout and BatchNorm return something else in eval mode, and parts "
        "may have modes of their own: run the model in the mode that it is in, and change none.",
        _in_eval_mode(reference, one_mode_put_back=True),
    )


def hooks_stay_if_it_raises(reference: Answer) -> Answer:
    """The mistake of an answer whose hooks stay on its first argument if that raises."""
    return mistake(
        "hooks_stay_if_it_raises",
        "Your hooks are still on the model after a run that was broken off, by an error or by the "
        "stop button: the lines that remove them did not run, and `except Exception` does not see "
        "the stop button. Put the run into try, and the removal into finally.",
        _hooks_left_on_an_error(reference),
    )


def exception_swallowed(reference: Answer) -> Answer:
    """The mistake of an answer that ends as if all were well where its model raised."""
    return mistake(
        "exception_swallowed",
        "The model raised, and your function ended as if all were well. Remove the hooks and let "
        "the exception pass: no except, and no return inside finally.",
        _swallowing(reference),
    )


def exception_swallowed_but_interrupts(reference: Answer) -> Answer:
    """The same mistake made by `except Exception`, with the removal of the hooks behind it."""
    return mistake(
        "exception_swallowed_but_interrupts",
        "The model raised, and your function ended as if all were well: let the exception pass. "
        "And its hooks stayed on the model when the run was interrupted, for an interrupt is no "
        "Exception: remove them in finally.",
        _swallowing_but_interrupts(reference),
    )


def _after(prepare: Callable[..., Any], answer: Answer) -> Answer:
    def wrong(*given: Any) -> Any:
        prepare(*given)
        return answer(*given)

    return wrong


def _hooks_left_on_an_error(reference: Answer) -> Answer:
    def wrong(*given: Any) -> Any:
        try:
            return reference(*given)
        except Exception:
            given[0].register_forward_hook(lambda module, args, output: None)
            raise

    return wrong


def _swallowing(reference: Answer) -> Answer:
    def wrong(*given: Any) -> Any:
        with contextlib.suppress(RuntimeError):
            return reference(*given)

    return wrong


def _swallowing_but_interrupts(reference: Answer) -> Answer:
    def wrong(*given: Any) -> Any:
        try:
            return reference(*given)
        except Exception:
            return None
        except BaseException:
            given[0].register_forward_hook(lambda module, args, output: None)
            raise

    return wrong


def _in_eval_mode(reference: Answer, *, one_mode_put_back: bool = False) -> Answer:
    def wrong(model: nn.Module, *given: Any) -> Any:
        modes = [(module, module.training) for module in model.modules()]
        model.eval()
        try:
            return reference(model, *given)
        finally:
            for module, mode in modes:
                module.training = modes[0][1] if one_mode_put_back else mode

    return wrong


def _eval(model: nn.Module, *_: Any) -> None:
    model.eval()


def _train(model: nn.Module, *_: Any) -> None:
    model.train()


def _zero_grad(model: nn.Module, *_: Any) -> None:
    model.zero_grad()


def _unfreeze(model: nn.Module, *_: Any) -> None:
    model.requires_grad_(True)


def _clear_hooks(model: nn.Module, *_: Any) -> None:
    for module in model.modules():
        module._forward_hooks.clear()


def _run(model: nn.Module, *given: Any) -> None:
    model(next(one for one in given if isinstance(one, Tensor)))
