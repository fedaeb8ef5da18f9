"""What this container has already written, so that it does not write the same again at every report.

Forgetting is always safe: it costs a write that changes nothing.
"""

from collections import OrderedDict
from collections.abc import Hashable
from datetime import datetime, timedelta
from typing import Final

MOST_REMEMBERED: Final = 20_000

_until: OrderedDict[Hashable, datetime] = OrderedDict()


def due(what: Hashable, now: datetime) -> bool:
    """Whether `what` was not written, or so long ago that it is to be written again."""
    until = _until.get(what)
    return until is None or until <= now


def written(what: Hashable, now: datetime, good_for: timedelta) -> None:
    """Note that `what` was written and need not be again for that long."""
    _until[what] = now + good_for
    _until.move_to_end(what)
    while len(_until) > MOST_REMEMBERED:
        _until.popitem(last=False)


def forget() -> None:
    """Begin as a fresh container does."""
    _until.clear()
