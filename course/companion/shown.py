"""How a finding looks in a notebook, in the same box as an explained error."""

from __future__ import annotations

import html
from typing import TYPE_CHECKING

from grader.errors.shown import LIKELY, SURE, box, code, link, paragraph

if TYPE_CHECKING:
    from course.companion.finding import Finding


def found(finding: Finding) -> str:
    """One finding."""
    blocks = [paragraph("" if finding.sure else "Probably", finding.sentence)]
    if finding.place is not None:
        place = html.escape(str(finding.place))
        blocks.append(f"<p>{place}: {code(finding.place.text)}</p>")
    blocks += [paragraph("Cure", finding.cure), link(finding.kind.section)]
    return box("", blocks, hue=SURE if finding.sure else LIKELY)
