"""What is said of a second backward: for each cause its meaning and its cure, by a name."""

from __future__ import annotations

CARRIED_PARTS = (
    "{name} comes from an earlier step: its graph was freed by that step's backward, and this "
    "step's loss still hangs on it.",
    "Detach its parts at the end of each step: {code}. "
    "With retain_graph=True the graph would grow with every step.",
)
CARRIED = (
    "{name} comes from an earlier step: its graph was freed by that step's backward, and this "
    "step's loss still hangs on it.",
    "Detach it at the end of each step: {code}. With retain_graph=True the graph would grow with "
    "every step.",
)
CARRIED_BEGUN = (
    CARRIED[0],
    "Where each step begins the sequence anew, as an epoch does, set it back in front of it: "
    "{name} = None. It then begins with {trained} again, which is trained. Where it is to go on "
    "from the step before, detach it at the end of each step, {code}: from then on {trained} gets "
    "no gradient.",
)
CARRIED_TOGETHER = (
    "{name} come from an earlier step: their graphs were freed by that step's backward, and this "
    "step's loss still hangs on them.",
    "Detach them at the end of each step: {code}. With retain_graph=True the graphs would grow "
    "with every step.",
)
CACHED = (
    "{name} was computed once and kept for later steps; its graph was freed by the first backward, "
    "and every later loss still hangs on it.",
    "Compute {name} anew in every forward, so that every step has a graph of its own. Detach it "
    "only if nothing that it was computed from is to be trained: with detach() {trained} would "
    "get no gradient through it, and no error would say so.",
)
RUNNING = (
    "{name} is added to in every step and keeps the graphs of the earlier ones, which were freed "
    "by their own backward.",
    "Call backward on this step's loss alone, and keep the sum as a number: {name} += "
    "loss.item(). Or begin a new sum after each backward.",
)
BEFORE = (
    "{name} was computed once, before the loop; its graph was freed by the first backward.",
    "Compute {name} inside the loop, so that every step has a graph of its own. If it is not to "
    "be trained, detach it.",
)
BEFORE_TOGETHER = (
    "{names} were computed once, before the loop; their graphs were freed by the first backward.",
    "Compute them inside the loop, in this order, so that every step has a graph of its own: "
    "{code}. What is not to be trained is detached instead.",
)
BEFORE_GIVEN = (
    BEFORE[0],
    "Detach it, {name} = {name}.detach(), if it is a number to this loop, as an advantage, a "
    "target or an old log-probability is: this loss trains what it was computed from on another "
    "way. Only if it is to be trained through {name} too, compute {name} inside the loop.",
)
SHARED = (
    "Two backward passes of one step go through the graph of {name}, and the first freed it.",
    "Add the losses and call backward once: (a + b).backward(). Or pass retain_graph=True to the "
    "first. If one of the losses is not to train what {name} was computed from, give that loss "
    "{name}.detach(): a discriminator's the made images, an actor's the advantage.",
)
SHARED_BETWEEN = (
    SHARED[0],
    "Give the loss that is not to train what {name} was computed from {name}.detach(): a "
    "discriminator's the made images, an actor's the advantage. Only if both are to train it, add "
    "the losses and call backward once: (a + b).backward().",
)
"""With several optimizers a sum of the losses would train one net on the other's loss."""
SHARED_STEPPED = (
    "Two backward passes of one step go through the graph of {name}, and the first freed it. "
    "{trained} changed the weights in between.",
    "Compute {name} anew in front of the second, from the weights as they are then: {code}. "
    "retain_graph=True is no cure, since the second pass would meet weights that were changed in "
    "place. For one step on both losses add them, (a + b).backward(), and step behind that.",
)
"""Of one optimizer that steps between the two."""
SHARED_UNSTEPPED = (
    SHARED[0],
    "If both losses are to train what {name} was computed from, add them and call backward once: "
    "(a + b).backward(). Nothing steps or empties between the two passes, so the gradients are the "
    "same. If one of them is not to train it, give that loss {name}.detach() in the place of "
    "{name}: a discriminator's the made images, an actor's the advantage.",
)
SHARED_BY = (
    "Two backward passes of one step go through the same graph, and the first freed it.",
    "Add the losses and call backward once: (a + b).backward(). Or pass retain_graph=True to the "
    "first.",
)
SHARED_BY_BETWEEN = (
    SHARED_BY[0],
    "Give the loss that is not to train what both are computed from that result detached: an "
    "actor's action in a critic's loss, the made images in a discriminator's. retain_graph=True "
    "alone is no cure where a step in between changes weights that the second pass needs. Only if "
    "both are to train it, add the losses and call backward once: (a + b).backward().",
)
LISTED = (
    "The results in {name} share a part of their graph, and the backward of the first freed it.",
    "Add them and call backward once, sum({name}).backward(); or pass retain_graph=True.",
)
LOOPED = (
    "Each pass of this loop goes back through a graph that the results in {name} share, and the "
    "backward of the first pass freed it.",
    "Add the losses up in the loop, total = total + loss, and call total.backward() once, behind "
    "it. If each pass is to read its own gradients, pass retain_graph=True to backward.",
)
ROWS = (
    "Each pass of this loop goes back through the one graph of {name}, and the backward of the "
    "first pass freed it.",
    "Pass retain_graph=True to backward in this loop, if each pass reads its own gradients. Else "
    "add up first, {name}.sum().backward(), without the loop.",
)
ROWS_GIVEN = (
    "{name} was computed with its graph, and each loss of this loop goes back through it: the "
    "backward of the first pass freed it. No optimizer holds what {name} is computed of.",
    "To these losses {name} is data, as a target is: detach it in front of the loop, {name} = "
    "{name}.detach().",
)
ROWS_BY_GRAD = (
    "Each pass of this loop goes back through the one graph of {name}, and the first pass freed "
    "it.",
    "Pass retain_graph=True to torch.autograd.grad in this loop, or create_graph=True if what it "
    "gives is to be differentiated again. torch.func.jacrev gives all rows at once.",
)
TWICE = (
    "backward was called twice on the same result, and the first call freed its graph.",
    "Call it once. If you want both, pass retain_graph=True to the first; the gradients then add "
    "up.",
)
COLLECTED = (
    "{name} was kept from an earlier step: its graph was freed by that step's backward, and this "
    "step's loss still hangs on it.",
    "Keep what is detached, as in values.append(value.detach()), or begin a new collection after "
    "each backward.",
)


def detaching(words: tuple[str, str], name: str) -> str:
    """The code that cuts what is carried off its graph; the names of several stand in a row."""
    if words is CARRIED_PARTS:
        return f"{name} = tuple(part.detach() for part in {name})"
    return f"{name} = {', '.join(f'{one}.detach()' for one in name.split(', '))}"


def spoken(name: str) -> str:
    """Several names as a sentence lists them: `h and c`."""
    first, _, last = name.rpartition(", ")
    return f"{first} and {last}" if first else last
