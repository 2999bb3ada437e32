"""No sentence is told of an answer of which it is not true: pairs of mistakes, and mutants.

Each mistake of an exercise is taken for right in turn, and each other one for an answer: what is
said then must be true by arithmetic that is written here once more.
"""

import ast
import itertools
import os

import pytest
import torch

from grader.authoring.subject import Subject, cell_of, defined
from grader.diagnosis.comparison import Rules, compare, tolerance
from grader.diagnosis.diagnose import Seen, diagnose
from grader.diagnosis.messages import TEMPLATES, stable
from grader.diagnosis.naming import is_gradient
from grader.diagnosis.truth import PREDICATES
from grader.engine import state
from grader.engine.catalogue import tasks
from grader.engine.observation import FLAGS
from grader.engine.watch import observe
from grader.trusted.key import key_of
from grader.trusted.live import LiveAnswers
from tests.conftest import ROOT

PAIRS = int(os.environ.get("AUTOGRAD_COURSE_PAIRS", "5"))
"""How many pairs of one exercise are tried, of a thousand or so."""
MUTANTS = 2
"""How many mutants of its solution."""


class Swapped(LiveAnswers):
    """An exercise whose right answer is one of its mistakes, and whose mistakes have no names."""

    def __init__(self, task, key, code):
        super().__init__(task, key, "pairs", "cpu")
        self.code, self.sentences = code, {}

    def reference(self, case):
        return self.mistaken(self.code, case) if self.code else super().reference(case)

    def mistakes(self):
        return []

    def pairs(self):
        return []

    def complaints(self, case, observation):
        return None


def told_of(answers, observed, code):
    """The finding of a code, the failing cases with right and received values, and the findings."""
    cases = list(answers.task.cases())
    seen = [Seen(case, observed(case)) for case in cases]
    verdict = diagnose(answers.task, answers, seen)
    return verdict, [
        (case, answers.reference(case).values, one.observation.values)
        for case, one in zip(cases, seen, strict=True)
    ]


def tensor(value):
    return (
        value.double() if isinstance(value, torch.Tensor) else torch.tensor(float(value)).double()
    )


def near(claimed, received, case):
    """Within the case's tolerance, computed here from the definition."""
    if claimed.shape != received.shape:
        return False
    dtypes = [case.dtype, received.dtype]
    allowed = tolerance(*dtypes) * (
        case.scale + float(claimed.abs().max()) if claimed.numel() else 1
    )
    return bool(((claimed - received.double()).abs() <= allowed * (1 + 1e-6)).all())


def wrong_parts(name, values):
    """The cases in which a named part is wrong, with right and received."""
    for case, right, received in values:
        if name in right and name in received:
            pair = {name: right[name]}, {name: received[name]}
            if compare(*pair, Rules(case.dtype, case.scale)):
                yield case, right, received


ORACLES = {
    "FACT.other_part": lambda v, name, case, right, got: near(
        tensor(right[v["other"]]), got[name], case
    ),
    "ZERO": lambda v, name, case, right, got: not tensor(got[name]).any(),
    "NONE": lambda v, name, case, right, got: got[name] is None,
    "RATIO.sign": lambda v, name, case, right, got: near(
        -tensor(right[name]), tensor(got[name]), case
    ),
    "RATIO.twice": lambda v, name, case, right, got: near(
        2 * tensor(right[name]), tensor(got[name]), case
    ),
    "RATIO.constant": lambda v, name, case, right, got: parallel(right[name], got[name], case),
    "RATIO.known": lambda v, name, case, right, got: parallel(right[name], got[name], case),
    "RATIO.varies": lambda v, name, case, right, got: parallel(right[name], got[name], case),
    "RATIO.times_count": lambda v, name, case, right, got: parallel(right[name], got[name], case),
    "RATIO.over_count": lambda v, name, case, right, got: parallel(right[name], got[name], case),
    "FACT.exchanged": lambda v, name, case, right, got: any(
        near(tensor(other), got[name], case) for key, other in right.items() if key != name
    ),
    "FACT.uniform": lambda v, name, case, right, got: len(set(got[name].flatten().tolist())) == 1,
    "TRANSPOSED": lambda v, name, case, right, got: near(tensor(right[name]).T, got[name], case),
    "NONFINITE": lambda v, name, case, right, got: not tensor(got[name]).isfinite().all(),
}
"""What must hold of a part in every case in which it is wrong, written apart from the course's."""


def parallel(right, received, case):
    """Whether the cosine of two tensors is 1 or -1, and the length of neither is 0."""
    one, other = tensor(right).flatten(), tensor(received).flatten()
    cosine = float(one @ other / (one.norm() * other.norm()))
    return abs(abs(cosine) - 1) < (1e-6 if case.dtype == torch.float64 else 1e-3)


WORDS = {
    "FACT.other_part": "is the right `",
    "ZERO": "is zero everywhere",
    "NONE": "is None",
    "RATIO.sign": "is -1 times",
    "RATIO.twice": "is 2 times ",
    "TRANSPOSED": "is the transpose",
    "NONFINITE": "has nan or inf",
}


def subjects(message):
    """The names between backticks before the verb of a sentence."""
    head = message.split(" is ")[0].split(" has ")[0]
    return head.split("`")[1::2]


