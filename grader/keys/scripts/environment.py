"""References and mistakes of the exercises on environment variables."""

from __future__ import annotations

import itertools
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from grader.trusted.families.changes import each
from grader.trusted.families.pairs import every_two
from grader.trusted.families.parts import exchanged_parts
from grader.trusted.key import Key, mistake, raises

VISIBLE = "CUDA_VISIBLE_DEVICES"
Env = dict[str, str]
Ranks = tuple[Any, Any, Any]


@dataclass(frozen=True)
class _Masking:
    """How the variable is read; every field says which of several ways."""

    unset: str = "None"
    empty: str = "list"
    nothing: str = "list"
    spaces: str = "taken away"
    bad: str = "ends"
    negative: str = "ends"
    order: str = "kept"
    kind: str = "int"


_SPACES: dict[str, Callable[[str], str]] = {
    "taken away": str.strip,
    "kept": str,
    "kept in front": str.rstrip,
    "kept behind": str.lstrip,
}


def _visible(change: _Masking, env: Env) -> Any:
    text = env.get(VISIBLE)
    if text is None:
        return {"None": None, "empty": [], "zero": [0]}[change.unset]
    if not text and change.empty == "at once":
        return []
    if not text and change.empty == "None":
        return None
    found: list[Any] = []
    for part in text.split(","):
        spaced, part = part != part.strip(), _SPACES[change.spaces](part)
        negative = change.negative
        if negative == "kept between spaces":
            negative = "kept" if spaced else "ends"
        kind = negative if part == "-1" else "kept" if part.isdigit() else change.bad
        if kind == "int or empty":
            kind = "int" if part else "skipped"
        if kind == "int":
            found.append(int(part))
        if kind == "ends":
            break
        if kind == "hides":
            return []
        if kind == "kept":
            found.append(int(part) if change.kind == "int" else part)
    if not found and change.nothing != "list":
        return None
    return sorted(found) if change.order == "sorted" else found


_MASKING_CHANGES: dict[str, tuple[_Masking, str]] = {
    "none_where_not_set": (
        _Masking(unset="empty"),
        "Where the variable is not set you answer with no GPU. Not set means all of them: return "
        "None.",
    ),
    "first_where_not_set": (
        _Masking(unset="zero"),
        "Where the variable is not set you answer with the first GPU. Not set means all of them: "
        "return None.",
    ),
    "all_where_empty": (
        _Masking(empty="None"),
        "You took an empty variable for one that is not set. Empty hides every GPU: return []. "
        "`if not text` is true of both; ask `text is None`.",
    ),
    "none_where_nothing_is_visible": (
        _Masking(nothing="None"),
        "Where no GPU is visible you answer None, which means all of them. `found or None`, for "
        "one, makes that of an empty list. Return [].",
    ),
    "spaces_kept": (
        _Masking(spaces="kept"),
        "You ask for digits before you take the spaces away: ' 1 '.isdigit() is False. Write "
        "part.strip().",
    ),
    "spaces_kept_behind": (
        _Masking(spaces="kept behind"),
        "You took the spaces away in front of an entry alone: '1 '.isdigit() is False. There may "
        "be some behind it as well: part.strip().",
    ),
    "spaces_kept_in_front": (
        _Masking(spaces="kept in front"),
        "You took the spaces away behind an entry alone: ' 1'.isdigit() is False. There may be "
        "some in front of it as well: part.strip().",
    ),
    "bad_entries_skipped": (
        _Masking(bad="skipped"),
        "You left out entries that are no numbers, and went on. The list ends before the first.",
    ),
    "int_of_everything": (
        _Masking(bad="int", negative="kept"),
        "You call int for every part. An empty variable has one part, an empty text, and int "
        "refuses it, as it does a word; and -1 is no GPU. End the list at the first of these.",
    ),
    "int_of_what_is_not_empty": (
        _Masking(bad="int or empty", negative="kept"),
        "You leave out empty parts, and call int for all others. int refuses a word, and -1 is no "
        "GPU: the list ends before the first entry that is no number from 0 up.",
    ),
    "int_of_all_but_negative": (
        _Masking(bad="int"),
        "You end the list at -1, and call int for every other part. int refuses a word and an "
        "empty text: the list ends before these, too.",
    ),
    "int_of_all_but_empty_or_negative": (
        _Masking(bad="int", empty="at once"),
        "You look for an empty variable and for -1, and call int for every other part. int refuses "
        "a word, and an empty text between two commas: the list ends before these, too.",
    ),
    "all_hidden_by_one": (
        _Masking(bad="hides", negative="hides"),
        "One entry that is no number from 0 up, and you answer with no GPU. The list ends before "
        "it: what stands in front of it is visible.",
    ),
    "negative_skipped": (
        _Masking(negative="skipped"),
        "You left out -1 and went on. The list ends before it: what follows is hidden as well.",
    ),
    "negative_kept": (
        _Masking(negative="kept"),
        "You listed -1. There is no such GPU: the list ends before it.",
    ),
    "negative_kept_between_spaces": (
        _Masking(negative="kept between spaces"),
        "You listed -1, where a space stands beside it. There is no such GPU: take the spaces off "
        "before you compare.",
    ),
    "sorted_by_number": (
        _Masking(order="sorted"),
        "Your numbers rise, as sorted() and a set leave them. Their order says how the process "
        "numbers them: the first is its cuda:0.",
    ),
    "kept_as_texts": (
        _Masking(kind="text"),
        "Your list holds texts. A variable of the environment is a text, and so are its parts: "
        "int(part).",
    ),
}


