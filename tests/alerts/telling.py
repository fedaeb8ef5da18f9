"""What tests of alerts share: notices, rules, and what came of them as the store has it."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from chalicelib import memory, queues
from chalicelib.alerts import claiming, delivering, digest, outbox, rules
from chalicelib.alerts.notice import Notice
from chalicelib.alerts.rules import NewRule
from tests import store as stores

NOW = datetime(2026, 1, 25, 9, 15, 30, 123_000, tzinfo=UTC)
CRITICAL = Notice(
    kind="report",
    key="PaymentError",
    severity="CRITICAL",
    project_id="1",
    environment="production",
    subject="incident:9f2c51d07be4",
    title="PaymentError: the card was declined",
    lines=("Checkout, 12 users",),
    path="/incidents/9f2c51d07be4",
)


class PerContainer:
    """Stands in for what a container remembers, which in a race is a thread's own."""

    def __init__(self) -> None:
        self._own = threading.local()

    def _dict(self) -> OrderedDict[Any, Any]:
        if not hasattr(self._own, "dict"):
            self._own.dict = OrderedDict()
        found: OrderedDict[Any, Any] = self._own.dict
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._dict(), name)

    def __getitem__(self, key: Any) -> Any:
        return self._dict()[key]

    def __setitem__(self, key: Any, value: Any) -> None:
        self._dict()[key] = value

    def __len__(self) -> int:
        return len(self._dict())


def forget() -> None:
    """Begin as a fresh container does."""
    memory.forget()
    rules.forget()
    claiming.forget()
    digest.forget()


def ready(now: datetime = NOW) -> None:
    """Let the rules and the queue's address be known, so that no container has to ask in a race."""
    rules.known(now)
    queues._url(outbox.QUEUE)


def made(new: NewRule, nth: int = 1, now: datetime = NOW) -> str:
    """A rule of an operator's; returns its id."""
    rule_id = f"{nth:032x}"
    rules.make(new, "admin-1", now, rule_id)
    rules.forget()
    return rule_id


def told(store: stores.Store) -> list[dict[str, Any]]:
    """The alerts in the history, the oldest first, with their deliveries."""
    rows = store.rows("alerts")
    found = []
    for row in rows:
        if row["pk"]["S"].startswith("ALERT#") and row["sk"]["S"] == "META":
            deliveries = [each for each in rows if each["pk"] == row["pk"] and each["sk"]["S"].startswith("D#")]
            held = int(row.get("held", {"N": "0"})["N"])
            found.append(
                {
                    "position": row["g1s"]["S"],
                    "alert": json.loads(row["alert"]["S"]),
                    "held": held,
                    "states": [each["state"]["S"] for each in deliveries],
                    "kinds": [each["kind"]["S"] for each in deliveries],
                }
            )
    return sorted(found, key=lambda each: each["position"])


def sent(store: stores.Store) -> list[dict[str, Any]]:
    """The alerts that were told, without what was held back."""
    return [each["alert"] for each in told(store) if not each["held"]]


def held(store: stores.Store) -> int:
    """How many were held back."""
    return sum(each["held"] for each in told(store))


def work(store: stores.Store, now: datetime, tell: Callable[..., object] | None = None) -> int:
    """Take the messages in the queue; returns how many."""
    bodies = store.messages(outbox.QUEUE)
    store.sent.clear()
    for body in bodies:
        delivering.take(body, now, tell or unheard)
    return len(bodies)


def unheard(*_: object, **__: object) -> None:
    raise AssertionError("nothing was to be reported")


def in_outbox(store: stores.Store) -> int:
    """How many deliveries a sweep would look at some day."""
    return sum("g2p" in row for row in store.rows("alerts"))
