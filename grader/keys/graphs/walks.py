"""Reference and mistakes of the exercise that walks a graph."""

from collections import deque

from torch import Tensor

from grader.trusted.families.loops import first_of_list
from grader.trusted.families.walks import until_none
from grader.trusted.key import Key, raises


def _nodes(t, *, once=True, leaves=True, last_first=False, backwards=False, remembered_late=False):
    queue = deque([t.grad_fn] if t.grad_fn is not None else [])
    met, found = set(queue), []
    while queue:
        node = queue.pop() if last_first else queue.popleft()
        found.append(node)
        met.add(node)
        inputs = [following for following, _ in node.next_functions if following is not None]
        for following in inputs[::-1] if backwards else inputs:
            if once and following in met:
                continue
            if not leaves and following.name().endswith("AccumulateGrad"):
                continue
            if not remembered_late:
                met.add(following)
            queue.append(following)
    return found


def _walk(t, *, root=True, **how):
    names = [node.name() for node in _nodes(t, **how)]
    return names if root else names[1:]


def _walk_until_none(t, **how):
    return [] if t.grad_fn is None else [n.name() for n in until_none(t.grad_fn, **how)]


def _by_levels(t, remembered):
    """The walk level by level that remembers the last levels alone."""
    levels, names = [[t.grad_fn]] if t.grad_fn is not None else [], []
    while levels and levels[-1]:
        names += [node.name() for node in levels[-1]]
        known = {node for level in levels[-remembered:] for node in level}
        below = [n for node in levels[-1] for n, _ in node.next_functions if n is not None]
        levels.append([n for n in dict.fromkeys(below) if n not in known])
    return names


_NO_NODE = r"'NoneType' object has no attribute '(next_functions|name)'"


