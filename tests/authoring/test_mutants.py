"""No change to a right answer gets through unseen, but those that are listed with a reason."""

import ast
import hashlib

import pytest

from grader.authoring.mutants import injections, operators, survivors
from grader.authoring.mutants.kinds import Kind
from grader.authoring.mutants.mutation import copied, mutated
from grader.authoring.mutants.report import Report, naming, reasons_for
from grader.authoring.mutants.running import UNNAMED, Bench, Tried
from grader.authoring.mutants.survivors import EVERYWHERE, Reason
from grader.authoring.mutants.whole import summary
from grader.authoring.subject import Subject
from grader.engine.catalogue import chapters, tasks
from tests.conftest import ROOT

OF_EACH = 12
"""How many mutants of an exercise are tried here: `autograd-course mutants` tries them all."""

LEAKING = (
    "put first",
    "put last",
    "name taken for another",
    "drop method",
    "swap arguments",
    "recurse=False",
    "without the first",
)
"""The operators that have found most holes: half of a sample is theirs."""


def sample(mutants):
    """Some mutants of one exercise, the same in every run: by the hash of their ids.

    The same line of two answers has one id, and is tried in both.
    """

    def place(pair):
        return hashlib.sha256(pair[1].id.encode()).hexdigest()

    leaking = [pair for pair in mutants if pair[1].operator in LEAKING]
    others = [pair for pair in mutants if pair[1].operator not in LEAKING]
    half = OF_EACH // 2
    chosen = [*sorted(leaking, key=place)[:half], *sorted(others, key=place)[:half]]
    ids = {mutant.id for _, mutant in chosen}
    return [pair for pair in mutants if pair[1].id in ids]


@pytest.mark.parametrize("exercise", tasks())
def test_no_mutant_of_a_sample_gets_through_unlisted_and_none_listed_is_found_out(exercise):
    task = tasks()[exercise]
    bench = Bench(Subject(task, ROOT))
    mutants = [(answer, one) for answer, own in bench.mutants() for one in own]
    tried = tuple(bench.try_(*pair, named=False) for pair in sample(mutants))
    lists = survivors.read(task.chapter), survivors.read(EVERYWHERE)
    report = Report(exercise, tried, reasons_for(task, *lists))
    alive = "\n".join(one.id for one in report.alive)
    assert not alive, f"a case that notices, or a reason in the list of survivors:\n{alive}"
    found = "\n".join(one.id for one in report.wrongly_listed())
    assert not found, f"take out of the list of survivors what a case notices now:\n{found}"


def test_every_survivor_is_listed_with_a_reason_in_the_file_of_its_chapter():
    for chapter in chapters():
        for reason in survivors.read(chapter.name):
            assert reason.exercise in chapter.exercises
            assert reason.mutants
            assert reason.why.endswith("."), f"{reason.exercise}: why? {reason.mutants[:3]}"
    for reason in survivors.read(EVERYWHERE):
        assert reason.exercise == EVERYWHERE
        assert reason.why.endswith(".")


# Changes


def changed(source, kinds=None):
    """The ids and texts of all mutants of a text."""
    tree = ast.parse(source)
    changes = [*operators.changes(tree)]
    if kinds is not None:
        changes += injections.changes(tree, kinds)
    return {mutant.id: mutant.source for mutant in mutated(tree, iter(changes))}


