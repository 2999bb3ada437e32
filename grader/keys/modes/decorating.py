"""Reference and mistakes of the exercise that writes a decorator."""

import functools
from collections.abc import Callable
from typing import Any

import torch

from grader.trusted.key import Key, raises

Function = Callable[..., Any]


class DecoratedInferKey(Key, task="decorated_infer"):
    def reference(fn: Function) -> Function:
        return torch.no_grad()(fn)

    def not_restored_after_an_error(fn):
        """If fn raises, recording stays off for the rest of the notebook: the line that puts it
        back does not run. A `with torch.no_grad():` block puts it back in any case."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            before = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            result = fn(*args, **kwargs)
            torch.set_grad_enabled(before)
            return result

        return wrapper

    def not_restored_after_an_interrupt(fn):
        """Recording is put back after an error of fn, and not after an interrupt:
        KeyboardInterrupt, which the stop button raises, is no Exception, and an `except` that names
        Exception, or one kind of error, does not see it. Put it back in `finally`, or let a `with
        torch.no_grad():` block do it."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            before = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            try:
                result = fn(*args, **kwargs)
            except Exception:
                torch.set_grad_enabled(before)
                raise
            torch.set_grad_enabled(before)
            return result

        return wrapper

    def switched_on_in_the_end(fn):
        """You switch recording on after the call, also if it was off before: a caller inside
        no_grad suddenly records. If fn raises, it stays off. A `with torch.no_grad():` block puts
        back what was there."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            torch.set_grad_enabled(False)
            result = fn(*args, **kwargs)
            torch.set_grad_enabled(True)
            return result

        return wrapper

    def always_switched_on(fn):
        """Recording is on after a call, also where it was off before: a caller inside no_grad
        suddenly records. You switched it on, or put back what you had found while decorating. Put
        back what the call finds, or let a `with torch.no_grad():` block do it."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            torch.set_grad_enabled(False)
            try:
                return fn(*args, **kwargs)
            finally:
                torch.set_grad_enabled(True)

        return wrapper

    def one_memory_for_all_calls(fn):
        """If fn calls itself, recording stays off afterwards: all calls keep what they found in one
        place, and the inner one writes over what the outer one has to put back. Keep it in a
        variable of the wrapper, or enter a `with torch.no_grad():` of its own in every call."""
        off = torch.no_grad()

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with off:
                return fn(*args, **kwargs)

        return wrapper

    def switched_back_after_an_error_alone(fn):
        """You put recording back where fn raises, and nowhere else: after an ordinary call it stays
        off. A `with torch.no_grad():` block puts it back in both cases."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            before = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
            try:
                return fn(*args, **kwargs)
            except BaseException:
                torch.set_grad_enabled(before)
                raise

        return wrapper

    def arguments_detached(fn):
        """Recording is on while fn runs: you detached what it is given, or switched its flag off.
        Operations on anything else that requires grad, such as weights, are recorded all the same.
        Switch recording off before you call fn."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            given = (arg.detach() if isinstance(arg, torch.Tensor) else arg for arg in args)
            return fn(*given, **kwargs)

        return wrapper

    def never_switched_back(fn):
        """You switch recording off and never back on: nothing after the first call is recorded.
        Call fn inside `with torch.no_grad():`."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            torch.set_grad_enabled(False)
            return fn(*args, **kwargs)

        return wrapper

    def switched_when_decorating(fn):
        """Recording is on while fn runs. If you switched it off in no_graph itself, that held while
        the decorator ran, which is once, when fn is defined. The block belongs into the function
        that you return."""
        with torch.no_grad():
            return fn

    def inference_tensors(fn):
        """You ran fn in inference mode. Its results cannot be saved for a backward pass later, and
        inside it enable_grad does not bring recording back. Take no_grad."""
        return torch.inference_mode()(fn)

    def result_detached(fn):
        """Recording is on while fn runs, and detach() cuts its result off, or what it is given.
        Operations on anything else that requires grad, such as weights, are recorded all the same,
        and what fn records on purpose is lost. Switch recording off before you call fn."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs).detach()

        return wrapper

    def left_off_when_decorating(fn):
        """Your decorator switches recording off while it decorates, and leaves it off: from then on
        nothing in the program is recorded. The switch belongs into a `with torch.no_grad():` block
        inside the function that you return."""
        torch.set_grad_enabled(False)
        return torch.no_grad()(fn)

    def switched_off_when_decorating_alone(fn):
        """You switched recording off while decorating, and left it off. It holds for the whole
        program from then on, and not for the calls of fn where recording was switched on again. Put
        a `with torch.no_grad():` block into the function that you return."""
        torch.set_grad_enabled(False)
        return functools.wraps(fn)(lambda *args, **kwargs: fn(*args, **kwargs))

    def detached_as_well(fn):
        """What fn records on purpose, inside enable_grad, is lost: you detached its result as well,
        or ran fn in inference mode and cloned what came out. Run it inside no_grad, and return what
        it returns."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                return fn(*args, **kwargs).detach()

        return wrapper

    def result_cloned(fn):
        """The result requires grad, and was computed without recording: you switched its flag on,
        or that of a clone. Return what fn returns, as it is."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                return fn(*args, **kwargs).clone().requires_grad_()

        return wrapper

    def result_copied(fn):
        """You returned a copy of what fn returned. Other functions return a pair, or a text: hand
        on the very object that fn returned."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                result = fn(*args, **kwargs)
            return result.clone()

        return wrapper

    def remembered(fn):
        """Your function gives the result of its first call again and again. fn is to run in every
        call, with the arguments of that call."""
        kept = []

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                kept.extend([] if kept else [fn(*args, **kwargs)])
            return kept[0]

        return wrapper

    def remembered_by_arguments(fn):
        """Your function keeps the result for arguments that it was called with before. fn is to run
        in every call: a weight that it uses may have changed since."""
        kept = {}

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                named = tuple(kwargs.items())
                if named not in kept:
                    kept[named] = fn(*args, **kwargs)
            return kept[named]

        return wrapper

    def called_twice(fn):
        """Your wrapper calls fn more than once. Keep the result in a variable and return it."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                fn(*args, **kwargs)
                return fn(*args, **kwargs)

        return wrapper

    @raises(r"missing \d+ required positional argument")
    def called_when_decorating(fn):
        """fn was called without its arguments. If you called it, or your wrapper, while decorating:
        there are none yet. Return the function itself, without parentheses behind its name. If your
        wrapper calls it: hand on what the wrapper is given, fn(*args, **kwargs)."""
        with torch.no_grad():
            return fn()

    @raises(r"missing \d+ required keyword-only argument")
    def keyword_arguments_dropped(fn):
        """Your wrapper does not hand on the keyword arguments that it is given: fn lacks one. Write
        fn(*args, **kwargs)."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                return fn(*args)

        return wrapper

    @raises(r"takes 1 positional argument but \d|unexpected keyword argument '(?!by')|multiply seq")
    def arguments_not_unpacked(fn):
        """fn got other arguments than your wrapper: a tuple or a dict of them in the place of each
        by itself. The stars take them apart again: fn(*args, **kwargs)."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                return fn(args, kwargs)

        return wrapper

    @raises(r"'NoneType' object is not callable")
    def wrapper_not_returned(fn):
        """Your decorator returned None. It has to return the function that takes the place of fn: a
        `return wrapper` is missing, after the wrapper and on its level."""

    @raises(r"takes 0 positional arguments but \d+ (was|were) given")
    def arguments_refused(fn):
        """Your wrapper takes no positional arguments. Write def wrapper(*args, **kwargs) and hand
        both on."""

        @functools.wraps(fn)
        def wrapper(**kwargs):
            with torch.no_grad():
                return fn(**kwargs)

        return wrapper

    @raises(r"takes \d+ positional arguments? but \d+ were given|multiple values for argument")
    def one_argument_taken(fn):
        """Your wrapper does not take the arguments of every fn: a function of two tensors cannot be
        called through it. Write def wrapper(*args, **kwargs), and hand both on."""

        @functools.wraps(fn)
        def wrapper(t, **kwargs):
            with torch.no_grad():
                return fn(t, **kwargs)

        return wrapper

    def name_lost(fn):
        """The function you return has another name than fn, which confuses everybody who reads a
        traceback. Put @functools.wraps(fn) above your wrapper."""

        @torch.no_grad()
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs)

        return wrapper

    @raises(r"(?<!update_wrapper\(\)) got an unexpected keyword argument 'by'")
    def keyword_arguments_refused(fn):
        """Your wrapper takes no keyword arguments. Write def wrapper(*args, **kwargs) and hand both
        on."""

        @functools.wraps(fn)
        def wrapper(*args):
            with torch.no_grad():
                return fn(*args)

        return wrapper

    def result_forgotten(fn):
        """Your wrapper returns None: it calls fn and drops the result. A `return` is missing."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                fn(*args, **kwargs)

        return wrapper

    def error_swallowed(fn):
        """You caught the exception of fn. The caller must hear of it: let it pass."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            with torch.no_grad():
                try:
                    return fn(*args, **kwargs)
                except ValueError:
                    return None

        return wrapper
