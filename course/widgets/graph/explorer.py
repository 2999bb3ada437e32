"""What a notebook calls for chapter 1's picture: explore(y), static_svg(y), show_graph(y)."""

from __future__ import annotations

import html
import importlib.util
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import FrameType

import torch

from course.widgets.frame.names import names_in
from course.widgets.frame.notice import Notice
from course.widgets.frame.player import Player
from course.widgets.frame.svg import Picture
from course.widgets.frame.values import shape_text
from course.widgets.frame.words import listed
from course.widgets.graph.model import Graph
from course.widgets.graph.picture import GraphPicture
from course.widgets.graph.reader import read, refusal
from course.widgets.graph.walk import MOST_NODES, TooLargeError, unreached_of
from course.widgets.net.behind import module_name, net_behind
from course.widgets.net.picture import NetPicture
from course.widgets.net.reader import read as read_net

MOST_CLASSES = 12
Tensor = torch.Tensor


class SteppedGraph:
    """A graph's programs as the choices of a Player."""

    def __init__(self, graph: Graph, title: str, unreached: Sequence[str] = ()) -> None:
        self.graph = graph
        self._picture = GraphPicture(graph, title)
        self._unreached = ""
        if unreached:
            verb, one = ("are", "them") if len(unreached) > 1 else ("is", "it")
            self._unreached = (
                f" {listed(unreached)} {verb} not reached: no recorded way leads here from {one}."
            )

    @property
    def choices(self) -> Sequence[str]:
        """The code of each program."""
        return [program.code for program in self.graph.programs]

    def last_step(self, choice: int) -> int:
        """The number of the choice's last step."""
        return len(self.graph.programs[choice].steps) - 1

    def picture(self, choice: int, step: int) -> Picture:
        """One step, drawn."""
        drawn = self._picture.draw(self.graph.programs[choice], step)
        told = self._unreached if step in (0, self.last_step(choice)) else ""
        return replace(drawn, sentence=drawn.sentence + told)


def explore(
    *outputs: Tensor | torch.nn.Module,
    names: Mapping[str, Tensor] | None = None,
    retain_graph: bool = False,
) -> Player | Notice:
    """Step through the graph of one or more results: forward, then backward, as torch runs it.

    With a loss and the net it came from, `explore(loss, net)`, or where a net among your variables
    made a graph that is too large: the net's modules as boxes that open, and the gradients between
    them. A parameter that no gradient reaches is named.

    Every number is measured: one real backward runs through your graph, watched by hooks, and
    everything is put back. Your ``.grad``s, graph and random numbers are as before; only hooks of
    your own, and the backward of your own Functions, have run once more.

    Args:
        outputs: tensors of one element each, made by at most 200 nodes in all. With two, the
            second backward is shown after the first, on the same graph. Or one such tensor, of a
            graph of any size, and a net.
        names: what to call tensors, by name; others are found among your variables. A leaf among
            those given that the graph does not reach is named.
        retain_graph: start with the choice that keeps the saved tensors.

    Returns:
        The live picture, or a notice that says why there is none and what to do.
    """
    frame = sys._getframe(1)
    tensors = [one for one in outputs if not isinstance(one, torch.nn.Module)]
    nets = [one for one in outputs if isinstance(one, torch.nn.Module)]
    if nets:
        return _folded(tensors, nets, frame)
    stepped = _stepped(tensors, names, frame)
    if isinstance(stepped, TooLargeError):
        net = net_behind(tensors[0], frame) if len(tensors) == 1 else None
        return _too_large(stepped) if net is None else _folded(tensors, [net], frame)
    if isinstance(stepped, Notice):
        return stepped
    player = Player(stepped)
    player.what.value = int(retain_graph)
    return player


def static_svg(
    *outputs: Tensor,
    step: int | None = None,
    names: Mapping[str, Tensor] | None = None,
    retain_graph: bool = False,
) -> Picture | Notice:
    """One step of ``explore(...)`` as a picture that needs no kernel; the last step if None."""
    stepped = _stepped(outputs, names, sys._getframe(1))
    if isinstance(stepped, TooLargeError):
        return _too_large(stepped)
    if isinstance(stepped, Notice):
        return stepped
    choice = int(retain_graph)
    last = stepped.last_step(choice)
    return stepped.picture(choice, last if step is None else min(step, last))


def show_graph(y: Tensor, names: Mapping[str, Tensor] | None = None) -> TorchvizDrawing | Notice:
    """Draw ``y``'s graph as torchviz does, where Graphviz is installed; else draw it our way.

    ``y`` may have any shape: no backward runs. Without torchviz or Graphviz the result is a notice
    with our picture and the way to install what is missing.
    """
    named = _named(names, sys._getframe(1))
    if (notice := _unrecorded(y, _name(y, named))) is not None:
        return notice
    try:
        graph = read([y], named, run_backward=False)
    except TooLargeError as error:
        return _too_large(error)
    if importlib.util.find_spec("torchviz") is None:
        return _drawn(graph, "torchviz is not installed; to draw with it: pip install torchviz")
    if shutil.which("dot") is None:
        return _drawn(graph, f"Graphviz is not installed; to draw with it: {_install()}")
    from torchviz import make_dot

    dot = make_dot(y, params={name: t for name, t in named.items() if t.requires_grad})
    try:
        svg = dot.pipe(format="svg", encoding="utf-8")
    except (OSError, subprocess.CalledProcessError) as error:
        return _drawn(graph, f"Graphviz could not draw this graph: {error}")
    return TorchvizDrawing(dot.source, svg, _counted(graph))


