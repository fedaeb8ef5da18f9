"""An empty cloud in this process: moto with what the template declares, and a container that remembers nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto import mock_aws

from bench import door


@contextmanager
def empty() -> Iterator[boto3.Session]:
    """Make a cloud; yields a session with it."""
    from chalicelib import memory
    from chalicelib.projects import ingest, quotas
    from infra import resources

    with mock_aws():
        session = boto3.Session()
        resources.create(door.ENVIRONMENT["STAGE"], session)
        memory.forget()
        ingest.forget()
        quotas.forget()
        yield session
