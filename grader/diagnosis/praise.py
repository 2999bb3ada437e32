"""A mistake's sentence without what it says is right: beside another mistake it may be wrong."""

from __future__ import annotations

import re

_PRAISED_FIRST = re.compile(r"(?:The|Your|All) [^.,:]*\b(?:is|are) (?:right|well), and ")
_WORD = re.compile(r"[a-z]{3,}\b|(?:no|it|in|at|a) ")
_PRAISE = re.compile(r"(?:^|(?<=[.!?] ))[^.!?]*\b(?:is|are) (?:right|well)\b[^.!?]*[.!?](?: |$)")


def without_praise(sentence: str) -> str:
    """A mistake's sentence without what it says is right beside it: that may be wrong here.

    "" where the two cannot be parted.

    >>> without_praise("The weight is right. You left out the bias.")
    'You left out the bias.'
    >>> without_praise("The values are right, and the gradient is 0.")
    'The gradient is 0.'
    >>> without_praise("Your log is right, and dx is not: it was returned.")
    ''
    """
    bare = _PRAISED_FIRST.sub("", sentence, count=1)
    if bare != sentence and re.match(r"[^.:]* (?:is|are) not\b", bare):
        return ""
    if bare != sentence and _WORD.match(bare):  # and no name of a variable
        bare = bare[:1].upper() + bare[1:]
    return _PRAISE.sub("", bare).strip()
