"""Groundcrew on one page: the middleware, the areas' routes, and every Lambda that is not HTTP.

Queue and schedule handlers stand here, not in blueprints: Lambda imports only the module of the handler it is told, so
one in a blueprint would run without any of this.
"""

from typing import Any

from chalice.app import Chalice, CloudWatchEvent, SQSEvent

from chalicelib import clock, http, queues
from chalicelib.about.routes import about
from chalicelib.alerts import delivering
from chalicelib.alerts import sweeping as alerts_sweeping
from chalicelib.alerts.outbox import QUEUE as DELIVERIES
from chalicelib.alerts.routes import alerts
from chalicelib.analytics.routes import analytics
from chalicelib.config import config
from chalicelib.console.routes import console
from chalicelib.incidents import absorbing, overflow, own
from chalicelib.incidents.routes import incidents
from chalicelib.jobs import sweeping as jobs_sweeping
from chalicelib.jobs.routes import jobs
from chalicelib.media import burying, messages
from chalicelib.media import sweeping as media_sweeping
from chalicelib.media.routes import media
from chalicelib.observability import SERVICE, correlate, flush
from chalicelib.projects.routes import projects
from chalicelib.schedules import sweeping as schedules_sweeping
from chalicelib.schedules.routes import schedules
from chalicelib.sentry.routes import sentry
from chalicelib.tasks import scheduling
from chalicelib.tasks.routes import tasks

app = Chalice(SERVICE, configure_logs=False)
# Of these Chalice would encode the answers by itself, and refuse them to clients that send no Accept.
app.api.binary_types = []
app.register_middleware(http.middleware, "http")
app.register_blueprint(about)
app.register_blueprint(alerts)
app.register_blueprint(analytics)
app.register_blueprint(console)
app.register_blueprint(incidents)
app.register_blueprint(jobs)
app.register_blueprint(media)
app.register_blueprint(projects)
app.register_blueprint(schedules)
app.register_blueprint(sentry)
app.register_blueprint(tasks)


@app.on_sqs_message(queue=config().resource(overflow.QUEUE), batch_size=100, maximum_batching_window_in_seconds=1)
def absorb_overflow(event: SQSEvent) -> dict[str, Any]:
    messages = {record["messageId"]: record["body"] for record in event.to_dict()["Records"]}
    correlate(None)
    failed = absorbing.absorb(messages, clock.now())
    flush()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


@app.on_sqs_message(queue=config().resource(messages.QUEUE), batch_size=1)
def transcode_upload(event: SQSEvent) -> dict[str, Any]:
    # Only this function needs it, and the others start faster without.
    from chalicelib.media import transcoding

    return queues.each(event, lambda body: transcoding.take(body, queues.remaining_s(event)))


@app.on_sqs_message(queue=config().resource(f"{messages.QUEUE}-dead-letters"), batch_size=10)
def fail_dead_uploads(event: SQSEvent) -> dict[str, Any]:
    return queues.each(event, lambda body: burying.bury(body, clock.now()))


@app.schedule("rate(1 minute)")
def create_due_instances(_: CloudWatchEvent) -> None:
    correlate(None)
    scheduling.create_due_instances(clock.now())
    flush()


@app.on_sqs_message(queue=config().resource(scheduling.QUEUE), batch_size=10)
def create_instances(event: SQSEvent) -> dict[str, Any]:
    return queues.each(event, lambda body: scheduling.take(body, clock.now()))


@app.schedule("rate(1 minute)")
def sweep_jobs(_: CloudWatchEvent) -> None:
    correlate(None)
    jobs_sweeping.sweep(clock.now())
    flush()


@app.schedule("rate(15 minutes)")
def sweep_uploads(_: CloudWatchEvent) -> None:
    correlate(None)
    media_sweeping.sweep(clock.now())
    flush()


@app.schedule("rate(1 minute)")
def sweep_schedules(_: CloudWatchEvent) -> None:
    correlate(None)
    schedules_sweeping.sweep(clock.now())
    flush()


@app.on_sqs_message(queue=config().resource(DELIVERIES), batch_size=1)
def deliver_alerts(event: SQSEvent) -> dict[str, Any]:
    return queues.each(event, lambda body: delivering.take(body, clock.now(), own.tell))


@app.schedule("rate(1 minute)")
def watch_failures(_: CloudWatchEvent) -> None:
    # Only these two functions need them, and the others start faster without.
    from chalicelib.analytics import watching

    correlate(None)
    alerts_sweeping.sweep(clock.now())
    watching.watch(clock.now())
    flush()


@app.schedule("cron(20 2 * * ? *)")
def recompute_rollups(_: CloudWatchEvent) -> None:
    from chalicelib.analytics import recomputing, reviewing

    correlate(None)
    reviewing.review(clock.now())
    recomputing.nightly(clock.now())
    flush()


for path in list(app.routes):
    app.route(path, methods=["OPTIONS"], name="preflight")(http.preflight)
