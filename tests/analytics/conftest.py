"""The public door of tracking, without the wait for a cloud."""

from collections.abc import Iterator

import pytest

import app
from tests import store as stores
from tests.conftest import Door
from tests.faults import Gateway, forget, no_pauses


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch) -> dict[str, bytes]:
    """What is written to the bucket of events, by key, in place of a bucket."""
    objects: dict[str, bytes] = {}
    monkeypatch.setattr("chalicelib.storage.write", lambda _store, key, body, _type: objects.update({key: body}))
    return objects


@pytest.fixture
def store() -> Iterator[stores.Store]:
    """An empty database in memory, and a container that remembers nothing."""
    forget()
    with stores.installed() as store, no_pauses():
        yield store


@pytest.fixture
def swift(store: stores.Store, bucket: dict[str, bytes]) -> Door:
    """The door on `store` and `bucket`."""
    return Door(Gateway(app.app))
