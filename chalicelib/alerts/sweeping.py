"""Sweeping: deliveries whose time has come or whose message was lost, and digests that are due, every minute."""

from datetime import datetime
from typing import Final

from chalicelib.alerts import digest, models, outbox, rules
from chalicelib.observability import logger

MOST_AT_ONCE: Final = 100
ROUNDS: Final = 10


def sweep(now: datetime) -> None:
    """Send the messages of what is to be delivered, and compose what is due. Safe to repeat. Raises Busy.

    A digest that cannot be composed is logged, and tried again by the next sweep. It keeps no other, and no delivery.
    """
    _send(now)
    known = rules.known(now)
    for rule in (*known.made, *known.defaults):
        try:
            if rule.digest is None:
                digest.finish(rule, now)
            else:
                digest.compose(rule, rule.digest, now)
        except Exception:  # noqa: BLE001  # whatever it is, it is this digest's alone
            logger.exception("a digest cannot be composed", rule_id=rule.rule_id)


def _send(now: datetime) -> None:
    for _ in range(ROUNDS):
        overdue = models.overdue(now, MOST_AT_ONCE)
        outbox.send_again(
            [
                (alert_id, nth)
                for position, alert_id, nth in overdue
                # First, so that another sweep does not send it too; what is then not sent is looked at again soon.
                if models.look_again(alert_id, nth, position, now + outbox.LOOK_AFTER)
            ]
        )
        if len(overdue) < MOST_AT_ONCE:
            break
