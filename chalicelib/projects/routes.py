"""`/projects`: several frontends share a deployment without seeing or starving each other."""

from chalice.app import Blueprint

from chalicelib import clock
from chalicelib.errors import Conflict, InvalidCursor, ProjectNotFound
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery
from chalicelib.projects import ingest, settings
from chalicelib.projects.settings import NewKey, NewProject, ProjectChange, ProjectSettings

projects = Blueprint(__name__)


@projects.route("/projects", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_projects(_: Identity, query: PageQuery) -> Page[ProjectSettings]:
    return settings.page(query.limit, query.cursor, clock.now())


@projects.route("/projects", methods=["POST"])
@operation(admin, status=201, idempotent=True)
def make_project(identity: Identity, body: NewProject) -> ProjectSettings:
    return settings.make(body, identity.subject, clock.now())


@projects.route("/projects/{project_id}", methods=["GET"])
@operation(admin, raises=[ProjectNotFound])
def get_project(_: Identity, project_id: str) -> ProjectSettings:
    now = clock.now()
    return settings.show(settings.find(project_id, now), now)


@projects.route("/projects/{project_id}", methods=["PATCH"])
@operation(admin, raises=[ProjectNotFound])
def change_project(identity: Identity, project_id: str, body: ProjectChange) -> ProjectSettings:
    """Containers follow within a minute."""
    changed = settings.change(project_id, body, identity.subject, clock.now())
    ingest.forget()
    return changed


@projects.route("/projects/{project_id}/keys", methods=["POST"])
@operation(admin, status=201, raises=[ProjectNotFound, Conflict], idempotent=True)
def make_key(identity: Identity, project_id: str) -> NewKey:
    """A project has at most twenty."""
    return settings.make_key(project_id, identity.subject, clock.now())


@projects.route("/projects/{project_id}/keys/{key}", methods=["DELETE"])
@operation(admin, raises=[ProjectNotFound])
def revoke_key(identity: Identity, project_id: str, key: str) -> None:
    """A revoked key is refused within a minute. Safe to repeat."""
    settings.revoke_key(project_id, key, identity.subject, clock.now())
    ingest.forget()
