"""Bins: durations counted by their logarithm, from which quantiles come within 2 %.

Bin k holds what lies above gamma^(k-1) microseconds, up to gamma^k, and stands for the value that is as far from
either, relatively: no duration is further than alpha from what its bin stands for. Counts of a bin add up, so hours
make a day, and writers need not know of each other. What lies under a microsecond is 0; what lasts longer than a day
lasts a day.

Source: Masson, Rim, Lee: DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees, VLDB 2019
"""

import math
import re
from collections.abc import Mapping
from typing import Final

# Of the 2 % that a quantile may be off, rounding it takes a twentieth of a per cent.
ALPHA: Final = 0.019
LONGEST_MS: Final = 86_400_000.0
_GAMMA: Final = (1 + ALPHA) / (1 - ALPHA)
_LOG_GAMMA: Final = math.log(_GAMMA)
_PER_MS: Final = 1000
_DIGITS: Final = 4
_BIN: Final = re.compile(r"h[0-9]{1,3}")


def attribute(duration_ms: float) -> str:
    """The attribute that counts a duration, in milliseconds and not negative: `h0` to `h663`."""
    micros = min(duration_ms, LONGEST_MS) * _PER_MS
    if micros < 1:
        return "h0"
    return f"h{max(1, math.ceil(math.log(micros) / _LOG_GAMMA))}"


def is_bin(name: str) -> bool:
    """Whether an attribute is a bin."""
    return _BIN.fullmatch(name) is not None


def quantile(bins: Mapping[str, int], q: float) -> float | None:
    """The duration, in milliseconds, that a share `q` of all is not above; None where there are none.

    `bins` are counts by attribute. With the durations sorted, it lies at rank q(n-1), between the two neighbouring
    ranks in proportion, as SQL's PERCENTILE_CONT has it. Within 2 % of what that gives for the durations themselves.
    """
    counts = sorted((int(name[1:]), count) for name, count in bins.items() if count > 0)
    total = sum(count for _, count in counts)
    if not total:
        return None
    rank = q * (total - 1)
    below = _at(counts, math.floor(rank))
    above = _at(counts, math.ceil(rank))
    return _rounded(below + (above - below) * (rank - math.floor(rank)))


def mean(bins: Mapping[str, int]) -> float | None:
    """The mean of the durations, in milliseconds and within 2 %; None where there are none."""
    total = sum(bins.values())
    return _rounded(sum(_middle(int(name[1:])) * count for name, count in bins.items()) / total) if total else None


def _at(counts: list[tuple[int, int]], rank: int) -> float:
    """What the bin stands for that holds a rank, counted from 0."""
    for k, count in counts:
        if rank < count:
            return _middle(k)
        rank -= count
    raise AssertionError("unreachable: the ranks end before the counts do")


def _middle(k: int) -> float:
    """What a bin stands for, in milliseconds."""
    return 2 * _GAMMA**k / (_GAMMA + 1) / _PER_MS if k else 0.0


def _rounded(duration_ms: float) -> float:
    return float(f"{duration_ms:.{_DIGITS}g}")
