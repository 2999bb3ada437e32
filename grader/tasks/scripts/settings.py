"""The exercise that reads settings written as name=value."""

from grader.engine.task import Case, Inputs, Rng, Task, case
from grader.engine.text import type_name
from grader.tasks.scripts.numbers import filled
from grader.tasks.scripts.spelled import spelled


class ParseKv(Task):
    """words is a list of texts such as ["lr=0.1", "epochs=3"]. Return a dict from each name to its
    value. The name is what stands before the first =. A value that int() reads is an int, any other
    that float() reads is a float, exactly True and False are truth values, and all else stays a
    text. If a name stands there twice, the last one counts. A word without = raises ValueError.
    Leave words as it is."""

    id = "parse_kv"
    signatures = ("parse_kv(words) -> settings",)
    title, points, difficulty, minutes = "Settings as name=value", 5, 2, 8
    hints = (
        "Read the section on settings as name=value. Which function of a text gives its parts "
        "before and after the first =?",
        "Try int(text), and what else there is where it raises ValueError. Which of the two calls "
        "must come first, so that 3 stays an int?",
        "Compare the text with 'True' and 'False' before you try numbers. word.partition('=') "
        "gives three parts, and the middle one tells whether there is a = at all.",
    )
    CASES = (
        case("numbers and a text", words=("lr={f}", "epochs={i}", "opt=sgd"), visible=True),
        case("an exponent", words=("lr={d}e-3", "eps=1E{e}"), visible=True),
        case("truth values", words=("amp=True", "shuffle=False", "k={i}"), visible=True),
        case("a value that holds =", words=("filter=lr={d}", "note=a=b=c"), visible=True),
        case("no words", words=()),
        case("below zero", words=("shift=-{i}", "low=-{f}")),
        case("a word without =", words=("lr={f}", "verbose"), refused=True, visible=True),
        case("a word without = in front", words=("verbose", "lr={f}"), refused=True),
        case("a word without = behind two", words=("lr={f}", "k={i}", "verbose"), refused=True),
        case("nothing after =", words=("tag=", "epochs={i}")),
        case("nothing before =", words=("={f}", "epochs={i}")),
        case("the same name twice", words=("lr={i}", "seed={j}", "lr={f}")),
        case("zeros in front, and a whole float", words=("run=00{d}", "gain={i}.0")),
        case(
            "words that only look like values",
            words=(
                "seed=None",
                "amp=true",
                "sizes=[{d}, {e}]",
                "version=1.{d}.{e}",
                "sum={d}+{e}",
                "z={d}j",
            ),
        ),
        case(
            "what float() reads as well",
            words=("limit=inf", "low=-Infinity", "loss=nan", "gain=.{i}"),
        ),
        case("a name of digits", words=("{i}={j}", "opt=sgd")),
        case("a float with _, and with nothing behind its point", words=("n=1_{d}.{e}", "m={i}.")),
        case("what int() reads as well", words=("shift=+{i}", "steps={d}_000")),
        case(
            "what int() reads in another base alone",
            words=("colour=0x{d}{e}", "mask=0b1{d}", "mode=0o{d}", "steps={i}"),
        ),
        case("one and zero, and capitals", words=("Amp=1", "SEED=0", "opt=SGD")),
        case("a name that holds -", words=("--lr={f}", "data-dir=/tmp/run {i}")),
        case("spaces around a name and a text", words=(" lr ={f}", "note= run {i} ")),
        case("spaces around what looks like a value", words=("amp= True", "k= {i} ", "lr= {f} ")),
        case(
            "capitals, quotes and a comma",
            words=("amp=TRUE", "shuffle=FALSE", "name='{i}'", 'tag="run"', "half=0,{i}"),
        ),
    )

    def draw(self, rng: Rng, case: Case) -> Inputs:
        return {"words": filled(case["words"], rng)}

    def observe(self, parse_kv, words, refused=False):
        given = list(words)
        ends, found = "it returns", None
        try:
            found = parse_kv(words)
        except ValueError:
            if not refused:
                raise
            ends = "it raises ValueError"
        if found is not None and not isinstance(found, dict):
            raise TypeError(f"a {type_name(type(found))} is no dict")
        kept = words == given
        names = all(type(name) is str for name in found or ())
        return {
            "the function": ends,
            "settings": spelled(found) if ends == "it returns" else "none, for it raises",
            "all names are texts": names,
            "words are as they were": kept,
        }
