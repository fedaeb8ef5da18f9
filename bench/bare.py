"""Bare: the AWS calls that some code made, made again by botocore alone, their parameters ready and unchecked."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from botocore.client import BaseClient
from botocore.config import Config
from botocore.session import get_session

# Service, operation and parameters of each.
Calls = list[tuple[str, str, dict[str, Any]]]


@contextmanager
def noted() -> Iterator[Calls]:
    """Note every AWS call of this process."""
    calls: Calls = []
    make = BaseClient._make_api_call  # type: ignore[attr-defined]  # noqa: SLF001  # where all of botocore's clients meet

    def note(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        calls.append((client.meta.service_model.service_name, operation, parameters))
        return make(client, operation, parameters)

    # Not by unittest.mock, which brings asyncio along: no container has that.
    BaseClient._make_api_call = note  # type: ignore[attr-defined]  # noqa: SLF001
    try:
        yield calls
    finally:
        BaseClient._make_api_call = make  # type: ignore[attr-defined]  # noqa: SLF001


def again(calls: Calls) -> Callable[[], None]:
    """What makes them again, in their order."""
    session, config = get_session(), Config(parameter_validation=False, user_agent="bare")
    clients: dict[str, Any] = {
        service: session.create_client(service, config=config) for service in {service for service, _, _ in calls}
    }

    def make() -> None:
        for service, operation, parameters in calls:
            clients[service]._make_api_call(operation, parameters)  # noqa: SLF001

    return make