class VisibleDevicesKey(Key, task="visible_devices"):
    families = each(_visible, _MASKING_CHANGES)
    pairs = tuple(every_two(_visible, _MASKING_CHANGES))

    def reference(env: Env) -> list[int] | None:
        return _visible(_Masking(), env)

    def never_found(env):
        """You always answer None. Your list is returned nowhere; or the name is not exactly
        CUDA_VISIBLE_DEVICES, which no program complains about; or you read os.environ, this
        process's own variables, in place of the dict that you are given."""
        return os.environ.get(VISIBLE) and None

    def misspelled(env):
        """You read CUDA_VISIBLE_DEVICE. The name ends with S, and a wrong one is an error
        nowhere."""
        text = env.get("CUDA_VISIBLE_DEVICE")
        return None if text is None else _visible(_Masking(), {VISIBLE: text})

    def bad_and_negative_skipped(env):
        """You left out what is no number from 0 up, and went on. The list ends before the first
        such entry: what follows is hidden as well."""
        return _visible(_Masking(bad="skipped", negative="skipped"), env)

    def digits_picked_with_spaces(env):
        """You picked the parts that are digits: a number with a space beside it is none to isdigit,
        and what follows an entry that is no number is hidden. Write part.strip(), and end the list
        at the first part that is no number from 0 up."""
        change = _Masking(bad="skipped", negative="skipped", spaces="kept")
        return _visible(change, env)

    def nothing_where_one_is_bad(env):
        """One entry that int refuses, and you answer with no GPU. The list ends before it: what
        stands in front of it is visible. And it ends before -1, which int reads."""
        try:
            return _visible(_Masking(bad="int", negative="kept"), env)
        except ValueError:
            return []

    def nothing_where_one_is_no_number(env):
        """One entry that int refuses, and you answer with no GPU. The list ends before it: what
        stands in front of it is visible."""
        try:
            return _visible(_Masking(bad="int"), env)
        except ValueError:
            return []

    def parts_that_are_not_empty(env):
        """Where the variable is not set you answer with no GPU: the default of env.get makes it an
        empty one. Not set means all of them: return None. And you call int for every part that is
        not empty, where the list is to end before the first that is no number from 0 up."""
        return _visible(_Masking(unset="empty", bad="int or empty", negative="kept"), env)

    def parts_that_are_digits(env):
        """Where the variable is not set you answer with no GPU: the default of env.get makes it an
        empty one. Not set means all of them: return None. And you pick the numbers out, where the
        list is to end before the first entry that is none."""
        return _visible(_Masking(unset="empty", bad="skipped", negative="skipped"), env)

    def letter_by_letter(env):
        """You went through the text letter by letter, so that 12 became 1 and 2. Take it apart at
        the commas: text.split(",")."""
        text = env.get(VISIBLE)
        return None if text is None else [int(one) for one in text if one.isdigit()]

    def letter_by_letter_to_the_first(env):
        """You went through the text letter by letter, so that 12 became 1 and 2. Take it apart at
        the commas: text.split(",")."""
        text = env.get(VISIBLE)
        if text is None:
            return None
        letters = text.replace(" ", "").replace(",", "")
        return [int(one) for one in itertools.takewhile(str.isdigit, letters)]

    def number_picked_out_of_a_word(env):
        """You picked a number out of a word that holds one. An entry counts as a whole number or
        not at all: the list ends before a word, whatever stands in it."""
        parts = (re.search(r"-?[0-9]+", part) for part in env.get(VISIBLE, "").split(","))
        found = [int(part[0]) if part else -1 for part in parts]
        numbers = list(itertools.takewhile(lambda number: number >= 0, found))
        return numbers if VISIBLE in env else None

    def digits_found_anywhere(env):
        """You picked every run of digits out of the text: -1 became 1, and no entry ends the list.
        Take the text apart at the commas. The list ends before the first entry that is no whole
        number from 0 up."""
        text = env.get(VISIBLE)
        return None if text is None else [int(one) for one in re.findall("[0-9]+", text)]

    def numbers_found_anywhere(env):
        """You picked every number out of the text, -1 and those in words too, and no entry ends the
        list. Take the text apart at the commas. The list ends before the first entry that is no
        whole number from 0 up."""
        text = env.get(VISIBLE)
        return None if text is None else [int(one) for one in re.findall("-?[0-9]+", text)]

    def numbers_found_up_to_a_negative(env):
        """You picked every number out of the text, those in words too: a word ends the list, and so
        does nothing at all. Take the text apart at the commas. The list ends before the first entry
        that is no whole number from 0 up."""
        text = env.get(VISIBLE)
        found = map(int, re.findall("-?[0-9]+", text or ""))
        return None if text is None else list(itertools.takewhile(lambda one: one >= 0, found))

    def commas_at_the_ends_taken_off(env):
        """You took the commas off the ends, or passed over an empty entry in front. It is no whole
        number: the list ends before it."""
        text = env.get(VISIBLE)
        return None if text is None else _visible(_Masking(), {VISIBLE: text.lstrip(",")})

    def all_where_blank(env):
        """You took a variable of spaces alone for one that is not set. It is set, and names no GPU:
        return []."""
        blank = env.get(VISIBLE) and not env[VISIBLE].strip()
        return None if blank else _visible(_Masking(), env)

    def all_where_empty_or_blank(env):
        """You took a variable that is empty, or of spaces alone, for one that is not set. Both are
        set, and hide every GPU: return []. Ask `text is None`."""
        return _visible(_Masking(), env) if env.get(VISIBLE, "").strip() else None

    def all_where_minus_one_comes_first(env):
        """Where -1 comes first you answer None, which means all GPUs. The list ends before -1:
        return []."""
        text = env.get(VISIBLE, "")
        return None if text.startswith("-1") else _visible(_Masking(), env)

    def variable_taken_out(env):
        """Your list is right, and env is another dict than before: you took the variable out, or
        wrote into it. It belongs to the caller: env.get changes nothing."""
        found = _visible(_Masking(), env)
        env.pop(VISIBLE, None)
        return found

    def spaces_between_numbers(env):
        """You pass over an empty entry, or divide at spaces as well, where it vanishes. It is no
        whole number: the list ends before it. Divide at the commas alone."""
        text = env.get(VISIBLE)
        found: list[int] = []
        for part in (text or "").replace(",", " ").split():
            if not part.isdigit():
                break
            found.append(int(part))
        return None if text is None else found

    def counted(env):
        """You answer with the numbers that the process gives them: 0 for the first. Asked for are
        those that the machine gives them, which stand in the variable."""
        found = _visible(_Masking(), env)
        return None if found is None else list(range(len(found)))

    def first_alone(env):
        """Your list ends after its first number, as where a `return` or a `break` ends the loop in
        its first round, or a slice is taken. All of them count, up to the first that is no
        number."""
        found = _visible(_Masking(), env)
        return None if found is None else found[:1]

    def in_reverse(env):
        """Your numbers stand in reverse. Keep their order: the first is the process's cuda:0."""
        found = _visible(_Masking(), env)
        return None if found is None else found[::-1]

    def how_many(env):
        """You answer with how many there are. Return the list."""
        found = _visible(_Masking(), env)
        return None if found is None else len(found)

    @raises(r"CUDA_VISIBLE_DEVICES")
    def key_error(env):
        """Where the variable is not set, env[...] raises KeyError. env.get(...) gives None
        there."""
        return _visible(_Masking(), {VISIBLE: env[VISIBLE]})

    @raises(r"'NoneType' object has no attribute 'split'")
    def none_split(env):
        """Where the variable is not set, env.get gives None, which has no split. Look for that
        first, and return None."""
        return [int(part) for part in env.get(VISIBLE).split(",") if part.strip().isdigit()]


