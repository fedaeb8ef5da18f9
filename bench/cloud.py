"""An empty cloud in this process: the tests' store in memory, and a container that remembers nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

if TYPE_CHECKING:
    from tests.store import Store


@contextmanager
def empty() -> Iterator["Store"]:
    """Make one: the tables and queues that the template declares; what goes into a bucket is gone."""
    from chalicelib import storage
    from tests import faults, store

    with store.installed() as made, mock.patch.object(storage, "write"):
        faults.forget()
        yield made
