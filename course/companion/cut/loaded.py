"""A state of results that a model was loaded with: their graph is left behind."""

from __future__ import annotations

from course.companion.finding import Finding, found
from course.companion.places import written
from course.companion.record.calls import DERIVED, Record


def results(record: Record) -> list[Finding]:
    """The first line that loads results which a recorded gradient is a part of, as an inner step.

    A state without create_graph=True in it is loaded for its values, and meant so.
    """
    for _, call in record.every():
        if call.name != "copy_" or (call.gives_grad and call.sequence >= 0):
            continue
        given = record.call(call.sources[-1]) if call.sources else None
        if given is None or not given.gives_grad or True not in call.recorded[1:]:
            continue
        if "load_state_dict(" not in written(call.code, call.instruction):
            continue
        before = (record.call(one) for one in record.before(call.sources[1:]) if one >= 0)
        made = [one for one in before if one is not None and one.name == "grad"]
        if any(one.gives_grad and one.note[0] != DERIVED for one in made):
            return [found("cut_loaded", tensor=_OF, place=call.place, sure=False)]
    return []


_OF = "the parameters and a gradient with create_graph=True"