NAMES = {"rank": "RANK", "local_rank": "LOCAL_RANK", "world_size": "WORLD_SIZE"}
DEFAULTS = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1"}


def _ranks(env: Env, **changes: Any) -> Ranks:
    """The three as ints, each read from another name or with another default if so named."""
    found = []
    for part, default in (("rank", 0), ("local_rank", 0), ("world_size", 1)):
        name = changes.get(part, NAMES[part])
        found.append(int(env.get(name, changes.get(f"{part}_default", default))))
    return found[0], found[1], found[2]


def _not_used_alone() -> Iterator[Callable[..., Any]]:
    """One, two or three of them are left out of account where they stand there alone."""
    for count in (1, 2, 3):
        for names in itertools.combinations(NAMES.values(), count):

            def wrong(env: Env, names: Any = names) -> Ranks:
                there = [name for name in NAMES.values() if name in env]
                return _ranks({}) if len(there) == 1 and there[0] in names else _ranks(env)

            yield mistake(
                f"{'_and_'.join(name.lower() for name in names)}_not_used_alone",
                "Where one of the three stands there alone you do not use it. Each variable that "
                "is there counts, whichever others are missing.",
                wrong,
            )


def _some_texts() -> Iterator[Callable[..., Any]]:
    """One or two of the three left as the texts that they are, with an int or a text where not
    set."""
    for count in (1, 2):
        for names in itertools.combinations(NAMES, count):
            for kind in (int, str):

                def wrong(env: Env, names: Any = names, kind: Any = kind) -> tuple[Any, ...]:
                    right = _ranks(env)
                    return tuple(
                        env.get(NAMES[name], kind(DEFAULTS[NAMES[name]])) if name in names else one
                        for name, one in zip(NAMES, right, strict=True)
                    )

                yield mistake(
                    f"{'_and_'.join(names)}_as_{kind.__name__}_or_text",
                    f"Your {' and '.join(names)} {'is a text' if count == 1 else 'are texts'}. "
                    'Every variable of the environment is one, and "1" == 1 is False: put int(...) '
                    "around each.",
                    wrong,
                )


