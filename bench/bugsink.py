"""Bugsink, in a process of its own: a database, a project, and requests into its WSGI application.

Tasks run at once and not in its background workers, which saves it their queue. It sends nothing anywhere.
"""

import io
import json
import os
import sys
import time
from pathlib import Path
from typing import Any


def main() -> None:
    """Take the events in the folder that is named, which has the database, too; tell the CPU in ms of one.

    The first half warms up.
    """
    folder = Path(sys.argv[1])
    from bugsink.settings import default  # type: ignore[import-not-found]  # only where it was installed to

    default.SECRET_KEY = "bench" * 12
    default.SNAPPEA = {"TASK_ALWAYS_EAGER": True}
    default.BUGSINK = {"PHONEHOME": False, "INGEST_STORE_BASE_DIR": str(folder / "ingestion")}
    default.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    os.environ["DJANGO_SETTINGS_MODULE"] = default.__name__
    from django.core.management import call_command  # type: ignore[import-not-found]
    from django.core.wsgi import get_wsgi_application  # type: ignore[import-not-found]

    application = get_wsgi_application()
    for database in ("default", "snappea"):
        call_command("migrate", database=database, verbosity=0)
    from projects.models import Project  # type: ignore[import-not-found]

    project, _ = Project.objects.get_or_create(name="bench")
    before = project.digested_event_count
    requests = [_request(path.read_bytes(), project) for path in folder.glob("events/*.gz")]
    half = len(requests) // 2
    for request in requests[:half]:
        _answered(application, request)
    began = time.process_time()
    for request in requests[half:]:
        _answered(application, request)
    taken = (time.process_time() - began) * 1000 / half
    project.refresh_from_db()
    if (project.digested_event_count - before, project.issue_count) != (len(requests), 1):
        raise RuntimeError(f"{project.digested_event_count - before} of {len(requests)} events were taken")
    print(json.dumps(taken))


def _request(body: bytes, project: Any) -> dict[str, Any]:
    return {
        "REQUEST_METHOD": "POST",
        "PATH_INFO": f"/api/{project.id}/envelope/",
        "QUERY_STRING": "",
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_TYPE": "application/x-sentry-envelope",
        "CONTENT_LENGTH": str(len(body)),
        "HTTP_CONTENT_ENCODING": "gzip",
        "HTTP_X_SENTRY_AUTH": f"Sentry sentry_version=7, sentry_key={project.sentry_key.hex}",
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }


def _answered(application: Any, request: dict[str, Any]) -> None:
    statuses = []
    answer = application(request, lambda status, _: statuses.append(status))
    content = b"".join(answer)
    answer.close()
    if statuses != ["200 OK"]:
        raise RuntimeError(f"{statuses} {content!r}")
