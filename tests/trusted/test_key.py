"""A key: what counts as a mistake, and how one is called."""

import pytest

from grader.trusted.key import Key, WrongKey, mistake, raises, replaces


@pytest.fixture(autouse=True)
def _apart(monkeypatch):
    """Keys of this module are no exercises of the course."""
    monkeypatch.setattr(Key, "registry", {})


def mistakes(key, *functions):
    return {one.code.partition(".")[2]: one for one in key.mistakes(functions)}


def test_all_but_the_reference_and_helpers_are_mistakes_in_the_order_they_are_written():
    class AnyKey(Key, task="any"):
        def reference(x, w):
            return AnyKey._helper(x) - w

        def _helper(x):
            return 2 * x

        def second(x):
            """You forgot
            w."""
            return 2 * x

        def first(w):
            """You forgot x."""
            return w

        def accepts(inputs, values):
            yield from ()

    assert AnyKey.answer(("f",))[0](5, 3) == 7
    assert list(mistakes(AnyKey, "f")) == ["second", "first"]
    assert mistakes(AnyKey, "f")["second"].message == "You forgot w."


def test_a_mistake_names_what_it_uses_and_is_called_like_the_reference():
    class AnyKey(Key, task="any"):
        def reference(x, w, b):
            return x, w, b

        def some(b, x):
            """In another order."""
            return b, x

        def none():
            """A constant."""
            return 0

        def every(*given):
            """All of them."""
            return given

        def default(w, times=3):
            """A number of its own."""
            return w * times

        def one_by_one(x, w):
            """As a generator."""
            yield from (x, w)

    called = {name: one.function for name, one in mistakes(AnyKey, "f").items()}
    assert called["some"](1, 2, 3) == called["some"](1, b=3, w=2) == (3, 1)
    assert called["none"](1, 2, 3) == 0
    assert called["every"](1, 2, 3) == (1, 2, 3)
    assert called["default"](1, 2, 3) == 6
    assert list(called["one_by_one"](1, 2, 3)) == [1, 2]


def test_a_mistake_of_several_functions_is_called_like_the_one_it_replaces():
    class AnyKey(Key, task="any"):
        def save(model, file):
            return model, file

        def load(file, model):
            return file, model

        @replaces("load")
        @raises(r"no such file")
        def lost(file):
            """You lost the file."""
            return file

    (lost,) = AnyKey.mistakes(("save", "load"))
    assert (lost.replaces, lost.raises) == ("load", "no such file")
    assert lost.function("file", "model") == "file"


def test_a_mistake_may_be_a_class():
    class AnyKey(Key, task="any"):
        class reference:
            def __init__(self, n):
                self.n = n

        class Doubled:
            """You doubled n."""

            def __init__(self, n):
                self.n = 2 * n

    assert mistakes(AnyKey, "Net")["Doubled"].function(3).n == 6


def test_a_mistake_that_names_another_argument_is_refused_with_a_cure():
    class AnyKey(Key, task="any"):
        def reference(x, w):
            return x

        def helper(x, scale):
            return x * scale

    with pytest.raises(WrongKey, match=r"helper takes scale.*x, w") as refused:
        AnyKey.mistakes(("f",))
    assert "starts with _" in refused.value.cure


def test_a_family_adds_mistakes_after_the_keys_own():
    def family(right):
        return [
            mistake("doubled", "You doubled it.", lambda x: 2 * right(x)),
            mistake("refused", "You refuse it.", lambda x: x.no_such_name, raises="no_such"),
        ]

    class AnyKey(Key, task="any"):
        def reference(x, w):
            return x

        def own():
            """Nothing."""

        families = family(lambda x: x)

    made = mistakes(AnyKey, "f")
    assert list(made) == ["own", "doubled", "refused"]
    assert made["doubled"].function(3, 1) == 6
    assert made["doubled"].message == "You doubled it."
    assert made["refused"].raises == "no_such"
