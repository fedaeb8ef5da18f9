"""The account: who deploys, and where to."""

import difflib
import functools
import os
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import NoRegionError

from infra.troubles import Trouble

# A deployment takes minutes, in which a network may well fail once.
_PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 8})

# Whoever is not connected at all is told so soon.
_HASTY = Config(retries={"mode": "standard", "total_max_attempts": 2})


@dataclass(frozen=True, slots=True)
class Account:
    """An AWS account in one of its regions, or an emulator of it."""

    session: boto3.Session
    id: str
    region: str
    emulated: bool

    def client(self, service: str) -> Any:
        return _client(self.session, service)


def signed_in() -> Account:
    """The account and region of this environment's credentials.

    Raises Trouble for a region that does not exist, and botocore's errors, for which `troubles.explained` has words.
    """
    session = boto3.Session()
    if not session.region_name:
        raise NoRegionError
    _require_region(session, session.region_name)
    identity = session.client("sts", config=_HASTY).get_caller_identity()
    return Account(session, identity["Account"], session.region_name, bool(os.environ.get("AWS_ENDPOINT_URL")))


def require_room(account: Account, executions: int) -> None:
    """Raise Trouble when so many more concurrent executions cannot be reserved for a function."""
    limits = account.client("lambda").get_account_settings()["AccountLimit"]
    # What AWS leaves to functions without a reservation: all of the ten that a new account has.
    # Source: https://docs.aws.amazon.com/lambda/latest/dg/configuration-concurrency.html
    least = min(100, limits["ConcurrentExecutions"])
    if executions and limits["UnreservedConcurrentExecutions"] - executions < least:
        raise Trouble(
            f"{executions} concurrent executions cannot be set aside for the transcoder: this account has "
            f"{limits['UnreservedConcurrentExecutions']} left in {account.region}, of which {least} must stay free. "
            "Deploy with ReserveTranscoder=false or a smaller TranscoderConcurrency, or ask for more of Lambda's quota "
            "`Concurrent executions` in the console at Service Quotas."
        )


@functools.cache  # making one takes longer than most calls
def _client(session: boto3.Session, service: str) -> Any:
    return session.client(service, config=_PATIENT)  # type: ignore[call-overload]


def _require_region(session: boto3.Session, region: str) -> None:
    known = [
        name
        for partition in session.get_available_partitions()
        for name in session.get_available_regions("cloudformation", partition_name=partition)
    ]
    if region not in known:
        like = difflib.get_close_matches(region, known, n=1)
        meant = f"Did you mean {like[0]}?" if like else "Choose one by AWS_DEFAULT_REGION, such as eu-central-1."
        raise Trouble(f"There is no AWS region {region}. {meant}")
