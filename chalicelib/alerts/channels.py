"""Channels: the ways in which somebody is told. What is secret about one goes in and never comes out again."""

from datetime import datetime
from typing import Annotated, Final, Literal
from urllib.parse import urlsplit

from msgspec import Meta, Struct

from chalicelib import destinations
from chalicelib.alerts import email, pagerduty, slack, webhook
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.outcome import Outcome
from chalicelib.destinations import NotAllowed
from chalicelib.errors import InvalidRequest

Address = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=r"^[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@([A-Za-z0-9-]{1,63}\.){1,10}[A-Za-z0-9-]{2,63}(?!\n)$",
    ),
]
Url = Annotated[str, Meta(min_length=1, max_length=destinations.MAX_URL)]
Secret = Annotated[
    str,
    Meta(
        pattern=r"^[!-~]{16,200}(?!\n)$",
        description="`whsec_` and the key in base64, as libraries of Standard Webhooks want it, or any text.",
    ),
]

# Of what is secret the last are shown, if it is long enough not to be told by them.
SHOWN: Final = 4
SHOWN_OF: Final = 12


class _Settings(Struct, frozen=True, forbid_unknown_fields=True, tag_field="type"):
    """Settings of a channel, which nothing that prints one tells."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class Email(_Settings, frozen=True, tag="email"):
    """By email: to these addresses where the deployment has a sender, else to those who subscribed to its topic."""

    to: Annotated[list[Address], Meta(max_length=20)] = []


class Slack(_Settings, frozen=True, tag="slack"):
    """By an incoming webhook of Slack."""

    url: Url


class PagerDuty(_Settings, frozen=True, tag="pagerduty"):
    """By the integration of a PagerDuty service, of the kind Events API v2."""

    routing_key: Annotated[str, Meta(pattern=r"^[A-Za-z0-9]{32}(?!\n)$")]
    region: Literal["us", "eu"] = "us"


class Webhook(_Settings, frozen=True, tag="webhook"):
    """By a request to a receiver of one's own, signed by one secret, or two while one replaces the other."""

    url: Url
    secrets: Annotated[list[Secret], Meta(min_length=1, max_length=2)]


Channel = Email | Slack | PagerDuty | Webhook


class ChannelView(Struct, frozen=True, omit_defaults=True):
    """A channel as it is shown: of URLs the host, and of what is secret the last characters."""

    type: Literal["email", "slack", "pagerduty", "webhook"]
    to: list[str] = []
    url: str = ""
    routing_key: str = ""
    region: str = ""
    secrets: list[str] = []


def send(channel: Channel, alert: Alert, now: datetime) -> Outcome:
    """Tell an alert by a channel, once, within 10 seconds, by email 15.

    Raises nothing that the receiver is to blame for. What is sent again may arrive again: its delivery id is the same.
    """
    match channel:
        case Email(to):
            return email.send(to, alert)
        case Slack(url):
            return slack.send(url, alert)
        case PagerDuty(routing_key, region):
            return pagerduty.send(routing_key, region, alert)
        case Webhook(url, secrets):
            return webhook.send(url, secrets, alert, now)


def require_sendable(channel: Channel, path: str) -> None:
    """Raise InvalidRequest, under the field `path`, for a channel by which nothing could ever be sent."""
    try:
        if isinstance(channel, Slack | Webhook):
            destinations.find(channel.url)
    except NotAllowed as error:
        raise InvalidRequest(f"The channel's url {error}.", [(f"{path}.url", str(error))]) from error
    try:
        if isinstance(channel, Webhook):
            for secret in channel.secrets:
                webhook.key(secret)
    except ValueError as error:
        raise InvalidRequest(f"A secret of the channel {error}.", [(f"{path}.secrets", str(error))]) from error


def show(channel: Channel) -> ChannelView:
    """A channel as its owners are shown it."""
    match channel:
        case Email(to):
            return ChannelView("email", to=to)
        case Slack(url):
            return ChannelView("slack", url=_url(url))
        case PagerDuty(routing_key, region):
            return ChannelView("pagerduty", routing_key=_end(routing_key), region=region)
        case Webhook(url, secrets):
            return ChannelView("webhook", url=_url(url), secrets=[_end(secret) for secret in secrets])


def _url(url: str) -> str:
    # Whoever knows the path of Slack's can post; of others nobody can say, nor how long what is secret in them is.
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}/…"


def _end(secret: str) -> str:
    return f"…{secret[-SHOWN:]}" if len(secret) >= SHOWN_OF else "…"
