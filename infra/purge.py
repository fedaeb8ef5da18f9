"""The purge from the shell: wrongly made future instances of recurring tasks go, or come back.

`make purge-future` says what it would delete; with APPLY=1 it deletes that, and says how to undo it, which
`make undo-purge` does. Both ask the API, of the local stack or of the deployment that URL names, as the admin whose
TOKEN it is.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from infra import local
from infra.token import token

TIMEOUT_S: Final = 35  # API Gateway's own is 29

PATH: Final = "/tasks/purge-future"


class Item(msgspec.Struct, frozen=True):
    """An instance that a purge found."""

    task_id: str
    date: str
    title: str


class Purged(msgspec.Struct, frozen=True):
    """What a purge found and deleted. Only the first of what matched are `items`."""

    matched: int
    deleted: int
    items: list[Item]
    purge_id: str | None
    complete: bool


class Undone(msgspec.Struct, frozen=True):
    """What an undo put back so far."""

    restored: int
    already_there: int
    task_gone: int
    complete: bool


Answer = TypeVar("Answer")


class PurgeError(Exception):
    """Why nothing more could be done, in a sentence for a person."""


def main(arguments: Sequence[str]) -> int:
    """Purge what TASK and APPLY say, or with the argument `undo` put back PURGE; returns the exit status."""
    try:
        with _client() as api:
            if list(arguments) == ["undo"]:
                _undo(api, os.environ.get("PURGE", ""))
            else:
                _purge(api, os.environ.get("TASK", ""), apply=os.environ.get("APPLY") == "1")
    except (PurgeError, local.NotRunning) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _purge(api: httpx.Client, task_id: str, *, apply: bool) -> None:
    request = {"task_id": task_id} if task_id else {}
    found = _post(api, PATH, {**request, "dry_run": True}, Purged)
    if not found.matched:
        whose = "this task has" if task_id else "recurring tasks have"
        print(f"There is nothing to purge: {whose} no instances after today that are not done.")
        return
    least = "" if found.complete else "At least "
    print(f"{least}{_instances(found.matched)} of recurring tasks after today, not done:")
    for each in found.items:
        print(f"  {each.date}  {_printable(each.title)}  (task {each.task_id})")
    if found.matched > len(found.items):
        print(f"  ... and {found.matched - len(found.items):,} more")
    if apply:
        _delete(api, request)
    else:
        again = f"TASK={task_id} APPLY=1" if task_id else "APPLY=1"
        print(f"Nothing was deleted, as this was a dry run. To delete them: {again} make purge-future")


def _delete(api: httpx.Client, request: dict[str, Any]) -> None:
    deleted, left = 0, True
    while left:
        done = _post(api, PATH, {**request, "dry_run": False}, Purged)
        deleted += done.deleted
        left = not done.complete
        # At once: should the next request fail, this one can be undone all the same.
        if done.deleted:
            print(f"Deleted {_instances(done.deleted)}. To put back: PURGE={done.purge_id} make undo-purge")
        elif left:
            raise PurgeError("The rest keeps being changed by others; see what is left by make purge-future.")
    print(f"{_instances(deleted)} deleted in all; for 90 days they can be put back.")
    print("Each task goes on from the first date that it lost, and makes it anew on its day.")


def _undo(api: httpx.Client, purge_id: str) -> None:
    if not purge_id:
        raise PurgeError("PURGE must say which purge to undo, by the id that make purge-future printed.")
    restored = already_there = task_gone = 0
    while True:
        done = _post(api, f"{PATH}/{quote(purge_id, safe='')}/undo", {}, Undone)
        restored += done.restored
        already_there += done.already_there
        task_gone += done.task_gone
        if done.complete:
            break
        if not (done.restored or done.already_there or done.task_gone):
            raise PurgeError(f"Put back {_instances(restored)}, and then it went no further; try again.")
    print(f"Put back {_instances(restored)}.")
    if already_there:
        print(f"For {_instances(already_there)} there was a new one for the date already, which stays.")
    if task_gone:
        print(f"{_instances(task_gone)} cannot be put back, as the tasks were deleted.")


def _client() -> httpx.Client:
    url, bearer = os.environ.get("URL", ""), os.environ.get("TOKEN", "")
    if url and not bearer:
        raise PurgeError("URL names a deployment: TOKEN must be a token of one of its admins.")
    try:
        if url:
            return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {bearer}"}, timeout=TIMEOUT_S)
        stack = local.running()
        headers = {"Authorization": f"Bearer {token(stack, 'admin', 'admin-1')}"}
        return httpx.Client(base_url=stack.url, headers=headers, timeout=TIMEOUT_S, trust_env=False)
    except (httpx.HTTPError, httpx.InvalidURL, UnicodeEncodeError) as error:
        raise PurgeError(f"Nobody can be asked: {error}.") from error


def _post(api: httpx.Client, path: str, body: dict[str, Any], kind: type[Answer]) -> Answer:
    try:
        answer = api.post(path, json=body)
        if answer.is_success:
            return msgspec.json.decode(answer.content, type=kind)
        refused = msgspec.json.decode(answer.content, type=dict[str, Any])
    except (httpx.HTTPError, msgspec.MsgspecError) as error:
        raise PurgeError(f"{api.base_url} does not answer as Groundcrew does: {error}.") from error
    why = f"{refused.get('Message')} ({answer.status_code} {refused.get('Code')})"
    raise PurgeError(f"{api.base_url} refuses it: {why}")


def _instances(number: int) -> str:
    return f"{number:,} instance" if number == 1 else f"{number:,} instances"


def _printable(title: str) -> str:
    """A title on one line, without what would move a terminal's cursor."""
    return "".join(each if each.isprintable() else "?" for each in title)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
