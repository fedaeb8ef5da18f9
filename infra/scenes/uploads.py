"""Uploads: one that the store refuses, as its file changed while it was sent. The phone reports that: an incident."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import httpx

from infra import local
from infra.scenes import Scene, camera, people, phone
from infra.telling import Progress
from infra.troubles import Trouble

NAME: Final = "IMG_2393.MOV"
ERROR_KEY: Final = "homework_proof"
OURS: Final = {"told_by": "make demo", "homework_id": "homework-13", "student_id": "student-7"}
REFUSAL: Final = "SignatureDoesNotMatch"


def play(stack: local.Stack, progress: Progress) -> Scene:
    """Send less than was declared, and report it as `web/sdk` does."""
    with people.operator(stack) as operator, people.customer(stack) as customer, TemporaryDirectory() as folder:
        people.forget_incidents(operator, error_key=ERROR_KEY, q=REFUSAL)
        people.forget_media(operator, OURS)
        clip = Path(folder, NAME)
        camera.clip(clip)
        size = clip.stat().st_size
        begun = phone.begin(customer, NAME, size, OURS)
        progress("trimming the video while it is sent")
        with clip.open("rb") as file:
            upload = begun["upload"]
            refusal = phone.put(upload["url"], file, size // 2, upload["headers"], lambda _: None)
        if REFUSAL not in refusal.text:
            raise Trouble(f"The store answered {refusal.status_code} to half of what was signed: {refusal.text}")
        incident_id = _report(stack, begun["media_id"], size, refusal)
        incident = people.said(operator.get(f"/incidents/{incident_id}"))
    return Scene(
        f"""{NAME} was trimmed while it was sent, and the store refused it: {refusal.status_code} {REFUSAL}.
The page reported that, and it is an incident now: {incident["status"]}, severity {incident["severity"]}.""",
        ((f"/incidents/{incident_id}", "the upload that failed: whose, which step, what the store said"),),
        ((f"/incidents/{incident_id}", "the upload that failed"),),
    )


def _report(stack: local.Stack, media_id: str, size: int, refusal: httpx.Response) -> str:
    body = {
        "error_key": ERROR_KEY,
        "severity": "HIGH",
        "environment": "production",
        "release": "web@2.4.0",
        "route_name": "/homework/:id",
        "actor_type": "customer",
        "user_id": people.CUSTOMER,
        "user_notified": True,
        "http_status": refusal.status_code,
        "response_data": {"body": refusal.text},
        "description": {
            "customer_id": people.CUSTOMER,
            **OURS,
            "file_name": NAME,
            "file_size": size,
            "file_type": phone.CONTENT_TYPE,
            "error_message": f"PUT of the file to the store was answered {refusal.status_code} {REFUSAL}",
            "failure": "http",
            "step": "send",
            "code": REFUSAL,
            "attempts": 1,
            "media_id": media_id,
        },
    }
    with people.frontend(stack) as page:
        return str(people.said(page.post("/incidents", json=body))["incident_id"])
