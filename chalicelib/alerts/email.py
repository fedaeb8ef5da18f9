"""Email: an alert by SES to a channel's addresses or, from a deployment without a sender, by SNS to its subscribers."""

import html
import unicodedata
from collections.abc import Sequence
from functools import cache
from typing import Any, Final

import botocore.config
from botocore.exceptions import BotoCoreError, ClientError

from chalicelib import aws
from chalicelib.alerts import alert as alerts
from chalicelib.alerts.alert import Alert
from chalicelib.alerts.outcome import Delivered, Outcome, Postponed, Rejected
from chalicelib.config import config

# SNS takes no more, and ASCII alone.
MAX_SUBJECT: Final = 100

_COME_AGAIN: Final = frozenset({"LimitExceededException", "SendingPausedException"})


def send(to: Sequence[str], alert: Alert) -> Outcome:
    """Send an alert. Without a sender of ours, or without addresses, whoever has subscribed to the topic gets it."""
    told = config()
    try:
        if told.alert_sender and to:
            return _by_ses(told.alert_sender, to, alert)
        if told.alert_topic:
            return _by_sns(told.alert_topic, alert)
    except ClientError as error:
        return _judged(error)
    except BotoCoreError:
        return Postponed("AWS could not be reached to send the email.")
    return Rejected("There is nobody to send it to: name addresses and a sender, or subscribe to the topic.")


def subject(alert: Alert) -> str:
    """One line, of which nothing can begin another header."""
    return alerts.cut(alerts.title(alert), MAX_SUBJECT)


def text(alert: Alert) -> str:
    """The email as plain text."""
    facts = [f"{name}: {value}" for name, value in alerts.facts(alert)]
    link = [f"Console: {alert.link}"] if alert.link else []
    paragraphs = ([alerts.title(alert)], alerts.lines(alert), [*facts, *link], [f"Delivery {alert.delivery_id}"])
    return "\n\n".join("\n".join(lines) for lines in paragraphs if lines) + "\n"


def page(alert: Alert) -> str:
    """The email as HTML, without styles, pictures or anything else that would have to be fetched."""
    facts = "".join(f"<tr><td>{name}</td><td>{html.escape(value)}</td></tr>" for name, value in alerts.facts(alert))
    link = f'<p><a href="{html.escape(alert.link)}">Open in the console</a></p>' if alert.link else ""
    return (
        f'<!doctype html><meta charset="utf-8"><h3>{html.escape(alerts.title(alert))}</h3>'
        f"<p>{'<br>'.join(html.escape(each) for each in alerts.lines(alert))}</p>"
        f"<table>{facts}</table>{link}<p><small>Delivery {html.escape(alert.delivery_id)}</small></p>"
    )


def _by_ses(sender: str, to: Sequence[str], alert: Alert) -> Delivered:
    answer = _client("sesv2").send_email(
        FromEmailAddress=sender,
        Destination={"ToAddresses": list(to)},
        Content={
            "Simple": {
                "Subject": {"Data": subject(alert), "Charset": "UTF-8"},
                "Body": {
                    "Text": {"Data": text(alert), "Charset": "UTF-8"},
                    "Html": {"Data": page(alert), "Charset": "UTF-8"},
                },
            }
        },
    )
    return Delivered(_status(answer))


def _by_sns(topic: str, alert: Alert) -> Delivered:
    plain = unicodedata.normalize("NFKD", subject(alert)).encode("ascii", "ignore").decode()
    answer = _client("sns").publish(TopicArn=topic, Subject=plain[:MAX_SUBJECT].strip(), Message=text(alert))
    return Delivered(_status(answer))


def _judged(error: ClientError) -> Outcome:
    said: Any = error.response.get("Error", {})
    code = str(said.get("Code", ""))
    reason = f"AWS did not take the email: {alerts.cut(str(said.get('Message') or code), 300)}"
    status = _status(error.response)
    passing = status >= 500 or status == 429 or "Throttl" in code or "TooMany" in code or code in _COME_AGAIN
    return Postponed(reason) if passing else Rejected(reason)


def _status(answer: Any) -> int:
    return int(answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


@cache
def _client(service: str) -> Any:
    patience = botocore.config.Config(
        connect_timeout=2, read_timeout=5, retries={"mode": "standard", "total_max_attempts": 2}
    )
    return aws.session().create_client(service, config=patience)
