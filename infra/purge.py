"""The purge from the shell: wrongly made future instances of recurring tasks go, or come back.

`make purge-future` says what it would delete; with APPLY=1 it deletes that, and says how to undo it. `make undo-purge`
does. Both ask the API, of the local stack or of the deployment that URL names, as the admin whose TOKEN it is.
"""

import os
import sys
from collections.abc import Sequence
from typing import Any, Final

import httpx

from infra import local
from infra.token import token

TIMEOUT_S: Final = 35


class PurgeError(Exception):
    """Why nothing more could be done, in a sentence for a person."""


def main(arguments: Sequence[str]) -> int:
    """Purge what TASK and APPLY say, or with the argument `undo` put back PURGE; returns the exit status."""
    try:
        with _client() as api:
            if arguments == ["undo"]:
                _undo(api, os.environ.get("PURGE", ""))
            else:
                _purge(api, os.environ.get("TASK"), apply=os.environ.get("APPLY") == "1")
    except (PurgeError, local.NotRunning) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def _purge(api: httpx.Client, task_id: str | None, *, apply: bool) -> None:
    request = {"task_id": task_id} if task_id else {}
    found = _post(api, "/tasks/purge-future", {**request, "dry_run": True})
    matched = found["matched"]
    print(f"{matched:,} future instances of recurring tasks, none of them done, would be deleted.")
    for each in found["items"]:
        print(f"  {each['date']}  {each['title']}  ({each['task_id']})")
    if matched > len(found["items"]):
        print(f"  ... and {matched - len(found['items']):,} more")
    if not matched:
        return
    if not apply:
        print("Nothing was deleted. APPLY=1 deletes them, and each task goes on at the first of its dates deleted.")
        return
    deleted, purges = 0, []
    while matched:
        done = _post(api, "/tasks/purge-future", {**request, "dry_run": False})
        matched = done["matched"] - done["deleted"]
        deleted += done["deleted"]
        if done["purge_id"]:
            purges.append(done["purge_id"])
        if not done["deleted"]:
            break
    print(f"{deleted:,} were deleted" + (f", {matched:,} were not." if matched else "."))
    for purge_id in purges:
        print(f"Undo within 90 days: make undo-purge PURGE={purge_id}")


def _undo(api: httpx.Client, purge_id: str) -> None:
    restored = 0
    while True:
        done = _post(api, f"/tasks/purge-future/{purge_id}/undo", {})
        restored += done["restored"]
        if done["complete"]:
            break
    print(f"{restored:,} instances were put back.")
    if done["already_there"]:
        print(f"{done['already_there']:,} have an instance for their date again.")
    if done["task_gone"]:
        print(f"{done['task_gone']:,} belong to tasks that were deleted.")


def _client() -> httpx.Client:
    url = os.environ.get("URL", "")
    if url and not os.environ.get("TOKEN"):
        raise PurgeError("URL names a deployment; TOKEN must be a token of one of its admins.")
    if url:
        return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {os.environ['TOKEN']}"}, timeout=TIMEOUT_S)
    stack = local.running()
    headers = {"Authorization": f"Bearer {token(stack, 'admin', 'admin-1')}"}
    return httpx.Client(base_url=stack.url, headers=headers, timeout=TIMEOUT_S, trust_env=False)


def _post(api: httpx.Client, path: str, body: dict[str, Any]) -> dict[str, Any]:
    try:
        answer = api.post(path, json=body)
        found: dict[str, Any] = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise PurgeError(f"{api.base_url} does not answer as it should: {error}.") from error
    if not answer.is_success:
        raise PurgeError(f"{answer.status_code} {found.get('Code')}: {found.get('Message')}")
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
