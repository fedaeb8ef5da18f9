"""Fixes: which incidents of a project were fixed when. One that came back since was fixed all the same."""

from dataclasses import dataclass
from datetime import datetime

from chalicelib.clock import Time, rfc3339
from chalicelib.incidents import models


@dataclass(frozen=True, slots=True)
class Fix:
    """An incident that was fixed at a moment; whoever fixed it again, having changed their mind, did so at another."""

    incident_id: str
    error_key: str
    at: Time


def between(project_id: str, since: datetime, until: datetime, most: int) -> list[Fix]:
    """At most so many fixes from one moment to another, the newest first. Raises Busy."""
    found = models.fixed_between(project_id, rfc3339(since), rfc3339(until), most)
    return [Fix(row.sk.partition("#")[2], row.error_key, row.sk.partition("#")[0]) for row in found]
