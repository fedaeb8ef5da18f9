"""Projects: what operators set for each, and the first one, which a deployment makes by itself."""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import UNSET, UnsetType

from chalicelib import clock, http, paging
from chalicelib.clock import Time
from chalicelib.config import FIRST_PROJECT, config
from chalicelib.errors import Conflict, ProjectNotFound
from chalicelib.observability import correlation_id
from chalicelib.personal import Scrub
from chalicelib.projects import models, quotas
from chalicelib.projects.models import Audit, Project
from chalicelib.rows import SYSTEM

MOST_KEYS: Final = 20
MOST_IN_PAGE: Final = 100

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=100)]
Origin = Annotated[str, msgspec.Meta(pattern=r"^(\*|https?://[A-Za-z0-9.-]{1,253}(:([0-9]{1,5}|\*))?)$")]
Origins = Annotated[list[Origin], msgspec.Meta(min_length=1, max_length=50)]
Quota = Annotated[int, msgspec.Meta(ge=0, le=10**12)]
Days = Annotated[int, msgspec.Meta(ge=1, le=3650)]


class NewProject(msgspec.Struct, forbid_unknown_fields=True):
    """A project to be made. A quota of 0 is none."""

    name: Name
    quota_per_minute: Quota = 0
    allowed_origins: Origins = msgspec.field(default_factory=lambda: ["*"])
    retention_days: Days | UnsetType = UNSET
    scrub: Scrub = msgspec.field(default_factory=Scrub)


class ProjectChange(msgspec.Struct, forbid_unknown_fields=True):
    """What is to change of a project: what is absent stays as it is."""

    name: Name | UnsetType = UNSET
    quota_per_minute: Quota | UnsetType = UNSET
    allowed_origins: Origins | UnsetType = UNSET
    retention_days: Days | UnsetType = UNSET
    scrub: Scrub | UnsetType = UNSET


class ProjectSettings(msgspec.Struct, frozen=True):
    """A project. `refused_today` counts the reports over its quota since midnight UTC."""

    project_id: str
    name: str
    keys: list[str]
    dsn: str | None
    quota_per_minute: int
    refused_today: int
    allowed_origins: list[str]
    retention_days: int
    scrub: Scrub
    created_at: Time
    updated_at: Time


class NewKey(msgspec.Struct, frozen=True):
    """One more ingest key."""

    key: str


@dataclass(frozen=True, slots=True)
class Terms:
    """On what terms a project's reports are taken."""

    project_id: str
    quota_per_minute: int
    allowed_origins: tuple[str, ...]
    retention_days: int
    scrub: Scrub


def make(new: NewProject, actor: str, now: datetime) -> ProjectSettings:
    """Make a project with its first ingest key."""
    return show(_make(models.next_id(), secrets.token_hex(16), new, actor, now), now)


def find(project_id: str, now: datetime) -> Project:
    """A project. Raises ProjectNotFound. The first one is made when it is first asked for."""
    project = models.find(project_id) if models.is_project_id(project_id) else None
    if project is None and project_id == FIRST_PROJECT:
        key = config().ingest_key or secrets.token_hex(16)
        project = _make(FIRST_PROJECT, key, NewProject("First project"), SYSTEM, now)
    if project is None:
        raise ProjectNotFound("There is no project with this id.")
    return project


def terms(project: Project) -> Terms:
    """What reporting needs to know of a project."""
    return Terms(
        project_id=project.project_id,
        quota_per_minute=int(project.quota_per_minute),
        allowed_origins=tuple(project.allowed_origins),
        retention_days=int(project.retention_days),
        scrub=msgspec.convert(project.scrub, Scrub),
    )


def default_terms() -> Terms:
    """The terms on which the first project begins."""
    return Terms(FIRST_PROJECT, 0, ("*",), config().retention_days, Scrub())


