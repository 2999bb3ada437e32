"""What the call that gave the first nan or inf of a loss was given, in words, and the cure."""

from __future__ import annotations

from course.companion.record.saved import DIVIDED, LARGE, OF_LOG, OF_ROOT

GIVEN = {
    DIVIDED: (
        ": it divides by 0 in {count} of {every} places",
        "Where it counts, divide by at least 1, count.clamp(min=1), or leave those places out: a "
        "mean over nothing has no value. Or see to it that none of them is 0",
    ),
    LARGE: (
        ": in {count} of {every} places it is given more than its dtype can hold the exp of",
        "Bound what it is given, such as logvar.clamp(-30, 20), and bring inputs to about 1: "
        "(x - mean) / std",
    ),
    OF_ROOT: (
        ": it takes a root, a power that is no whole number, of numbers below 0 in {count} of "
        "{every} places",
        "Bound what is given to it, x.clamp(min=1e-6) ** p. Of a mean of powers bound the numbers "
        "themselves: an odd power of a number below 0 is below 0 too",
    ),
    OF_LOG: (
        ": it is given 0 or less in {count} of {every} places",
        "Never give it that: x.clamp_min(1e-6), or a loss that takes the scores themselves, such "
        "as cross_entropy or binary_cross_entropy_with_logits",
    ),
}