def untrue(verdict, values):
    """Every sentence of a verdict that is not true of the answer."""
    names = {name for _, right, _ in values for name in right}
    for finding in verdict.findings:
        code = stable(finding.code)
        if code not in ORACLES:
            continue
        assert WORDS.get(code, "") in finding.message
        other = finding.message.rpartition("right `")[2].partition("`")[0]
        for name in set(subjects(finding.message)) & names:
            for case, right, got in wrong_parts(name, values):
                if isinstance(right[name], tuple | list | dict):
                    continue  # the sentence is about an entry of it
                if not ORACLES[code]({"other": other}, name, case, right, got):
                    yield finding.message, case.name
    yield from untrue_notes(verdict, values)


def untrue_notes(verdict, values):
    for note in verdict.notes:
        if note.startswith("Right in every case: "):
            for name in note.split("`")[1::2]:
                if list(wrong_parts(name, values)):
                    yield note, name


EXERCISES = sorted(tasks())
COMPARED = [name for name in EXERCISES if key_of(tasks()[name]).accepts is None]
"""Those with one right answer, which a mutant can be compared with."""


@pytest.mark.parametrize("exercise", EXERCISES)
def test_what_is_said_of_an_answer_is_true_of_it(exercise):
    task = tasks()[exercise]
    key = key_of(task)
    codes = [mistake.code for mistake in key.mistakes(task.functions)]
    rights = codes if key.accepts is not None else [None, *codes]
    pairs = [pair for pair in itertools.product(rights, codes) if pair[0] != pair[1]]
    step = max(1, len(pairs) // PAIRS)
    with state.defaults():
        known = LiveAnswers(task, key, "pairs", "cpu")
        for right, wrong in pairs[::step]:
            answers = Swapped(task, key, right)
            answers._seen = known._seen
            cases = task.cases()
            everything = [answers.reference(case) for case in cases]
            everything += [known.mistaken(wrong, case) for case in cases]
            if any(one.error for one in everything):
                continue
            told = told_of(answers, lambda case, w=wrong: known.mistaken(w, case), wrong)
            assert not list(untrue(*told)), (right, wrong)


SWAPS = {ast.Add: ast.Sub, ast.Sub: ast.Add, ast.Mult: ast.Div, ast.Div: ast.Mult}


class Mutations(ast.NodeTransformer):
    """Changes the one operator or number that comes n-th."""

    def __init__(self, chosen):
        self.chosen, self.met = chosen, 0

    def _is_it(self):
        self.met += 1
        return self.met - 1 == self.chosen

    def visit_BinOp(self, node):
        self.generic_visit(node)
        swap = SWAPS.get(type(node.op))
        if swap is not None and self._is_it():
            node.op = swap()
        return node

    def visit_Constant(self, node):
        if type(node.value) in (int, float) and self._is_it():
            return ast.copy_location(ast.Constant(node.value + 1), node)
        return node


def mutants(source):
    total = Mutations(-1)
    total.visit(ast.parse(source))
    for chosen in range(0, total.met, max(1, total.met // MUTANTS)):
        tree = Mutations(chosen).visit(ast.parse(source))
        yield ast.unparse(ast.fix_missing_locations(tree))


@pytest.mark.parametrize("exercise", COMPARED)
def test_what_is_said_of_a_mutant_is_true_of_it(exercise):
    task = tasks()[exercise]
    answers = LiveAnswers(task, key_of(task), "mutants", "cpu")
    source = cell_of(Subject(task, ROOT).solution, f"{exercise}_answer")
    for text in mutants(source):
        try:
            functions = defined(task, text)
        except Exception:
            continue
        with state.defaults():
            seen = [
                Seen(case, observe(task, functions, answers.inputs(case), case).observation)
                for case in task.cases()
            ]
            if any(one.observation.error for one in seen):
                continue
            verdict = diagnose(task, answers, seen)
            values = [
                (one.case, answers.reference(one.case).values, one.observation.values)
                for one in seen
            ]
        assert not list(untrue(verdict, values)), text


GENERIC = ("NONE", "TYPE", "STRUCTURE", "TRANSPOSED", "PER_SAMPLE", "SHAPE", "NONFINITE", "DTYPE")
GENERIC += ("ZERO", "RATIO", "RATIO_CHANNEL", "NEARLY", "FLAGS", "WRONG")


def test_every_generic_sentence_has_the_predicate_that_makes_it_true():
    codes = {code for code in TEMPLATES if code.partition(".")[0] in GENERIC}
    assert codes == set(PREDICATES)


@pytest.mark.parametrize("code", sorted(PREDICATES))
def test_a_predicate_is_false_of_some_answer(code):
    """Of one part or another that is wrong, each sentence but the plainest is not true."""
    from tests.diagnosis.test_signatures import misses, reference

    if code.startswith("WRONG") or code == "FLAGS.grad_fn":
        return  # they say that a part differs, or what it is
    values = {"symbol": "N", "count": 7, "parts": ""}
    path = "w.is_leaf" if code.startswith("FLAGS") else "y"
    pair = (True, None) if code.startswith("FLAGS") else (reference(1, 3), reference(2, 3))
    if code in ("SHAPE.other", "TYPE", "STRUCTURE", "STRUCTURE.other", "RATIO.constant"):
        pair = reference(1, 4), reference(2, 4)
    (miss,) = misses([pair], symbols=[{"N": 7}], path=path)
    assert not PREDICATES[code](miss, values)


def test_causes_are_named_where_they_can_hold():
    assert is_gradient("dx")
    assert not is_gradient("leaf")
    assert not any(is_gradient(f"y.{flag}") for flag in FLAGS)
