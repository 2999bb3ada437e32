"""Exercises on environment variables: which GPUs are visible, and who a process is."""

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.tasks.scripts.numbers import numbers
from grader.tasks.scripts.spelled import spelled

VISIBLE = "CUDA_VISIBLE_DEVICES"


def _env(rng: Rng, case: Case) -> dict[str, str]:
    """The case's variables with drawn numbers, between others that every process has."""
    drawn = numbers(rng)
    own = {name: text.format(**drawn) for name, text in case["env"].items()}
    return {"HOME": "/home/you", **own, "OMP_NUM_THREADS": "1"}


class VisibleDevices(Task):
    """env is a dict like os.environ. Return which GPUs of the machine a process with these
    variables sees, as CUDA_VISIBLE_DEVICES says: None where it is not set, for that means all; else
    a list of ints. They are separated by commas, in the order in which the process numbers them,
    and there may be spaces around each. An entry is a whole number, -1, a word, or nothing:
    the list ends before the first that is no whole number from 0 up. No number stands there
    twice. Leave env as it is."""

    id = "visible_devices"
    signatures = ("visible(env) -> devices",)
    title, points, difficulty, minutes = "Which GPUs?", 5, 2, 8
    hints = (
        "Read the section on CUDA_VISIBLE_DEVICES. What is the difference between a variable that "
        "is empty and one that is not there?",
        "Print env.get(name).split(',') for each of the texts '', '0,2' and ' 1 '. What does int "
        "make of each part?",
        "Ask for the variable with env.get, and return None where that gives None. Then go through "
        "the parts, and break at the first whose strip().isdigit() is False.",
    )
    CASES = (
        case("two of them", env={VISIBLE: "{e},{d}"}, visible=True),
        case("in another order", env={VISIBLE: "{d},{e}"}, visible=True),
        case("not set", env={}, visible=True),
        case("empty", env={VISIBLE: ""}, visible=True),
        case("one, with spaces", env={VISIBLE: "  {d} "}),
        case("a space behind the comma", env={VISIBLE: "{d}, {e}"}),
        case("a space in front of the comma", env={VISIBLE: "{d} ,{e}"}),
        case("more than nine", env={VISIBLE: "{i}, 0 ,1{j}"}),
        case("-1", env={VISIBLE: "-1"}),
        case("-1 in front", env={VISIBLE: "-1,{d}"}),
        case("a comma in front", env={VISIBLE: ",{d},{e}"}),
        case("a space alone", env={VISIBLE: " "}),
        case("-1 in the middle", env={VISIBLE: "{d},-1,{e}"}),
        case("a word in the middle", env={VISIBLE: "{d},none,{e}"}),
        case("a word that holds a number", env={VISIBLE: "{d},gpu{e},{i}"}),
        case("a word that begins with a number", env={VISIBLE: "{e},{d}th,{i}"}),
        case("nothing between two commas", env={VISIBLE: "{e},,{d}"}),
        case("a space between two commas", env={VISIBLE: "{e}, ,{d}"}),
        case("-1 between spaces", env={VISIBLE: "{d}, -1 ,{e}"}),
        case("a name that is nearly right", env={"CUDA_VISIBLE_DEVICE": "{d}"}, visible=True),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"env": _env(rng, case)}

    def observe(self, visible, env):
        given = {**env}
        found = visible(env)
        return {"devices": spelled(found), "env is as it was": env == given}


class TorchrunEnv(Task):
    """env is a dict like os.environ. torchrun starts a script several times, and gives each process
    its number among all in RANK, its number on its machine in LOCAL_RANK, and how many there are in
    WORLD_SIZE. Return the three as ints. A variable that is not there counts as if the script had
    been started by itself: 0, 0 and 1. Leave env as it is."""

    id = "torchrun_env"
    signatures = ("dist_env(env) -> (rank, local_rank, world_size)",)
    title, points, difficulty, minutes = "Who am I under torchrun?", 4, 1, 6
    prerequisites = ("visible_devices",)
    hints = (
        "Read the section on torchrun. Of which type is every value of os.environ?",
        "Call your function with an empty dict, and with three variables whose numbers all differ. "
        "Print the types of what comes back.",
        "env.get(name, default) gives the default where there is no such variable. int() makes an "
        "int of a text of digits, and leaves an int what it is.",
    )
    CASES = (
        case(
            "the second machine of several",
            env={
                "RANK": "{i}",
                "LOCAL_RANK": "{e}",
                "WORLD_SIZE": "1{j}",
                "LOCAL_WORLD_SIZE": "{d}",
                "GROUP_RANK": "1",
                "GROUP_WORLD_SIZE": "2",
            },
            visible=True,
        ),
        case("started by itself", env={}, visible=True),
        case(
            "the first of several",
            env={"RANK": "0", "LOCAL_RANK": "0", "WORLD_SIZE": "{d}", "LOCAL_WORLD_SIZE": "{e}"},
        ),
        case(
            "no LOCAL_RANK",
            env={"RANK": "{d}1", "WORLD_SIZE": "1{j}", "LOCAL_WORLD_SIZE": "{d}"},
        ),
        case("no RANK", env={"LOCAL_RANK": "{e}", "WORLD_SIZE": "{i}"}),
        case(
            "no WORLD_SIZE",
            env={"RANK": "{i}", "LOCAL_RANK": "{e}", "LOCAL_WORLD_SIZE": "{d}"},
        ),
        case(
            "by another launcher, whose names are others",
            env={"SLURM_PROCID": "{i}", "SLURM_LOCALID": "{e}", "SLURM_NTASKS": "1{j}"},
        ),
        case("RANK alone", env={"RANK": "{i}"}),
        case("LOCAL_RANK alone", env={"LOCAL_RANK": "{e}"}),
        case("WORLD_SIZE alone", env={"WORLD_SIZE": "{i}"}),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"env": _env(rng, case)}

    def observe(self, dist_env, env):
        given = {**env}
        found = dist_env(env)
        kept = {"env is as it was": env == given}
        if isinstance(found, list | tuple) and len(found) == 3:
            names = ("rank", "local_rank", "world_size")
            return {name: spelled(one) for name, one in zip(names, found, strict=True)} | kept
        return {"answer": found} if found is None else {"answer": found, **kept}
