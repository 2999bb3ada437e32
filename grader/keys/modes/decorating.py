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
        """Recording is on after every call, also if it was off before: a caller inside no_grad
        suddenly records. Put back what you found, or let a `with torch.no_grad():` block do it."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            torch.set_grad_enabled(False)
            try:
                return fn(*args, **kwargs)
            finally:
                torch.set_grad_enabled(True)

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
        enable_grad has no effect inside. Take no_grad."""
        return torch.inference_mode()(fn)

    def result_detached(fn):
        """You let everything be recorded and detached the result. Recording costs memory and time
        while fn runs, and what fn records on purpose is lost. Switch recording off before you call
        it."""

        @functools.wraps(fn)
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs).detach()

        return wrapper

    def name_lost(fn):
        """The function you return has another name than fn, which confuses everybody who reads a
        traceback. Put @functools.wraps(fn) above your wrapper."""

        @torch.no_grad()
        def wrapper(*args, **kwargs):
            return fn(*args, **kwargs)

        return wrapper

    @raises(r"unexpected keyword argument")
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