@dataclass(frozen=True)
class TorchvizDrawing:
    """What torchviz drew: Graphviz's ``source``, the ``svg``, and a ``sentence`` that says it."""

    source: str
    svg: str
    sentence: str

    def _repr_mimebundle_(self, **options: object) -> dict[str, str]:
        inline = self.svg[self.svg.index("<svg") :]
        label = f'<svg role="img" aria-label="{html.escape(self.sentence)}"'
        page = f'<div style="overflow-x: auto">{inline.replace("<svg", label, 1)}</div>'
        return {"text/plain": self.sentence, "text/html": page}


def _counted(graph: Graph) -> str:
    """``The recorded graph: 3 operations from leaves x and w to y.``"""
    operations = [box for box in graph.boxes if box.kind == "tensor"]
    leaves = [box.name or "an unnamed leaf" for box in graph.boxes if box.kind == "leaf"]
    results = listed([graph.boxes[head].name or "the result" for head in graph.heads])
    kinds = "operation" if len(operations) == 1 else "operations"
    shown = listed(leaves) if len(leaves) <= MOST_CLASSES else f"{len(leaves)} leaves"
    return f"The recorded graph: {len(operations)} {kinds} from {shown} to {results}."


def _stepped(
    outputs: Sequence[Tensor], names: Mapping[str, Tensor] | None, frame: FrameType
) -> SteppedGraph | Notice | TooLargeError:
    named = _named(names, frame)
    if not outputs:
        return Notice("explore(y) needs the result y of your computation.")
    for output in outputs:
        name = _name(output, named)
        if (notice := _unrecorded(output, name) or _unseeded(output, name)) is not None:
            return notice
    try:
        graph = read(outputs, named)
    except TooLargeError as error:
        return error
    if graph.refusal:
        return _drawn(graph, graph.refusal)
    title = "Graph of " + listed([_name(output, named) for output in outputs])
    return SteppedGraph(graph, title, unreached_of(outputs, names or {}))


def _folded(
    tensors: Sequence[Tensor], nets: Sequence[torch.nn.Module], frame: FrameType
) -> Player | Notice:
    """The picture of a net's modules, or a notice that says why there is none."""
    if len(tensors) != 1 or len(nets) != 1:
        return Notice("explore(loss, net) needs one result and the one net that it came from.")
    loss, net = tensors[0], nets[0]
    name = _name(loss, _named(None, frame))
    if (notice := _unrecorded(loss, name) or _unseeded(loss, name)) is not None:
        return notice
    try:
        return Player(NetPicture(read_net(loss, net, module_name(net, frame))), label="show")
    except Exception as error:  # a backward of the learner's own may raise anything
        return Notice(refusal(error))


def _named(names: Mapping[str, Tensor] | None, frame: FrameType) -> dict[str, Tensor]:
    """The names given, then those found: of a tensor's names the first is shown."""
    given = dict(names or {})
    return given | {name: t for name, t in names_in(frame).items() if name not in given}


def _name(tensor: object, named: Mapping[str, Tensor]) -> str:
    return next((name for name, other in named.items() if other is tensor), "the result")


def _unrecorded(y: object, name: str) -> Notice | None:
    """A notice for what has no graph at all."""
    if not isinstance(y, Tensor):
        return Notice(
            f"{name} is a {type(y).__name__}, not a tensor: torch keeps a graph behind tensors "
            "only. Give the tensor itself, without .item() or float()."
        )
    if not y.requires_grad:
        return Notice(
            f"{name} does not require grad, so torch recorded no graph for it. Either no input had "
            "requires_grad=True, or it was computed under torch.no_grad() or after detach()."
        )
    if y.grad_fn is None:
        return Notice(
            f"{name} is a leaf: no operation made it, so its grad_fn is None and there is no graph "
            "to step through. Compute something from it, then explore the result."
        )
    return None


def _unseeded(y: Tensor, name: str) -> Notice | None:
    """A notice for a result that backward() cannot start from on its own."""
    if y.numel() != 1:
        return Notice(
            f"{name} has shape {shape_text(y.shape)}, and backward() starts on its own from one "
            "number only. Reduce it first, for example with .sum() or .mean(), and explore that."
        )
    if y.is_complex():
        return Notice(
            f"{name} is complex, and backward() starts on its own from a real number only. "
            "Explore its .real, .imag or .abs()."
        )
    return None


def _too_large(error: TooLargeError) -> Notice:
    counts = error.counts.most_common()
    shown = [f"{count} × {node}" for node, count in counts[:MOST_CLASSES]]
    if len(counts) > MOST_CLASSES:
        rest = sum(count for _, count in counts[MOST_CLASSES:])
        shown.append(f"{rest} nodes of {len(counts) - MOST_CLASSES} other classes")
    return Notice(
        f"This graph has {error.counts.total():,} nodes, and a picture stays readable up to "
        f"{MOST_NODES}: give its net as well, explore(loss, net), to see its modules as "
        "boxes that open, or explore the result of one layer.",
        tuple(shown),
    )


def _drawn(graph: Graph, message: str) -> Notice:
    """The message above the whole recorded graph."""
    sentence = _counted(graph)
    if graph.freed:
        sentence = (
            "The recorded graph: nodes and edges are still there, and the struck-out saved tensors "
            "are freed."
        )
    return Notice(message, picture=GraphPicture(graph, "The recorded graph").recorded(sentence))


def _install() -> str:
    if sys.platform == "darwin":
        return "brew install graphviz"
    if sys.platform == "win32":
        return "winget install graphviz"
    return "sudo apt-get install graphviz (or: conda install graphviz)"
