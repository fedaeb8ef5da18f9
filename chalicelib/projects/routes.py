"""`/projects`: several frontends share a deployment without seeing or starving each other."""

from typing import Any

from chalice.app import Blueprint, Response

from chalicelib import clock, http, paging
from chalicelib.idempotency import idempotent
from chalicelib.identity import Identity, requires
from chalicelib.projects import ingest, settings

projects = Blueprint(__name__)


@projects.route("/projects", methods=["GET"])
@requires("admin")
def list_projects(_: Identity) -> dict[str, Any]:
    items, next_cursor = settings.page(paging.limit(http.parameter("limit")), http.parameter("cursor"), clock.now())
    return {"items": items, "next_cursor": next_cursor}


@projects.route("/projects", methods=["POST"])
@requires("admin")
@idempotent
def make_project(identity: Identity) -> Response:
    return Response(settings.make(http.model(settings.NewProject), identity.subject, clock.now()), status_code=201)


@projects.route("/projects/{project_id}", methods=["GET"])
@requires("admin")
def get_project(_: Identity, project_id: str) -> dict[str, Any]:
    now = clock.now()
    return settings.show(settings.find(project_id, now), now)


@projects.route("/projects/{project_id}", methods=["PATCH"])
@requires("admin")
def change_project(identity: Identity, project_id: str) -> dict[str, Any]:
    changed = settings.change(project_id, http.model(settings.ProjectChange), identity.subject, clock.now())
    ingest.forget()
    return changed


@projects.route("/projects/{project_id}/keys", methods=["POST"])
@requires("admin")
@idempotent
def make_key(identity: Identity, project_id: str) -> Response:
    key = settings.make_key(project_id, identity.subject, clock.now())
    return Response({"key": key}, status_code=201)


@projects.route("/projects/{project_id}/keys/{key}", methods=["DELETE"])
@requires("admin")
def revoke_key(identity: Identity, project_id: str, key: str) -> Response:
    settings.revoke_key(project_id, key, identity.subject, clock.now())
    ingest.forget()
    return Response("", status_code=204)
