"""Absorbing: the overflow queue's messages become incidents, a batch in few writes."""

from collections.abc import Mapping
from datetime import datetime

from chalicelib.dynamodb import Busy
from chalicelib.incidents import models, overflow, recording
from chalicelib.incidents.overflow import Done
from chalicelib.incidents.report import Report
from chalicelib.observability import correlate, logger


def absorb(messages: Mapping[str, str], now: datetime) -> list[str]:
    """Record the reports of queue messages (id -> body); returns the ids of those to be delivered again.

    Messages may come twice, late and in any order. One that cannot be read is left to become a dead letter.
    """
    failed: list[str] = []
    groups: dict[str, dict[str, tuple[Report, Done]]] = {}
    for message_id, body in messages.items():
        try:
            report, done = overflow.read(body)
        except ValueError:
            logger.exception("unreadable message", message_id=message_id)
            failed.append(message_id)
        else:
            groups.setdefault(report.incident_id, {})[message_id] = (report, done)
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


def _absorb_group(incident_id: str, group: list[tuple[Report, Done]], now: datetime) -> None:
    waiting: dict[Done, list[Report]] = {"nothing": [], "fresh": [], "stale": []}
    for report, done in group:
        waiting[done].append(report)
    recording.fold(waiting["nothing"], now)
    if waiting["fresh"] or waiting["stale"]:
        counted = recording.Counted(models.find(incident_id), waiting["fresh"], waiting["stale"])
        recording.complete(counted, now)