class WalkGraphKey(Key, task="walk_graph"):
    families = (*first_of_list(_walk, "name", "Go on as long as a node waits in the queue."),)

    def reference(t: Tensor) -> list[str]:
        return _walk(t)

    def told_apart_by_name(t):
        """You told nodes apart by their names. Two nodes can have one name, as the AccumulateGrad
        of two leaves. Keep the nodes themselves in the set of those you have met."""
        queue, names = deque([t.grad_fn]), []
        while queue:
            node = queue.popleft()
            if node is not None and node.name() not in names:
                names.append(node.name())
                queue.extend(following for following, _ in node.next_functions)
        return names

    def names_kept_once(t):
        """You listed each name once. Each node is to be listed once, and two nodes can have one
        name, as the AccumulateGrad of two leaves."""
        return list(dict.fromkeys(_walk(t)))

    def sorted_set_of_names(t):
        """You put the names into a set and sorted them. The order of the walk is asked for, and two
        nodes of one name are two entries."""
        return sorted(set(_walk(t)))

    def inputs_first(t):
        """All nodes are there, in the opposite order. Start with t.grad_fn and go on to the
        inputs: add a name to the end of the list when you visit its node."""
        return _walk(t)[::-1]

    def right_input_first(t):
        """You visited the inputs of a node from the last to the first. Keep the order of its
        next_functions."""
        return _walk(t, backwards=True)

    def depth_first_from_the_left(t):
        """All nodes are there, in depth-first order: you followed the first input to its end before
        the second. For breadth first, let new nodes wait at the end of a queue."""
        return _walk(t, last_first=True, backwards=True)

    def types_for_names(t):
        """You listed the types of the nodes. For AccumulateGrad the type's name is shorter than
        what node.name() says, and node.name() is asked for."""
        return [name.rpartition("::")[2] for name in _walk(t)]

    def sorted_by_name(t):
        """You sorted the names, or put them through a set, so the order of the walk is lost.
        Append each name when its node is visited."""
        return sorted(_walk(t))

    def none_ends_the_inputs(t):
        """You left the inputs of a node at the first None. An input that does not require grad
        stands in next_functions as (None, 0), and others may stand behind it: skip it, and go
        on."""
        return _walk_until_none(t)

    def none_ends_the_walk(t):
        """You ended the walk at the first None. An input that does not require grad stands in
        next_functions as (None, 0): skip it, and go on with the nodes that wait."""
        return _walk_until_none(t, whole=True)

    def nodes_with_none_passed_over(t):
        """You went no further from a node that has a None among its inputs. An input that does not
        require grad stands in next_functions as (None, 0): skip that one, and visit the others."""
        return _walk_until_none(t, first=True)

    def level_remembered(t):
        """A node that is reached on ways of different length stands in your list more than once:
        you remember the nodes of one level, or of two. Keep a set of all that you have met."""
        return _by_levels(t, 1)

    def two_levels_remembered(t):
        """A node that is reached on ways of different length stands in your list more than once:
        you remember the nodes of one level, or of two. Keep a set of all that you have met."""
        return _by_levels(t, 2)

    def leaf_listed(t):
        """For a leaf that requires grad you listed its AccumulateGrad node. The walk starts at
        t.grad_fn, which a leaf does not have: return an empty list."""
        if t.is_leaf and t.requires_grad:
            return [t.view_as(t).grad_fn.next_functions[0][0].name()]
        return _walk(t)

    def first_input_only(t):
        """You followed the first input of every node alone. next_functions lists all inputs: visit
        each of them."""
        names, node = [], t.grad_fn
        while node is not None:
            names.append(node.name())
            node = node.next_functions[0][0] if node.next_functions else None
        return names

    def one_step_only(t):
        """You looked at t.grad_fn and its inputs and no further. Go on from each of them until the
        queue is empty."""
        if t.grad_fn is None:
            return []
        near = dict.fromkeys(node for node, _ in t.grad_fn.next_functions if node is not None)
        return [t.grad_fn.name(), *(node.name() for node in near)]

    def met_when_visited(t):
        """A node that is reached twice before it is visited stands in your list twice. Remember a
        node when you put it into the queue, or look again when you take it out."""
        return _walk(t, remembered_late=True)

    def met_when_visited_and_gone_on_from_once(t):
        """A node that is reached twice before it is visited stands in your list twice. Remember a
        node when you put it into the queue, or look again when you take it out."""
        queue, met, names = deque([t.grad_fn] if t.grad_fn is not None else []), set(), []
        while queue:
            node = queue.popleft()
            names.append(node.name())
            if node not in met:
                met.add(node)
                following = [n for n, _ in node.next_functions if n is not None]
                queue.extend(n for n in following if n not in met)
        return names

    def edges_remembered(t):
        """A node with several outputs stands in your list once for each: you kept the pairs
        (node, number) of next_functions. The number says which output an edge leads to. Keep the
        nodes alone."""
        edges = [] if t.grad_fn is None else [(t.grad_fn, 0)]
        for node, _ in edges:
            edges.extend(
                e for e in node.next_functions if e[0] is not None and e not in edges[-64:]
            )
        return [node.name() for node, _ in edges]

    def first_outputs_only(t):
        """You went on only where the number beside a node is 0. It says which output of that node
        the edge leads to, and any output will do: follow every edge whose node is not None."""
        nodes = [] if t.grad_fn is None else [t.grad_fn]
        met = set(nodes)
        for node in nodes:
            for following, output in node.next_functions:
                if following is not None and output == 0 and following not in met:
                    met.add(following)
                    nodes.append(following)
        return [node.name() for node in nodes]

    def first_two_inputs(t):
        """You followed the first two inputs of every node alone. next_functions lists all inputs:
        visit each of them."""
        nodes = [] if t.grad_fn is None else [t.grad_fn]
        met = set(nodes)
        for node in nodes:
            for following, _ in node.next_functions[:2]:
                if following is not None and following not in met:
                    met.add(following)
                    nodes.append(following)
        return [node.name() for node in nodes]

    def names_kept_once_in_a_level(t):
        """Of the nodes that are equally far from t you listed each name once. Each node is to be
        listed once, and two nodes can have one name."""
        level, met, names = [] if t.grad_fn is None else [t.grad_fn], set(), []
        while level:
            met.update(level)
            names += dict.fromkeys(node.name() for node in level)
            below = [n for node in level for n, _ in node.next_functions if n is not None]
            level = [n for n in dict.fromkeys(below) if n not in met]
        return names

    def inputs_sorted(t):
        """You visited the inputs of a node in the order of their names. Keep the order of its
        next_functions."""
        nodes = [] if t.grad_fn is None else [t.grad_fn]
        met = set(nodes)
        for node in nodes:
            following = [n for n, _ in node.next_functions if n is not None]
            for n in sorted(following, key=lambda n: n.name()):
                if n not in met:
                    met.add(n)
                    nodes.append(n)
        return [node.name() for node in nodes]

    def waiting_ones_remembered(t):
        """You looked whether a node is waiting in the queue, and forgot those that you had taken
        out. Keep a set of all nodes that you have met."""
        queue, names = deque([t.grad_fn] if t.grad_fn is not None else []), []
        while queue:
            node = queue.popleft()
            names.append(node.name())
            for following, _ in node.next_functions:
                if following is not None and following not in queue:
                    queue.append(following)
        return names

    def nodes_returned(t):
        """You returned the nodes. Their names are asked for: node.name()."""
        return _nodes(t)

    def none_for_a_leaf(t):
        """You returned None for a leaf. It has no grad_fn, so there is no node to list: return an
        empty list."""
        return _walk(t) or None

    def nodes_repeated(t):
        """Nodes that are reached on several ways appear several times. Remember which nodes you
        have met, and add each once."""
        return _walk(t, once=False)

    def accumulate_grad_missing(t):
        """The AccumulateGrad nodes are missing. They are nodes like the others: the end of the
        walk, where a leaf's .grad is added to."""
        return _walk(t, leaves=False)

    def depth_first(t):
        """All nodes are there, in depth-first order. For breadth first, take the next node from
        the other end: popleft() of a deque."""
        return _walk(t, last_first=True)

    def root_missing(t):
        """t.grad_fn itself is missing: it is the first node of the walk."""
        return _walk(t, root=False)

    @raises(_NO_NODE)
    def none_edge_followed(t):
        """You followed an edge that leads nowhere. An input that does not require grad stands in
        next_functions as (None, 0), and a leaf's grad_fn is None: skip both."""
        names, queue, met = [], deque([t.grad_fn]), {t.grad_fn}
        while queue:
            node = queue.popleft()
            names.append(node.name())
            for following, _ in node.next_functions:
                if following not in met:
                    met.add(following)
                    queue.append(following)
        return names

    @raises(_NO_NODE)
    def none_edge_followed_from_leaf_only(t):
        """A leaf has no grad_fn: it is None, and the walk has nothing to visit. Return [] then."""
        if t.grad_fn is None:
            t.grad_fn.name()
        return _walk(t)

    @raises(r"expected \d+ arguments, got \d+ instead|'NoneType' object is not callable")
    def grad_fn_called(t):
        """You wrote t.grad_fn(). grad_fn is an attribute: it holds the node, and calling the node
        runs its backward."""
        t.grad_fn()
        return []

    @raises(r"maximum recursion depth")
    def recursive(t):
        """Your function calls itself once per node, which fails on deep graphs and visits depth
        first. Keep the nodes still to visit in a deque, and loop."""
        names = []
        met = set()

        def visit(node):
            if node is None or node in met:
                return
            met.add(node)
            names.append(node.name())
            for following, _ in node.next_functions:
                visit(following)

        visit(t.grad_fn)
        return names
