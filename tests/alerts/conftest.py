"""Alerts in tests: no container remembers what another test taught it."""

import pytest

from tests.alerts import telling


@pytest.fixture(autouse=True)
def fresh() -> None:
    telling.forget()