class TorchrunEnvKey(Key, task="torchrun_env"):
    families = (
        *exchanged_parts(_ranks, "rank", "local_rank", "world_size"),
        *_some_texts(),
        *_not_used_alone(),
    )

    def reference(env: Env) -> Ranks:
        return _ranks(env)

    def texts_returned(env):
        """You returned texts. Every variable of the environment is a text, so that "1" == 1 is
        False and rank == 0 is never true: int(...)."""
        return env.get("RANK", 0), env.get("LOCAL_RANK", 0), env.get("WORLD_SIZE", 1)

    def texts_and_default_texts(env):
        """You returned texts, the defaults included. Every variable of the environment is a text:
        put int(...) around each."""
        return env.get("RANK", "0"), env.get("LOCAL_RANK", "0"), env.get("WORLD_SIZE", "1")

    def none_where_not_set(env):
        """Where a variable is not set you return None. A script that is started by itself is number
        0 of 1: give env.get a second argument."""
        return tuple(int(env[name]) if name in env else None for name in NAMES.values())

    @raises(r"NoneType")
    def int_of_none(env):
        """Where a variable is not set, env.get gives None, and int refuses it. Give env.get a
        second argument, the default."""
        return tuple(int(env.get(name)) for name in NAMES.values())

    @raises(r"^'?(RANK|LOCAL_RANK|WORLD_SIZE)'?$")
    def key_error(env):
        """Where a variable is not set, env[...] raises KeyError: your script then runs under
        torchrun alone. Give a default: env.get(name, 0)."""
        return tuple(int(env[name]) for name in NAMES.values())

    @raises(r"^'?(RANK|LOCAL_RANK|WORLD_SIZE)'?$")
    def not_in_os_environ(env):
        """You read os.environ, this process's own variables, which torchrun did not set. Read the
        dict that you are given, and give a default: env.get(name, 0)."""
        return tuple(int({}[name]) for name in NAMES.values())

    def never_found(env):
        """You answer (0, 0, 1) whatever stands in env. Read the dict that you are given, and not
        os.environ, and write the names exactly: RANK, LOCAL_RANK, WORLD_SIZE."""
        return 0, 0, 1

    def defaults_written_into_env(env):
        """Your three are right, and env is another dict than before: you took a variable out, or
        wrote one in, as setdefault does. It belongs to the caller: env.get(name, default) changes
        nothing."""
        for name, default in DEFAULTS.items():
            env.setdefault(name, default)
        return _ranks(env)

    def minus_one_where_not_set(env):
        """Where a rank is not set you answer -1. A script that is started by itself is number 0."""
        return _ranks(env, rank_default=-1, local_rank_default=-1)

    def floats_returned(env):
        """Your numbers are right, and they are floats. Ints are asked for: int(...)."""
        rank, local, world = _ranks(env)
        return float(rank), float(local), float(world)

    def first_digits(env):
        """You took the first character alone: of "12" that is 1. Hand int the whole text."""
        return tuple(int(env.get(name, default)[0]) for name, default in DEFAULTS.items())

    def world_of_none(env):
        """Your world_size is 0 where it is not set. There is one process: this one."""
        return _ranks(env, world_size_default=0)

    def rank_for_local_rank(env):
        """Your local_rank is the rank. On the second machine the first process has rank 4, or 8,
        and is still number 0 there: read LOCAL_RANK."""
        return _ranks(env, local_rank="RANK")

    def local_rank_for_rank(env):
        """Your rank is the local_rank. Then every machine has a process of rank 0, and each of
        these writes the checkpoint: read RANK."""
        return _ranks(env, rank="LOCAL_RANK")

    def local_world_size(env):
        """Your world_size is that of one machine. All processes count: read WORLD_SIZE."""
        return _ranks(env, world_size="LOCAL_WORLD_SIZE")

    def all_or_nothing(env):
        """You use the defaults for all three where one is missing. Each variable that is there
        counts."""
        return _ranks(env) if all(name in env for name in NAMES.values()) else (0, 0, 1)

    def only_under_rank(env):
        """Where RANK is not there you answer (0, 0, 1), although others may be there. Each variable
        counts for itself."""
        return _ranks(env) if "RANK" in env else (0, 0, 1)

    def only_under_world_size(env):
        """Where WORLD_SIZE is not there you answer (0, 0, 1), although others may be there. Each
        variable counts for itself."""
        return _ranks(env) if "WORLD_SIZE" in env else (0, 0, 1)

    def local_rank_computed(env):
        """You worked out local_rank from the rank and the number of processes on a machine. Where
        LOCAL_RANK is set it says so itself, and the machines need not have equally many."""
        rank, _, world = _ranks(env)
        return rank, rank % int(env.get("LOCAL_WORLD_SIZE", 1)), world

    def rank_where_no_local_rank(env):
        """Where LOCAL_RANK is not set you take the rank for it. A variable that is not there counts
        as if the script had been started by itself: local rank 0."""
        return _ranks(env, local_rank_default=env.get(NAMES["rank"], 0))

    def local_rank_where_no_rank(env):
        """Where RANK is not set you take the local rank for it. A variable that is not there counts
        as if the script had been started by itself: rank 0."""
        return _ranks(env, rank=int(env.get("RANK", env.get("LOCAL_RANK", 0))))

    def one_more_than_rank_where_no_world_size(env):
        """Where WORLD_SIZE is not set you take one more than the rank for it. A variable that is
        not there counts as if the script had been started by itself: world size 1."""
        return _ranks(env, world_size_default=int(env.get(NAMES["rank"], 0)) + 1)

    def local_world_size_where_no_world_size(env):
        """Where WORLD_SIZE is not set you take LOCAL_WORLD_SIZE for it. A variable that is not
        there counts as if the script had been started by itself: world size 1."""
        return _ranks(env, world_size_default=int(env.get("LOCAL_WORLD_SIZE", 1)))

    def rank_on_the_machine_where_no_local_rank(env):
        """Where LOCAL_RANK is not set you compute it from the rank and LOCAL_WORLD_SIZE. A variable
        that is not there counts as if the script had been started by itself: local rank 0."""
        count = int(env.get("LOCAL_WORLD_SIZE", 1))
        return _ranks(env, local_rank_default=int(env.get("RANK", 0)) % count)

    def rank_by_another_launcher(env):
        """Where RANK is not set you take SLURM_PROCID for it. Three variables are asked for: what
        another launcher calls them does not count."""
        return _ranks(env, rank_default=int(env.get("SLURM_PROCID", 0)))

    def all_by_another_launcher(env):
        """Where a variable is not set you take the one that SLURM has for it. Three variables are
        asked for: what another launcher calls them does not count."""
        return _ranks(
            env,
            rank_default=int(env.get("SLURM_PROCID", 0)),
            local_rank_default=int(env.get("SLURM_LOCALID", 0)),
            world_size_default=int(env.get("SLURM_NTASKS", 1)),
        )

    def rank_alone_from_one(env):
        """You count the rank from 1. Ranks begin with 0: return it as it stands there."""
        rank, local, world = _ranks(env)
        return rank + 1, local, world

    def rank_from_one(env):
        """You count from 1. Ranks begin with 0."""
        rank, local, world = _ranks(env)
        return rank + 1, local + 1, world

    def last_rank_for_world_size(env):
        """Your world_size is the largest rank. Ranks begin with 0, so there is one process more."""
        rank, local, world = _ranks(env)
        return rank, local, world - 1