def retention_days(project_id: str, now: datetime) -> int:
    """How long a project's reports are kept; the deployment's default for one that does not exist."""
    try:
        return int(find(project_id, now).retention_days)
    except ProjectNotFound:
        return config().retention_days


def show(project: Project, now: datetime) -> ProjectSettings:
    """A project as operators see it."""
    keys = sorted(project.ingest_keys or ())
    return ProjectSettings(
        project_id=project.project_id,
        name=project.name,
        keys=keys,
        dsn=_dsn(project.project_id, keys[0]) if keys else None,
        quota_per_minute=int(project.quota_per_minute),
        refused_today=quotas.refused_today(project.project_id, now),
        allowed_origins=list(project.allowed_origins),
        retention_days=int(project.retention_days),
        scrub=msgspec.convert(project.scrub, Scrub),
        created_at=project.created_at,
        updated_at=project.updated_at,
    )


def page(limit: int, cursor: str | None, now: datetime) -> paging.Page[ProjectSettings]:
    """A page of projects in the order of their ids. Raises InvalidCursor."""
    find(FIRST_PROJECT, now)
    scope = paging.scope("projects", {})
    found = models.page(paging.position(scope, cursor), limit + 1)
    items = [show(project, now) for project in found[:limit]]
    return paging.Page(items, paging.cursor(scope, found[limit - 1].sk) if len(found) > limit else None)


def ids() -> list[str]:
    """The ids of all projects, in their order. Raises Busy."""
    found = {FIRST_PROJECT: None}
    after: str | None = None
    while page := models.page(after, MOST_IN_PAGE):
        found |= dict.fromkeys(project.project_id for project in page)
        after = page[-1].sk
    return list(found)


def change(project_id: str, change: ProjectChange, actor: str, now: datetime) -> ProjectSettings:
    """Change settings; containers follow within a minute. Raises ProjectNotFound."""
    project = find(project_id, now)
    changes = msgspec.to_builtins(change)
    if changes:
        models.change(project, changes, _audit(project_id, actor, "change", changes, now), now)
    return show(find(project_id, now), now)


def make_key(project_id: str, actor: str, now: datetime) -> NewKey:
    """One more ingest key for a project. Raises ProjectNotFound, and Conflict where it has twenty."""
    project, key = find(project_id, now), secrets.token_hex(16)
    if not models.add_key(project, key, MOST_KEYS, _audit(project_id, actor, "make key", key, now)):
        raise Conflict(f"A project has at most {MOST_KEYS} keys; revoke one first.")
    return NewKey(key)


def revoke_key(project_id: str, key: str, actor: str, now: datetime) -> None:
    """Revoke a key; containers refuse it within a minute. Safe to repeat. Raises ProjectNotFound."""
    project = find(project_id, now)
    if models.is_key(key):
        models.revoke_key(project, key, _audit(project_id, actor, "revoke key", key, now))


def _make(project_id: str, key: str, new: NewProject, actor: str, now: datetime) -> Project:
    stamp = clock.rfc3339(now)
    project = Project(
        "PROJECTS",
        models.position(project_id),
        name=new.name,
        ingest_keys={key},
        quota_per_minute=new.quota_per_minute,
        allowed_origins=new.allowed_origins,
        retention_days=config().retention_days if new.retention_days is UNSET else new.retention_days,
        scrub=msgspec.to_builtins(new.scrub),
        created_at=stamp,
        updated_at=stamp,
    )
    if models.make(project, key, _audit(project_id, actor, "make", msgspec.to_builtins(new), now)):
        return project
    # Another container made the first project meanwhile.
    return find(project_id, now)


def _audit(project_id: str, actor: str, action: str, change: object, now: datetime) -> Audit:
    return models.audit(project_id, actor, action, now, correlation_id=correlation_id(), change=change)


def _dsn(project_id: str, key: str) -> str:
    scheme, _, host = http.base_url().partition("://")
    return f"{scheme}://{key}@{host}/{project_id}"
