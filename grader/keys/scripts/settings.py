"""Reference and mistakes of the exercise that reads settings written as name=value."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from grader.trusted.families.changes import each
from grader.trusted.families.pairs import every_two
from grader.trusted.key import Key, raises


@dataclass(frozen=True)
class _Reading:
    """How words become settings; every field says which of several ways."""

    split: str = "first"
    without: str = "raises"
    truth: str = "exact"
    whole: str = "int"
    real: str = "float"
    twice: str = "last"
    name: Callable[[str], str] = str
    text: Callable[[str], str] = str
    nothing: bool = False
    empty: bool = False
    spaced: bool = True
    left: Callable[[str], Any] = str


_FLOAT = re.compile(r"\s*[+-]?((\d+\.)?\d+(e[+-]?\d+)?|\.\d+|inf|infinity|nan)\s*", re.IGNORECASE)
"""How many write a float, and not all that float reads: neither 5. nor 1_0.5."""


def _is_real(text: str, how: str) -> bool:
    if how == "dotted":
        return text.removeprefix("-").replace(".", "", 1).isdigit()
    if how == "digits":
        return text.replace(".", "", 1).isdigit()
    if how == "written out":
        return _FLOAT.fullmatch(text) is not None
    if how == "without _" and "_" in text:
        return False
    if how == "with a digit" and not any(map(str.isdigit, text)):
        return False
    return how in ("float", "with a digit", "without _") and _reads(float, text)


def _is_whole(text: str, how: str) -> bool:
    if how == "digits":
        return text.isdigit()
    if how == "digits and a minus":
        return text.removeprefix("-").isdigit()
    if how == "without spaces":
        return text == text.strip() and _reads(int, text)
    if how in ("any base", "any base too") and _reads(_in_any_base, text):
        return True
    return how in ("int", "any base too") and _reads(int, text)


def _reads(kind: Callable[[str], object], text: str) -> bool:
    try:
        kind(text)
    except ValueError:
        return False
    return True


def _in_any_base(text: str) -> int:
    """What stands in front says which base: 0x10 is 16, and zeros in front are refused."""
    return int(text, 0)


_TRUTHS: dict[str, Callable[[str], Any]] = {
    "exact": {"True": True, "False": False}.get,
    "any case": lambda text: {"true": True, "false": False}.get(text.lower()),
    "text": lambda text: None,
    "capitals too": {"True": True, "TRUE": True, "False": False, "FALSE": False}.get,
    "stripped": lambda text: {"True": True, "False": False}.get(text.strip()),
    "not empty": lambda text: True if text in ("True", "False") else None,
    "one and zero": {"True": True, "False": False, "1": True, "0": False}.get,
}


def _value(change: _Reading, text: str) -> Any:
    if (change.nothing and text == "None") or (change.empty and not text):
        return None
    truth = _TRUTHS[change.truth](text)
    if truth is not None:
        return truth
    if not change.spaced and text != text.strip():
        return text
    if _is_whole(text, change.whole):
        return int(text) if _reads(int, text) else _in_any_base(text)
    if _is_real(text, change.real):
        return float(text)
    return change.left(text)


def _with_a_point(text: str) -> Any:
    pointed = text.replace(",", ".")
    return float(pointed) if _reads(float, pointed) else text


def _literal(text: str) -> Any:
    """What Python reads in a text, and the text where it reads nothing."""
    try:
        return ast.literal_eval(text)
    except (ValueError, SyntaxError):
        return text


def _settings(change: _Reading, words: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for word in words:
        if "=" not in word:
            if change.split == "everywhere":
                raise ValueError("not enough values to unpack")
            if change.without == "raises":
                raise ValueError(f"{word!r} is no name=value")
            if change.without in ("empty", "true"):
                found[word] = "" if change.without == "empty" else True
            continue
        if change.split == "everywhere":
            name, text = word.split("=")
            found[name] = _value(change, text)
            continue
        parts = word.split("=")
        at = {"first": 1, "last": len(parts) - 1}.get(change.split, 1)
        name, text = "=".join(parts[:at]), "=".join(parts[at:])
        if change.split == "cut":
            text = parts[1]
        name, text = change.name(name), change.text(text)
        if change.twice == "last" or name not in found:
            found[name] = _value(change, text)
    return found


_READING_CHANGES: dict[str, tuple[_Reading, str]] = {
    "word_without_equals_true": (
        _Reading(without="true"),
        "You took a word without = for a switch, and gave it the value True. Here it raises "
        "ValueError.",
    ),
    "none_for_an_empty_text": (
        _Reading(empty=True),
        "Where nothing stands behind the = you give None. It stays a text, an empty one.",
    ),
    "digits_and_a_minus_alone": (
        _Reading(whole="digits and a minus"),
        "You look for digits, with a minus or without one, before you call int. It reads more: +3 "
        "and 1_000 became floats. Call int, and catch the ValueError.",
    ),
    "ints_in_any_base": (
        _Reading(whole="any base"),
        "You call int with the base 0: it makes a number of 0x10, and refuses 007, which became a "
        "float. What int(text) reads is an int, and nothing else.",
    ),
    "ints_in_any_base_too": (
        _Reading(whole="any base too"),
        "You made an int of a text such as 0x10, which int(text) does not read. It stays a text.",
    ),
    "numbers_with_a_digit_alone": (
        _Reading(real="with a digit"),
        "inf, nan and their like stay texts, as where a digit is looked for before float is "
        "called. float reads them: call it, and keep what it gives.",
    ),
    "one_and_zero_for_truth": (
        _Reading(truth="one and zero"),
        "You took 1 and 0 for truth values. Exactly True and False are; int reads 1 and 0.",
    ),
    "whole_numbers_as_floats": (
        _Reading(whole="none"),
        "You made every number a float: 3 became 3.0, and range refuses that. Try int first, and "
        "float where int raises.",
    ),
    "floats_as_texts": (
        _Reading(real="none"),
        "You made ints of whole numbers and left all other numbers texts. Where int raises, try "
        "float.",
    ),
    "point_and_digits_alone": (
        _Reading(real="dotted"),
        "You look for a sign, digits and a point before you call float. That misses 1e-3 and inf, "
        "which float reads: call it, and catch the ValueError.",
    ),
    "floats_of_one_form_alone": (
        _Reading(real="written out"),
        "You look at the characters before you call float, and it reads more: 5. and 1_0.5 stayed "
        "texts. Call float, and catch the ValueError.",
    ),
    "floats_without_underscores_alone": (
        _Reading(real="without _"),
        "A float with _ in it stayed a text. float reads 1_0.5: call it, and catch the ValueError.",
    ),
    "point_and_digits_without_sign": (
        _Reading(real="digits"),
        "You look for digits and a point before you call float. That misses a sign, 1e-3 and inf, "
        "which float reads: call it, and catch the ValueError.",
    ),
    "digits_alone": (
        _Reading(whole="digits"),
        "You look for digits before you call int. isdigit is False for -3, which then became -3.0: "
        "call int, and catch the ValueError.",
    ),
    "truth_as_text": (
        _Reading(truth="text"),
        "You left True and False texts, and `if 'False':` is true. Compare the text with 'True' "
        "and 'False' before you try numbers.",
    ),
    "truth_by_bool": (
        _Reading(truth="not empty"),
        "False became True, as bool makes it of every text that is not empty, of 'False' too. "
        "Compare the text with 'True' and with 'False'.",
    ),
    "truth_in_any_case": (
        _Reading(truth="any case"),
        "You took true for a truth value. Exactly True and False are: all else stays a text.",
    ),
    "split_everywhere": (
        _Reading(split="everywhere"),
        'word.split("=") gives three parts where the value holds a =. Divide at the first alone: '
        'word.partition("="), or word.split("=", 1).',
    ),
    "last_equals": (
        _Reading(split="last"),
        "You divided at the last =. The name ends before the first one, and a value may hold "
        'others: word.partition("=").',
    ),
    "value_cut": (
        _Reading(split="cut"),
        'A value that holds = is cut off there: word.split("=") gives three parts and more. '
        'Divide once: word.partition("="), or word.split("=", 1).',
    ),
    "word_without_equals_taken": (
        _Reading(without="empty"),
        "A word without = became a name with an empty text. The task asks for ValueError: look at "
        "the middle part of word.partition('=').",
    ),
    "word_without_equals_skipped": (
        _Reading(without="skipped"),
        "You passed over a word without =. Whoever typed it meant something: raise ValueError.",
    ),
    "names_stripped": (
        _Reading(name=str.strip),
        "You took the spaces off a name. It stays as it is: what stands before the first =.",
    ),
    "texts_stripped": (
        _Reading(text=str.strip),
        "You took the spaces off a value that stays a text. It stays as it is: all that stands "
        "behind the first =.",
    ),
    "both_stripped": (
        _Reading(name=str.strip, text=str.strip),
        "You took the spaces off names and texts. They stay as they are: what stands before the "
        "first =, and behind it.",
    ),
    "dashes_taken_off": (
        _Reading(name=lambda name: name.lstrip("-")),
        "You took the dashes off the front of a name. It stays as it is: what stands before the "
        "first =.",
    ),
    "truth_in_capitals": (
        _Reading(truth="capitals too"),
        "You took TRUE for a truth value. Exactly True and False are: all else stays a text.",
    ),
    "truth_stripped": (
        _Reading(truth="stripped"),
        "You took the spaces off before you compared with True and False. Exactly these two are "
        "truth values: with a space beside it, it stays a text.",
    ),
    "ints_without_spaces_alone": (
        _Reading(whole="without spaces"),
        "A whole number with spaces around it became a float. int reads it as well: call it, and "
        "catch the ValueError, instead of looking at the characters.",
    ),
    "numbers_without_spaces_alone": (
        _Reading(spaced=False),
        "A number with spaces around it stays a text. int and float read it as well: call them.",
    ),
    "quotes_taken_off": (
        _Reading(left=lambda text: text.strip("'\"")),
        "You took the quotes off a text. It stays as it is: all that stands behind the first =.",
    ),
    "quotes_taken_off_first": (
        _Reading(text=lambda text: text.strip("'\"")),
        "You took the quotes off a value. It stays as it is: all that stands behind the first =, "
        "and '7' with its quotes is a text.",
    ),
    "comma_for_a_point": (
        _Reading(left=_with_a_point),
        "You read a comma as a point. float does not: such a value stays a text.",
    ),
    "none_for_its_text": (
        _Reading(nothing=True),
        "You made None of the text None. int, float and the two truth values are all that is read: "
        "it stays a text.",
    ),
    "first_of_a_name": (
        _Reading(twice="first"),
        "Where a name stands there twice, you kept the first value. The last one counts, as for "
        "argparse.",
    ),
}


class ParseKvKey(Key, task="parse_kv"):
    families = each(_settings, _READING_CHANGES)
    pairs = tuple(every_two(_settings, _READING_CHANGES))

    def reference(words: list[str]) -> dict[str, Any]:
        return _settings(_Reading(), words)

    def texts_kept(words):
        """You left every value a text. "0.1" * 2 is "0.10.1", and an optimizer refuses it: make
        numbers of numbers, and truth values of True and False."""
        return _settings(_Reading(truth="text", whole="none", real="none"), words)

    @raises(r"index out of range")
    def second_part_missing(words):
        """You took the part behind the = of a word that has none. Ask first whether there is a =,
        and raise ValueError if not."""
        return _settings(_Reading(), [f"{w.split('=', 1)[0]}={w.split('=', 1)[1]}" for w in words])

    def first_word_alone(words):
        """You returned the setting of the first word and no other. Look for a `return` inside the
        loop: it ends the loop in its first round."""
        return _settings(_Reading(), words[:1])

    @raises("")
    def empty_name_refused(words):
        """You refuse a word that begins with =. Its name is empty, and a name stays as it is."""
        if any(word.startswith("=") for word in words):
            raise ValueError
        return _settings(_Reading(), words)

    def names_of_digits_as_ints(words):
        """You made an int of a name of digits. A name stays as it is, a text: what stands before
        the first =."""
        found = _settings(_Reading(), words)
        return {int(name) if name.isdigit() else name: v for name, v in found.items()}

    @raises("")
    def empty_text_refused(words):
        """You refuse a word that ends with its =. Nothing at all is a text, too: the value is an
        empty one."""
        if any(word.partition("=")[1:] == ("=", "") for word in words):
            raise ValueError
        return _settings(_Reading(), words)

    @raises("")
    def empty_parts_refused(words):
        """You refuse a word with nothing before its first =, or nothing behind. Both may be empty:
        the word raises ValueError where it holds no = at all."""
        if any("" in (word.partition("=")[0], word.partition("=")[2]) for word in words):
            raise ValueError
        return _settings(_Reading(), words)

    def numbers_by_digits(words):
        """You look for digits before you call int and float. That misses a sign, 1e-3 and inf,
        which stay texts: call int, then float, and catch the ValueError of each."""
        return _settings(_Reading(whole="digits", real="digits"), words)

    def literals_behind_numbers(words):
        """You let Python read as a literal what is no number. None and [3, 5] then become more than
        texts. int, float and the two truth values are all that is read."""
        found = _settings(_Reading(), words)
        return {n: _literal(v) if isinstance(v, str) else v for n, v in found.items()}

    def whole_floats_as_ints(words):
        """You made an int of a float that is whole. 7.0 and 1e4 are read by float alone, and stay
        floats: an int is what int() reads from the text."""
        found = _settings(_Reading(), words)
        whole = (n for n, v in found.items() if isinstance(v, float) and v.is_integer())
        return found | {n: int(found[n]) for n in whole}

    def words_taken_out(words):
        """You changed the list of words, which belongs to the caller: you took words out, put some
        in, or replaced them. Go through it by a for loop, and leave it as it is."""
        found = _settings(_Reading(), words)
        words.clear()
        return found

    def words_taken_from_the_end(words):
        """You took the words out of the list, which belongs to the caller, and from its end: of two
        that have one name the first counts. Go through it by a for loop, and leave it as it is."""
        found: dict[str, Any] = {}
        while words:
            found |= _settings(_Reading(), [words.pop()])
        return found

    def literals_before_floats(words):
        """You let Python read the value as a literal, and call float where it reads none. None and
        [3, 5] then become more than texts, and 007, which is no literal, a float. Call int, then
        float, and keep the text."""
        found = ParseKvKey.texts_kept(words)
        read = {name: _literal(text) for name, text in found.items()}
        return {
            n: _value(_Reading(whole="none"), v) if isinstance(v, str) and v == found[n] else v
            for n, v in read.items()
        }

    def by_literal_eval(words):
        """You let Python read the value as a literal. None and [3, 5] then become more than
        texts, and 007 and inf stay texts, where int and float read them."""

        return {
            word.partition("=")[0]: _literal(word.partition("=")[2])
            for word in words
            if "=" in word or _settings(_Reading(), words)
        }

    @raises(r".")
    def by_eval(words):
        """You called eval, which takes sgd for the name of a variable. It also runs whatever else
        is typed there: try int and float, and keep the text."""
        return {name: eval(text, {}) for name, text in (word.split("=", 1) for word in words)}

    @raises(r".")
    def literal_eval_without_a_way_out(words):
        """You called ast.literal_eval, and sgd is no literal. And it makes more of None and
        [3, 5] than texts: try int and float, and keep the text."""
        parts = (word.split("=", 1) for word in words)
        try:
            return {name: ast.literal_eval(text) for name, text in parts}
        except (ValueError, SyntaxError):
            raise ValueError("malformed node or string") from None  # its text holds an address

    @raises(r"could not convert string to float")
    def float_without_a_way_out(words):
        """You call float for whatever int does not read, and "sgd" is no number. Catch the
        ValueError of float as well, and keep the text."""
        found = _settings(_Reading(truth="text", whole="int", real="none"), words)
        return {n: float(v) if isinstance(v, str) else v for n, v in found.items()}

    @raises(r"invalid literal for int")
    def int_without_a_way_out(words):
        """You call int for every value. Where it raises ValueError, try float, and then keep the
        text."""
        return {n: int(v) for n, v in ParseKvKey.texts_kept(words).items()}
