"""Sentry: a backend of its own process dies of an exception, which Sentry's SDK reports as it does everywhere."""

import os
import subprocess
import sys
from typing import Any, Final

from infra import local
from infra.scenes import Scene, people
from infra.telling import Progress, wait
from infra.troubles import Trouble

ERROR_KEY: Final = "ReportCardFailed"
PATIENCE_S: Final = 30


def play(stack: local.Stack, progress: Progress) -> Scene:
    """Run the backend with the stack's DSN, and find its incident."""
    with people.operator(stack) as operator:
        people.forget_incidents(operator, error_key=ERROR_KEY)
        progress("running a backend with sentry_sdk")
        backend = subprocess.run(
            [sys.executable, "-m", "infra.scenes.gradebook"],
            cwd=local.PROJECT,
            env=os.environ | {"DSN": stack.dsn, "NO_PROXY": "*"},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        # It is to die of nothing else.
        if ERROR_KEY not in backend.stderr:
            raise Trouble(f"The backend did not get as far as its mistake: {backend.stderr[-500:]}")

        def look() -> dict[str, Any] | str:
            return next(people.every(operator, "/incidents", error_key=ERROR_KEY), "waiting for the incident")

        incident = wait(look, PATIENCE_S, progress)
    path = f"/incidents/{incident['incident_id']}"
    return Scene(
        f"""A backend died of an exception, and sentry_sdk reported it, told nothing but the DSN {stack.dsn}
It is an incident: {incident["title"]}""",
        ((path, "the exception: its stack with variables scrubbed of secrets, its cause, its breadcrumbs"),),
        ((path, "what sentry_sdk reported"),),
    )
