"""Other right answers to the exercises of chapter 12."""

import argparse
import itertools
import os
import random
import re
import sys

import numpy
import torch


def parser_from_a_table():
    table = {
        "--data-dir": {"required": True, "type": str},
        "--lr": {"type": float, "default": 0.13},
        "--epochs": {"type": int, "default": 3},
        "--sizes": {"type": int, "nargs": "+", "default": [5, 3]},
        "--optimizer": {"choices": ("sgd", "adam"), "default": "sgd"},
        "--amp": {"action": "store_const", "const": True, "default": False},
        "--shuffle": {"action": "store_true", "default": True},
    }
    parser = argparse.ArgumentParser()
    for flag, settings in table.items():
        parser.add_argument(flag, **settings)
    parser.add_argument("--no-shuffle", action="store_false", dest="shuffle")
    return parser


def parser_with_set_defaults():
    parser = argparse.ArgumentParser()
    parser.add_argument("--data-dir", required=True)
    for name, kind in (("--lr", lambda word: float(word)), ("--epochs", int)):
        parser.add_argument(name, type=kind)
    parser.add_argument("--sizes", nargs="+", type=int)
    parser.add_argument("--optimizer", choices=["sgd", "adam"])
    for switch in ("--amp", "--shuffle"):
        parser.add_argument(switch, action="store_const", const=True)
    parser.add_argument("--no-shuffle", dest="shuffle", action="store_const", const=False)
    parser.set_defaults(lr=0.13, epochs=3, sizes=[5, 3], optimizer="sgd", amp=False, shuffle=True)
    return parser


def kv_by_tries(words):
    def value(text):
        if text in ("True", "False"):
            return text == "True"
        for kind in (int, float):
            try:
                return kind(text)
            except ValueError:
                pass
        return text

    pairs = [word.split("=", 1) for word in words]
    return {name: value(text) for name, text in pairs}  # one part alone raises ValueError


def kv_by_positions(words):
    settings = {}
    for word in words:
        at = word.index("=")  # raises ValueError where there is none
        text = word[at + 1 :]
        settings[word[:at]] = _number(text) if text not in ("True", "False") else text == "True"
    return settings


def _number(text):
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return float(text)
    except ValueError:
        return text


def command_in_two_words(module, options):
    given = []
    for name, value in options.items():
        flag = f"--{'-'.join(name.split('_'))}"
        match value:
            case None | False:
                pass
            case True:
                given.append([flag])
            case list():
                given.append([flag, *(str(one) for one in value)])
            case str():
                given.append([f"{flag}={value}"])
            case _:
                given.append([flag, str(value)])
    return (sys.executable, "-um", module, *itertools.chain.from_iterable(given))


def command_by_sub(module, options):
    words = [sys.executable, "-u", f"-m{module}"]
    for name, value in options.items():
        flag = "--" + re.sub("_", "-", name)
        if type(value) is bool or value is None:
            words += [flag] * bool(value)
        else:
            first, *rest = value if isinstance(value, list) else [value]
            words += [flag, str(first), *map(str, rest)] if rest else [f"{flag}={first}"]
    return words


def visible_by_takewhile(env):
    if "CUDA_VISIBLE_DEVICES" not in env:
        return None
    entries = (entry.strip() for entry in env["CUDA_VISIBLE_DEVICES"].split(","))
    return [int(entry) for entry in itertools.takewhile(str.isdigit, entries)]


def visible_by_tries(env):
    if env.get("CUDA_VISIBLE_DEVICES") is None:
        return None
    found = []
    for entry in env["CUDA_VISIBLE_DEVICES"].split(","):
        try:
            number = int(entry)
        except ValueError:
            return found
        if number < 0:
            return found
        found.append(number)
    return found


def seed_as_many_do(n):
    os.environ["PYTHONHASHSEED"] = str(n)
    random.seed(n)
    numpy.random.seed(n)
    torch.manual_seed(n)
    torch.cuda.manual_seed_all(n)
    torch.backends.cudnn.deterministic = True
    torch.backends.cudnn.benchmark = False
    torch.use_deterministic_algorithms(True, warn_only=True)


def seed_one_from_the_other(n):
    random.seed(n)
    numpy.random.seed(random.getrandbits(32))
    torch.manual_seed(random.getrandbits(32))


def seed_by_states(n):
    random.setstate(random.Random(n).getstate())
    numpy.random.set_state(numpy.random.RandomState(n).get_state())
    torch.set_rng_state(torch.Generator().manual_seed(n).get_state())


def describe_by_getattr(t):
    about = {key: getattr(t, key) for key in ("shape", "dtype", "device")}
    about = {key: value if key == "shape" else str(value) for key, value in about.items()}
    node = t.grad_fn
    name = type(node).__name__ if node is not None else None
    return {"grad_fn": name, "is_leaf": t.is_leaf, "requires_grad": t.requires_grad, **about}


def describe_by_repr(t):
    about = {"shape": (*t.size(),), "dtype": repr(t.dtype), "device": f"{t.device}"}
    about.update(requires_grad=t.requires_grad, is_leaf=t.grad_fn is None, grad_fn=None)
    if not about["is_leaf"]:
        about["grad_fn"] = t.grad_fn.name()
    return about


def ranks_by_defaults(env):
    known = {"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "1", **env}
    return tuple(int(known[name]) for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE"))


def ranks_by_ifs(env):
    ranks = [0, 0, 1]
    for at, name in enumerate(("RANK", "LOCAL_RANK", "WORLD_SIZE")):
        if name in env:
            ranks[at] = int(env[name])
    return ranks


ANSWERS = {
    "build_parser": [(parser_from_a_table,), (parser_with_set_defaults,)],
    "parse_kv": [(kv_by_tries,), (kv_by_positions,)],
    "launch_command": [(command_in_two_words,), (command_by_sub,)],
    "visible_devices": [(visible_by_takewhile,), (visible_by_tries,)],
    "seed_everything": [(seed_as_many_do,), (seed_one_from_the_other,), (seed_by_states,)],
    "describe": [(describe_by_getattr,), (describe_by_repr,)],
    "torchrun_env": [(ranks_by_defaults,), (ranks_by_ifs,)],
}
