"""Sweeping: digests that are due, and deliveries whose time has come or whose message was lost, every minute."""

from datetime import datetime
from typing import Final

from chalicelib.alerts import digest, models, outbox, rules
from chalicelib.observability import logger

MOST_AT_ONCE: Final = 100
ROUNDS: Final = 10


def sweep(now: datetime) -> None:
    """Compose what is due, and send the messages of what is to be delivered. Safe to repeat. Raises Busy.

    A digest that cannot be composed is logged, and tried again by the next sweep.
    """
    known = rules.known(now)
    for rule in (*known.made, *known.defaults):
        if rule.digest is not None:
            try:
                digest.compose(rule, rule.digest, now)
            except Exception:  # noqa: BLE001  # whatever it is, it is this digest's alone
                logger.exception("a digest cannot be composed", rule_id=rule.rule_id)
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
