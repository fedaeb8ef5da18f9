"""Own failures: what goes wrong within Groundcrew is an incident in its hub, like the failures of others."""

import hashlib
from collections.abc import Mapping
from datetime import datetime

from chalicelib.config import FIRST_PROJECT, config
from chalicelib.incidents import recording, report
from chalicelib.incidents.report import Origin
from chalicelib.observability import logger


def tell(
    error_key: str,
    description: Mapping[str, object],
    *,
    event: str,
    correlation_id: str,
    now: datetime,
    severity: str = "HIGH",
    **fields: object,
) -> str | None:
    """Report a failure of ours to the hub; returns the incident's id, None where the hub does not take it.

    `event` names what happened: the same one told again counts once. `fields` are others of a report. Never raises:
    whoever tells has a truth of its own to see to.
    """
    body = {
        "error_key": error_key,
        "description": description,
        "severity": severity,
        "event_id": event_id(event),
        "environment": config().stage,
        "actor_type": "system",
        "correlation_id": correlation_id,
        **fields,
    }
    origin = Origin(FIRST_PROJECT, None, correlation_id, config().retention_days)
    try:
        told = report.read(body, origin, now)
        recording.record([told], now)
    except Exception:  # noqa: BLE001  # whatever keeps the hub from taking it
        logger.exception("a failure of our own is no incident", error_key=error_key, incident=description)
        return None
    return told.incident_id


def event_id(event: str) -> str:
    """The id under which the hub counts an event once."""
    return hashlib.sha256(event.encode()).hexdigest()[:32]
