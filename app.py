"""Groundcrew on one page: the middleware, the areas' routes, and every Lambda that is not HTTP.

Queue and schedule handlers stand here, not in blueprints: Lambda imports only the module of the handler it is told, so
one in a blueprint would run without any of this.
"""

from typing import Any

from chalice.app import Chalice, SQSEvent

from chalicelib import clock, http
from chalicelib.about.routes import about
from chalicelib.config import config
from chalicelib.incidents import absorbing, overflow
from chalicelib.incidents.routes import incidents
from chalicelib.observability import SERVICE, correlate, flush
from chalicelib.projects.routes import projects

app = Chalice(SERVICE, configure_logs=False)
app.register_middleware(http.middleware, "http")
app.register_blueprint(about)
app.register_blueprint(incidents)
app.register_blueprint(projects)


@app.on_sqs_message(queue=config().resource(overflow.QUEUE), batch_size=100, maximum_batching_window_in_seconds=1)
def absorb_overflow(event: SQSEvent) -> dict[str, Any]:
    messages = {record["messageId"]: record["body"] for record in event.to_dict()["Records"]}
    correlate(None)
    failed = absorbing.absorb(messages, clock.now())
    flush()
    return {"batchItemFailures": [{"itemIdentifier": message_id} for message_id in failed]}


for path in list(app.routes):
    app.route(path, methods=["OPTIONS"], name="preflight")(http.preflight)