@pytest.mark.parametrize(
    ("line", "operator", "other"),
    [
        ("y = a + b", "binary operator", "y = a - b"),
        ("y = a + b", "drop operand", "y = b"),
        ("y = a < b", "compare", "y = a <= b"),
        ("y = a and b", "and, or", "y = a or b"),
        ("y = 2", "constant", "y = 3"),
        ("y = f(a, b)", "swap arguments", "y = f(b, a)"),
        ("y = (a, b)", "swap members", "y = (b, a)"),
        ("y = [a, b]", "drop member", "y = [a]"),
        ("y = a.detach().b()", "drop method", "y = a.b()"),
        ("y = a.detach()", "name taken for another", "y = a.clone()"),
        ("y = a.mul_(b)", "name taken for another", "y = a.mul(b)"),
        ("y = m.parameters()", "recurse=False", "y = m.parameters(recurse=False)"),
        ("y = f(a, dim=1)", "drop keyword", "y = f(a)"),
        ("y = f(a, dim=True)", "True, False", "y = f(a, dim=False)"),
        ("y = not a", "drop not or minus", "y = a"),
        ("y = a[0]", "drop index", "y = a"),
        ("y += a", "assign", "y = a"),
        ("y = [f(c) for c in a if c]", "unfiltered", "y = [f(c) for c in a]"),
        ("y = [f(c) for c in a]", "without the first", "y = [f(c) for c in list(a)[1:]]"),
        ("y = torch.zeros_like(a)", "on the CPU", "y = torch.zeros(a.shape, dtype=a.dtype)"),
    ],
)
def test_an_operator_changes_one_thing(line, operator, other):
    mutants = changed(f"def g(a, b):\n    {line}\n    return y")
    assert mutants[f"{operator}: {line} → {other}"] == f"def g(a, b):\n    {other}\n    return y"


def test_statements_are_left_out_exchanged_and_taken_out_of_what_stands_around_them():
    mutants = changed(
        "def g(a):\n"
        "    with torch.no_grad():\n        a.mul_(2)\n"
        "    try:\n        f(a)\n    finally:\n        h(a)\n"
        "    for b in a:\n        a = f(b)\n"
        "    return a"
    )
    assert {
        "drop statement: a.mul_(2) → pass",
        "drop with: with torch.no_grad(): → nothing",
        "drop try: try: ; finally: → nothing",
        "drop finally: try: ; finally: ; h(a) → nothing",
        "break after the first: nothing → break",
        "return in loop: nothing → return a",
        "without the first: for b in a: → for b in list(a)[1:]:",
        "swap statements: for b in a: ; return a",
    } <= set(mutants)


def test_statements_are_added_by_the_kinds_of_an_arguments_values():
    kinds = {"g": {"x": frozenset({Kind.TENSOR}), "model": frozenset({Kind.MODULE})}}
    mutants = changed("def g(x, model):\n    return model(x)", kinds)
    assert mutants["put first: x = x.detach()"].endswith("x = x.detach()\n    return model(x)")
    assert mutants["put last: model.eval()"].endswith(
        "result_ = model(x)\n    model.eval()\n    return result_"
    )
    assert "put first: x.eval()" not in mutants


def test_a_loop_is_added_where_an_argument_holds_modules_in_some_cases_alone():
    kinds = {"g": {"layers": frozenset({Kind.MODULES, Kind.OTHER})}}
    mutants = changed("def g(layers):\n    return layers", kinds)
    modules = f"(layers if {Kind.MODULES.value.format(x='layers')} else ())"
    assert f"put first: for one_ in {modules}: one_.eval()" in mutants


def test_an_id_stays_when_the_answer_changes_elsewhere():
    before = changed("def g(a, b):\n    y = a + b\n    return y")
    after = changed("def g(a, b):\n    a = a * 2\n    y = a + b\n    return y")
    assert "binary operator: y = a + b → y = a - b" in before.keys() & after.keys()


def test_a_text_is_copied_without_what_a_library_hung_on_nodes_that_all_texts_share(monkeypatch):
    tree = ast.parse("y = x + 1")
    shared = tree.body[0].value.left.ctx
    monkeypatch.setattr(shared, "parent", ast.parse("z = 2"), raising=False)
    other = copied(tree)
    assert ast.unparse(other) == "y = x + 1"
    assert other.body[0].value is not tree.body[0].value
    assert other.body[0].value.left.ctx is shared


def test_equal_lines_have_ids_of_their_own():
    mutants = changed("def g(a):\n    a.mul_(2)\n    a.mul_(2)\n    return a")
    name = "constant: a.mul_(2) → a.mul_(3)"
    assert mutants[name] != mutants[f"{name} (2)"]


# What becomes of them


