"""`/tasks`, `/instances`: operators plan what recurs, and see what is to be done on a date."""

from chalice.app import Blueprint

from chalicelib import clock, idempotency
from chalicelib.errors import Conflict, InstanceNotFound, InvalidCursor, PurgeNotFound, TaskNotFound
from chalicelib.identity import Identity, admin
from chalicelib.operations import operation
from chalicelib.paging import Page, PageQuery
from chalicelib.tasks import definitions, deleting, heartbeat, instances, listing, purging
from chalicelib.tasks.definitions import MadeTask, NewTask, TaskChange, TaskDetail, TaskView
from chalicelib.tasks.heartbeat import SchedulerView
from chalicelib.tasks.instances import DayQuery, InstanceChange, InstanceView
from chalicelib.tasks.purging import PurgeRequest, PurgeResult, UndoneResult

tasks = Blueprint(__name__)


@tasks.route("/tasks", methods=["POST"])
@operation(admin, status=201, idempotent=True)
def make_task(identity: Identity, body: NewTask) -> MadeTask:
    """With exactly one instance. The scheduled function makes every later one, on its day."""
    return definitions.make(body, identity.subject, clock.now(), idempotency.id_for(identity.subject))


@tasks.route("/tasks", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_tasks(_: Identity, query: PageQuery) -> Page[TaskView]:
    """The newest first."""
    return listing.page(query.limit, query.cursor)


@tasks.route("/tasks/{task_id}", methods=["GET"])
@operation(admin, raises=[TaskNotFound])
def get_task(_: Identity, task_id: str) -> TaskDetail:
    return definitions.show(task_id)


@tasks.route("/tasks/{task_id}", methods=["PATCH"])
@operation(admin, raises=[TaskNotFound])
def change_task(identity: Identity, task_id: str, body: TaskChange) -> TaskView:
    """Title, payload, `paused`, `end_date`. Instances that were made stay as they are."""
    return definitions.change(task_id, body, identity.subject, clock.now())


@tasks.route("/tasks/{task_id}", methods=["DELETE"])
@operation(admin)
def delete_task(identity: Identity, task_id: str) -> None:
    """With its instances that are not done. Safe to repeat."""
    deleting.delete(task_id, identity.subject, clock.now())


@tasks.route("/tasks/{task_id}/instances", methods=["GET"])
@operation(admin, raises=[TaskNotFound, InvalidCursor])
def list_task_instances(_: Identity, task_id: str, query: PageQuery) -> Page[InstanceView]:
    """The latest date first."""
    return instances.page_of_task(definitions.existing(task_id).task_id, query.limit, query.cursor)


@tasks.route("/instances", methods=["GET"])
@operation(admin, raises=[InvalidCursor])
def list_instances(_: Identity, query: DayQuery) -> Page[InstanceView]:
    """Those of one date, in the order of their local times."""
    return instances.page_of_day(query)


@tasks.route("/instances/{instance_id}", methods=["PATCH"])
@operation(admin, raises=[InstanceNotFound, Conflict])
def change_instance(identity: Identity, instance_id: str, body: InstanceChange) -> InstanceView:
    """Mark it as done, or as not done."""
    return instances.mark(instance_id, done=body.done, actor=identity.subject, now=clock.now())


@tasks.route("/tasks/purge-future", methods=["POST"])
@operation(admin, raises=[TaskNotFound])
def purge_future(identity: Identity, body: PurgeRequest | None) -> PurgeResult:
    """Instances of recurring tasks dated after today in the task's zone, but none that is done. Dry unless told."""
    return purging.purge(body or PurgeRequest(), identity.subject, clock.now())


@tasks.route("/tasks/purge-future/{purge_id}/undo", methods=["POST"])
@operation(admin, raises=[PurgeNotFound])
def undo_purge(identity: Identity, purge_id: str) -> UndoneResult:
    """Put back what a purge deleted. Safe to repeat."""
    return purging.undo(purge_id, identity.subject, clock.now())


@tasks.route("/scheduler", methods=["GET"])
@operation(admin)
def get_scheduler(_: Identity) -> SchedulerView:
    """Whether the scheduled function that makes instances runs, and keeps up."""
    return heartbeat.show(clock.now())
