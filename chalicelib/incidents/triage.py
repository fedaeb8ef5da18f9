"""Triage: what operators do to an incident, each change with its audit row."""

from datetime import datetime
from typing import Annotated, Final

import msgspec

from chalicelib.alerts import noticing
from chalicelib.dynamodb import Busy
from chalicelib.errors import Unavailable
from chalicelib.incidents import detail, models, telling
from chalicelib.incidents.detail import IncidentDetail
from chalicelib.incidents.models import Incident, Moved, Status
from chalicelib.observability import correlation_id
from chalicelib.scrubbing import scrub

ROUNDS: Final = 5


class Triage(msgspec.Struct, forbid_unknown_fields=True):
    """What an operator decides about an incident. What is absent or null stays as it is."""

    status: Status
    fix_commit_hash: Annotated[str, msgspec.Meta(max_length=64)] | None = None
    fix_notes: Annotated[str, msgspec.Meta(max_length=4000)] | None = None
    fixed_in_release: Annotated[str, msgspec.Meta(pattern=r"^[ -~]{1,64}(?!\n)$")] | None = None


def change(incident_id: str, triage: Triage, actor: str, now: datetime) -> IncidentDetail:
    """Set the status, and how it was fixed; returns the incident. Safe to repeat: a fix keeps its first time.

    What was told of it has ended with its fix.

    Raises IncidentNotFound, and Unavailable while others keep changing the incident.
    """
    triage = msgspec.convert(scrub(msgspec.to_builtins(triage)), Triage)
    for _ in range(ROUNDS):
        incident = detail.find(incident_id, now)
        try:
            _commit(incident, triage, actor, now)
        except (Moved, Busy):
            continue
        if triage.status == "FIXED":
            noticing.resolve(telling.subject(incident_id), now)
        return detail.show(incident_id, now)
    raise Unavailable("The incident is being changed by others; try again.")


def delete(incident_id: str, actor: str, now: datetime) -> None:
    """Delete an incident and its reports. Safe to repeat; nothing happens to one that is not there."""
    if models.is_incident_id(incident_id):
        models.erase(incident_id, models.audit(incident_id, actor, "delete", now, correlation_id=correlation_id()))
        noticing.resolve(telling.subject(incident_id), now)


def _commit(incident: Incident, triage: Triage, actor: str, now: datetime) -> None:
    before = {"status": incident.status, "fixed_in_release": incident.fixed_in_release}
    after = msgspec.to_builtins(triage)
    audit = models.audit(
        incident.incident_id, actor, "triage", now, correlation_id=correlation_id(), before=before, after=after
    )
    models.triage(
        incident,
        now,
        audit,
        status=triage.status,
        fixed_in_release=triage.fixed_in_release,
        commit_hash=triage.fix_commit_hash,
        notes=triage.fix_notes,
    )