def tried_on(exercise, source, functions):
    """What becomes of one text that answers an exercise."""
    from grader.authoring.mutants.answers import AnswerText
    from grader.authoring.mutants.mutation import Mutant

    answer = AnswerText("an answer", ast.parse(source), {}, functions)
    bench = Bench(Subject(tasks()[exercise], ROOT))
    return bench.try_(answer, Mutant("changed: x → y", "changed", source))


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("return w + 1, x + 2 * w + 1", ""),
        ("return w + 1, w + 1", "two_path_grad.first_path_only"),
        ("print('no')\n    return 1 / 0", "ERROR.raised"),
        ("while True: pass", "ENDLESS"),
        (
            "while True:\n        try:\n            f()\n        except BaseException: pass",
            "ENDLESS",
        ),
        ("raise SystemExit", "ERROR.exit"),
        ("pass", "NOT_CALLABLE"),
    ],
)
def test_a_mutant_is_told_by_its_first_finding_and_prints_nothing(body, code, capfd, monkeypatch):
    monkeypatch.setattr("grader.authoring.mutants.running.CPU_SECONDS", 0.3)
    source = f"def two_path_grad(x, w):\n    {body}"
    tried = tried_on("two_path_grad", source, ("two_path_grad",))
    assert tried.code == code
    assert tried.alive == (code == "")
    assert capfd.readouterr() == ("", "")


def test_a_text_that_defines_nothing_is_killed():
    assert tried_on("two_path_grad", "1 / 0", ("two_path_grad",)).code == "NOT_DEFINED"


# Reasons


def reason(*mutants, exercise="e", why="It is so.", allowed=""):
    return Reason(exercise, why, mutants, allowed)


def report(tried, *reasons):
    return Report("e", tuple(Tried("model", name, "o", code) for name, code in tried), reasons)


def test_a_reason_covers_a_mutant_or_an_operator():
    one = reason("put last: x.eval()", "swap statements: …")
    assert one.covers("put last: x.eval()")
    assert one.covers("swap statements: a ; b")
    assert not one.covers("put first: x.eval()")


def test_the_list_neither_grows_nor_keeps_what_is_found_out():
    alive, dead = ("o: a", ""), ("o: b", "WRONG")
    assert [one.id for one in report([alive]).alive] == ["o: a"]
    listed = report([alive, dead], reason("o: a", "o: b"))
    assert listed.alive == []
    assert [one.id for one in listed.equivalent] == ["o: a"]
    assert [one.id for one in listed.wrongly_listed()] == ["o: b"]
    assert listed.idle == ["o: b"]
    assert report([dead], reason("o: …")).idle == ["o: …"]


def test_a_reason_that_rests_on_an_allowance_holds_where_the_task_gives_it():
    one = reason("o: …", exercise=EVERYWHERE, allowed="grad")
    assert reasons_for(tasks()["jacobian_rows"], [one]) == (one,)
    assert reasons_for(tasks()["evaluate"], [one]) == ()


def test_the_list_is_written_as_it_is_read(tmp_path):
    reasons = [
        reason("put first: x = 'a'", 'o: "\\n" → ∂', exercise="b"),
        reason("o: …", exercise=EVERYWHERE, why="It's so.", allowed="grad"),
    ]
    survivors.write("01-demo", reasons, ["b", EVERYWHERE], tmp_path)
    assert survivors.read("01-demo", tmp_path) == reasons


def test_a_line_says_how_the_killed_were_named():
    some = report([("o: a", "e.own"), ("o: b", "FACT.part"), ("o: c", "ZERO"), ("o: d", "WRONG")])
    assert summary([some]) == (
        "4 mutants: 4 killed (1 own, 1 fact, 1 generic, 1 plain), 0 equivalent, 0 alive"
    )
    assert summary([report([("o: a", UNNAMED)])]) == "1 mutants: 1 killed, 0 equivalent, 0 alive"
    assert naming("e", "ERROR.device") == "generic"


def test_the_command_tells_what_is_alive_and_ends_with_its_number(command):
    status, told = command("mutants", "will_it_raise")
    assert "will_it_raise: " in told
    assert status == int("0 alive" not in told)
