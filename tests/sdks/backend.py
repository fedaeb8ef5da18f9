"""A Python backend that reports by sentry_sdk all that the end-to-end tests read back, and dies of the last of it."""

import contextlib
import json
import logging
import os
import sys
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any
from wsgiref.util import setup_testing_defaults

import sentry_sdk
from sentry_sdk.crons import monitor
from sentry_sdk.integrations.wsgi import SentryWsgiMiddleware

EVERY_NIGHT: Any = {"schedule": {"type": "crontab", "value": "0 3 * * *"}, "timezone": "Europe/Berlin"}
LEFT_S = 5
MOST = 100
AFTERWARDS = 5
PATIENCE_S = 60


class OrderRefused(Exception):
    """What a customer is told."""


class NobodyNeedsThis(Exception):
    """What `before_send` drops."""


def main() -> None:
    sentry_sdk.init(
        dsn=os.environ["DSN"],
        release="school@2.3.1",
        environment="staging",
        send_default_pii=True,
        shutdown_timeout=PATIENCE_S,
        debug=True,  # its log says which header it goes by
        before_send=lambda event, hint: None if hint.get("exc_info", [None])[0] is NobodyNeedsThis else event,
    )
    refuse()
    log()
    serve()
    attach()
    run_by_the_clock()
    storm()
    sentry_sdk.flush(PATIENCE_S)
    by_gzip()
    sys.stdout.write(json.dumps(overdo()))
    reopen()


def settle(order: dict[str, Any]) -> int:
    card = "4111 1111 1111 1111"
    return int(order["total"]) + len(card)


def charge(order: dict[str, Any]) -> int:
    try:
        return settle(order)
    except KeyError as error:
        raise OrderRefused(f"Order {order['id']} was refused") from error


def refuse() -> None:
    with sentry_sdk.isolation_scope() as scope:
        scope.set_user({"id": 68, "email": "cleo@school.example", "ip_address": "203.0.113.7"})
        scope.set_tags({"shop": "north", "severity": "critical", "beta_error": True})
        scope.set_context("cart", {"items": 3, "password": "hunter2"})
        scope.set_extra("attempt", 2)
        scope.add_breadcrumb(category="cart", message="The cart has 3 items", data={"api_key": "5ca1ab1e"})
        try:
            charge({"id": 4711})
        except OrderRefused as error:
            scope.capture_exception(error)
        scope.capture_exception(NobodyNeedsThis())


def log() -> None:
    billing = logging.getLogger("billing")
    billing.warning("Invoice %s is late", 4711)
    billing.error("Invoice %s was not sent to %s", 4711, "cleo@school.example")
    sentry_sdk.capture_message("Stock is low", level="warning")


def serve() -> None:
    def shop(_environ: dict[str, Any], _start_response: object) -> Iterable[bytes]:
        sentry_sdk.set_transaction_name("/orders/{order_id}")
        raise LookupError("There is no such order")

    environ: dict[str, Any] = {
        "REQUEST_METHOD": "PUT",
        "PATH_INFO": "/orders/4711",
        "QUERY_STRING": "page=2&token=5ca1ab1e",
        "HTTP_HOST": "shop.example",
        "HTTP_USER_AGENT": "Shopper/1.0",
        "HTTP_COOKIE": "session=5ca1ab1e",
    }
    setup_testing_defaults(environ)
    with contextlib.suppress(LookupError):
        SentryWsgiMiddleware(shop)(environ, lambda *_: lambda _: None)


def attach() -> None:
    with sentry_sdk.new_scope() as scope:
        scope.add_attachment(bytes=b"Invoice 4711", filename="invoice.txt", content_type="text/plain")
        scope.capture_exception(ValueError("The invoice has no lines"))


def run_by_the_clock() -> None:
    with monitor("send-invoices", monitor_config=EVERY_NIGHT):
        pass
    with contextlib.suppress(TimeoutError), monitor("import-orders", monitor_config=EVERY_NIGHT):
        raise TimeoutError


def storm() -> None:
    def fail(attempt: int) -> None:
        with sentry_sdk.new_scope() as scope:
            scope.set_user({"id": f"user-{attempt % 3}"})
            scope.capture_message(f"Attempt {attempt} failed", level="error")

    with ThreadPoolExecutor(4) as users:
        list(users.map(fail, range(30)))


def by_gzip() -> None:
    packing: Any = {"transport_compression_algo": "gzip"}
    client = sentry_sdk.Client(os.environ["DSN"], _experiments=packing)
    client.capture_event({"message": "Packed by gzip", "extra": {"log": ["a line of a long log"] * 5000}})
    client.close(PATIENCE_S)


def overdo() -> dict[str, Any]:
    """Report until the hub says that it is enough for this minute, and some more; returns what the SDK made of it."""
    client = sentry_sdk.Client(os.environ["LIMITED_DSN"])
    transport: Any = client.transport
    dropped: list[str] = []
    transport.on_dropped_event = dropped.append

    def report() -> None:
        client.capture_event({"message": "Too many of these"})
        client.flush(PATIENCE_S)

    def seconds_left() -> float:
        limits: dict[str | None, datetime] = transport._disabled_until
        return max(((until - datetime.now(UTC)).total_seconds() for until in limits.values()), default=0)

    # The next minute's quota lets in what follows, so there has to be some of this one left.
    for _ in range(MOST):
        if seconds_left() >= LEFT_S:
            break
        report()
        time.sleep(0.1)
    before = len(dropped)
    for _ in range(AFTERWARDS):
        report()
    return {"limited": [category or "all" for category in transport._disabled_until], "afterwards": dropped[before:]}


def reopen() -> None:
    raise OSError("Nobody catches this")


if __name__ == "__main__":
    main()
