"""Absorbing: the overflow queue's messages become incidents, a batch in few writes."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.dynamodb import Busy
from chalicelib.incidents import extras, models, overflow, recording
from chalicelib.incidents.overflow import Done, Waiting
from chalicelib.incidents.report import Report
from chalicelib.observability import correlate, logger


def absorb(messages: Mapping[str, str], now: datetime) -> list[str]:
    """Record the reports of queue messages (id -> body); returns the ids of those to be delivered again.

    Messages may come twice, late and in any order. One that cannot be read is left to become a dead letter.
    """
    failed: list[str] = []
    groups: dict[str, dict[str, tuple[Report, Waiting]]] = {}
    for message_id, body in messages.items():
        try:
            report, waiting = overflow.read(body)
        except ValueError:
            logger.exception("unreadable message", message_id=message_id)
            failed.append(message_id)
        else:
            groups.setdefault(report.incident_id, {})[message_id] = (report, waiting)
    for incident_id, group in groups.items():
        correlate(next(iter(group.values()))[0].correlation_id)
        try:
            _absorb_group(incident_id, list(group.values()), now)
        except Busy:
            logger.warning("reports keep waiting", incident_id=incident_id, reports=len(group))
            failed += group
        except Exception:  # noqa: BLE001  # whatever it is, it is this group's alone
            # One failure's reports that cannot be absorbed must not take those of others along to the dead letters.
            logger.exception("reports cannot be absorbed", incident_id=incident_id, reports=len(group))
            failed += group
    return failed


def _absorb_group(incident_id: str, group: list[tuple[Report, Waiting]], now: datetime) -> None:
    reports: dict[Done, list[Report]] = {"nothing": [], "fresh": [], "stale": []}
    for report, waiting in group:
        if waiting.unless_kept is None or not extras.kept(report.project_id, waiting.unless_kept):
            reports[waiting.done].append(report)
    recording.fold(reports["nothing"], now)
    if reports["fresh"] or reports["stale"]:
        counted = recording.Counted(models.find(incident_id), reports["fresh"], reports["stale"])
        recording.complete(counted, now)
