"""The report that is measured: what a school's homework page says about a failed upload, about 700 bytes."""

import uuid
from typing import Any


def report(nth: int, failure: str = "upload", *, event_id: bool = False) -> dict[str, Any]:
    """The nth report of a failure; `failure` is words, as numbers do not tell failures apart."""
    body: dict[str, Any] = {
        "error_key": "homework_proof",
        "severity": "HIGH",
        "environment": "production",
        "release": "school@3.14.2",
        "url": "https://school.example.com/homework/4711/proofs?step=2",
        "route_name": "/homework/:id/proofs",
        "endpoint": "PUT /proofs",
        "http_status": 504,
        "actor_type": "customer",
        "user_id": "68",
        "stack_trace": "TimeoutError: upload timed out\n    at put (https://school.example.com/assets/app.js:10:42)\n",
        "description": {
            "customer_id": 68,
            "file_name": f"IMG_{nth}.mov",
            "file_type": "video/quicktime",
            "attempt": 2,
            "error_message": f"{failure} of IMG_{nth}.mov failed: the connection was lost after {nth % 90} MB",
        },
    }
    return body | {"event_id": uuid.uuid4().hex} if event_id else body


def name(nth: int) -> str:
    """A failure's name: the number in letters, so that grouping keeps apart what it numbers."""
    return "".join(chr(ord("a") + int(digit)) for digit in str(nth))
