"""Listing: pages of tasks."""

from chalicelib import paging
from chalicelib.tasks import definitions, models
from chalicelib.tasks.definitions import TaskView


def page(limit: int, cursor: str | None) -> paging.Page[TaskView]:
    """One page, the newest `created_at` first. Raises InvalidCursor."""
    scope = paging.scope("tasks", {})
    found = models.positions(paging.position(scope, cursor), limit + 1)
    ids = [position.rpartition("#")[2] for position in found[:limit]]
    tasks = models.find_many(ids)
    # One that was deleted a moment ago may still be in the index.
    items = [definitions.view(tasks[each]) for each in ids if each in tasks and not tasks[each].deleting]
    return paging.Page(items, paging.cursor(scope, found[limit - 1]) if len(found) > limit else None)
