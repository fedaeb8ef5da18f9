"""Logs and metrics: JSON lines and CloudWatch EMF, each with the correlation id of the request that caused it."""

import re
import uuid

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from chalicelib.config import config

SERVICE = "groundcrew"

logger = Logger(service=SERVICE, log_uncaught_exceptions=False)
metrics = Metrics(namespace="Groundcrew", service=SERVICE)
# Several stages may share an account.
metrics.set_default_dimensions(stage=config().stage)

_CORRELATION_ID = re.compile(r"[\w.:-]{1,128}", re.ASCII)


def correlate(candidate: str | None) -> str:
    """Adopt the caller's correlation id, or make one where it has none that fits; every later log line carries it."""
    known = candidate if candidate and _CORRELATION_ID.fullmatch(candidate) else uuid.uuid4().hex
    logger.thread_safe_clear_keys()
    logger.thread_safe_append_keys(correlation_id=known)
    return known


def correlation_id() -> str:
    """The correlation id of the work at hand, or an empty string outside of any."""
    return str(logger.thread_safe_get_current_keys().get("correlation_id", ""))


def count(name: str, value: int = 1) -> None:
    """Add to a metric of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Count, value=value)


def seconds(name: str, value: float) -> None:
    """Note a span of time as a metric of this invocation."""
    metrics.add_metric(name=name, unit=MetricUnit.Seconds, value=value)


def flush() -> None:
    """Write the invocation's metrics, if it has any, as one EMF line."""
    if metrics.metric_set:
        metrics.add_metadata("correlation_id", correlation_id())
        metrics.flush_metrics()
