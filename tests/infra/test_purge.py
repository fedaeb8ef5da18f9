"""The purge from the shell, against an API that answers as it is told: what a person reads, and the exit status.

That it purges and puts back what it says is what the end-to-end tests show.
"""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

from infra import purge

TASK = "0123456789abcdef0123456789abcdef"
TOKEN = "a token"

Answer = tuple[int, Any]


class Api:
    """Answers in their order, to whoever has the token; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, Any]] = []

    def finds(self, *days: str, matched: int | None = None) -> None:
        """The next dry run finds instances of these days, and counts others that it does not show."""
        items = [{"date": day, "title": "Feed the\nhamster", "task_id": TASK} for day in days]
        found = {
            "dry_run": True,
            "matched": len(days) if matched is None else matched,
            "deleted": 0,
            "items": items,
            "complete": True,
        }
        self.answers.append((200, {**found, "purge_id": None}))

    def deletes(self, deleted: int, matched: int, purge_id: str | None) -> None:
        done = {
            "dry_run": False,
            "matched": matched,
            "deleted": deleted,
            "items": [],
            "purge_id": purge_id,
            "complete": deleted == matched,
        }
        self.answers.append((200, done))

    def restores(self, restored: int, *, already_there: int = 0, task_gone: int = 0, complete: bool = True) -> None:
        done = {"restored": restored, "already_there": already_there, "task_gone": task_gone, "complete": complete}
        self.answers.append((200, {"purge_id": "p1", **done}))

    def answer(self, path: str, authorization: str | None, body: Any) -> Answer:
        self.asked.append((path, body))
        if authorization != f"Bearer {TOKEN}":
            return 401, {"Code": "InvalidToken", "Message": "The token is not valid here: it has expired."}
        return self.answers.pop(0)


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    """The API of a deployment, which the environment names."""
    found = Api()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            status, answer = found.answer(self.path, self.headers["Authorization"], body)
            content = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # as http.server names it
            pass

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        serving = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        for name in ("TASK", "APPLY", "PURGE"):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.setenv("URL", f"http://127.0.0.1:{server.server_port}/v1")
        monkeypatch.setenv("TOKEN", TOKEN)
        monkeypatch.setenv("NO_PROXY", "*")
        yield found
        server.shutdown()
        serving.join()
    assert found.answers == []


Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run it with arguments and an environment; returns its exit status and what it printed to each stream."""

    def run(*arguments: str, **environment: str) -> tuple[int, str, str]:
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        status = purge.main(arguments)
        return status, *capsys.readouterr()

    return run


def test_by_itself_it_only_tells(api: Api, run: Run) -> None:
    api.finds("2026-11-23", "2026-11-24", matched=1202)
    assert run() == (
        0,
        f"""1,202 instances of recurring tasks after today, not done:
  2026-11-23  Feed the?hamster  (task {TASK})
  2026-11-24  Feed the?hamster  (task {TASK})
  ... and 1,200 more
Nothing was deleted, as this was a dry run. To delete them: APPLY=1 make purge-future
""",
        "",
    )
    assert api.asked == [("/v1/tasks/purge-future", {"dry_run": True})]


def test_of_one_task_it_tells_how_to_delete_that_ones_alone(api: Api, run: Run) -> None:
    api.finds("2026-11-23")
    status, told, _ = run(TASK=TASK)
    assert (status, told.splitlines()[0]) == (0, "1 instance of recurring tasks after today, not done:")
    assert told.endswith(f"To delete them: TASK={TASK} APPLY=1 make purge-future\n")
    assert api.asked == [("/v1/tasks/purge-future", {"task_id": TASK, "dry_run": True})]


@pytest.mark.parametrize("apply", ["", "1"])
def test_nothing_to_purge_is_said(api: Api, run: Run, apply: str) -> None:
    for environment, whose in (({}, "recurring tasks have"), ({"TASK": TASK}, "this task has")):
        api.finds()
        told = f"There is nothing to purge: {whose} no instances after today that are not done.\n"
        assert run(APPLY=apply, **environment) == (0, told, "")
    assert [body["dry_run"] for _, body in api.asked] == [True, True]


@pytest.mark.parametrize("apply", ["", "0", "no", "true"])
def test_only_1_applies(api: Api, run: Run, apply: str) -> None:
    api.finds("2026-11-23")
    assert "Nothing was deleted" in run(APPLY=apply)[1]
    assert [body for _, body in api.asked] == [{"dry_run": True}]


def test_it_goes_on_until_all_is_deleted_and_says_at_once_how_to_undo_each_round(api: Api, run: Run) -> None:
    api.finds("2026-11-23", matched=5000)
    api.deletes(3000, 5000, "p1")
    api.deletes(1999, 2000, "p2")
    api.deletes(1, 1, "p3")
    status, told, _ = run(TASK=TASK, APPLY="1")
    assert status == 0
    assert told.splitlines()[3:] == [
        "Deleted 3,000 instances. To put back: PURGE=p1 make undo-purge",
        "Deleted 1,999 instances. To put back: PURGE=p2 make undo-purge",
        "Deleted 1 instance. To put back: PURGE=p3 make undo-purge",
        "5,000 instances deleted in all; for 90 days they can be put back.",
        "Each task goes on from the first date that it lost, and makes it anew on its day.",
    ]
    assert [body for _, body in api.asked[1:]] == 3 * [{"task_id": TASK, "dry_run": False}]


def test_what_was_deleted_can_be_undone_though_a_later_round_fails(api: Api, run: Run) -> None:
    api.finds("2026-11-23", matched=5000)
    api.deletes(3000, 5000, "p1")
    api.answers.append((503, {"Code": "Unavailable", "Message": "The task is being changed by others; try again."}))
    status, told, error = run(APPLY="1")
    assert (status, told.splitlines()[-1]) == (1, "Deleted 3,000 instances. To put back: PURGE=p1 make undo-purge")
    assert "refuses it: The task is being changed by others; try again. (503 Unavailable)" in error


def test_what_cannot_be_deleted_ends_it(api: Api, run: Run) -> None:
    api.finds("2026-11-23")
    api.deletes(0, 1, "p1")
    status, told, error = run(APPLY="1")
    assert (status, "PURGE" in told) == (1, False)
    assert error == "The rest keeps being changed by others; see what is left by make purge-future.\n"


def test_what_was_done_meanwhile_is_nobodys_fault(api: Api, run: Run) -> None:
    api.finds("2026-11-23")
    api.deletes(0, 0, None)
    status, told, error = run(APPLY="1")
    assert (status, told.splitlines()[-2], error) == (
        0,
        "0 instances deleted in all; for 90 days they can be put back.",
        "",
    )


def test_an_undo_goes_on_until_it_is_complete_and_accounts_for_all(api: Api, run: Run) -> None:
    api.restores(2000, already_there=1, task_gone=2, complete=False)
    api.restores(0, already_there=1, complete=False)
    api.restores(7, task_gone=1)
    assert run("undo", PURGE="p 1/..") == (
        0,
        """Put back 2,007 instances.
For 2 instances there was a new one for the date already, which stays.
3 instances cannot be put back, as the tasks were deleted.
""",
        "",
    )
    assert api.asked == 3 * [("/v1/tasks/purge-future/p%201%2F../undo", {})]


def test_an_undo_that_gets_nowhere_ends(api: Api, run: Run) -> None:
    api.restores(1, complete=False)
    api.restores(0, complete=False)
    status, told, error = run("undo", PURGE="p1")
    assert (status, told, error) == (1, "", "Put back 1 instance, and then it went no further; try again.\n")


def test_an_undo_needs_to_know_which_purge(api: Api, run: Run) -> None:
    status, told, error = run("undo")
    assert (status, told) == (1, "")
    assert error == "PURGE must say which purge to undo, by the id that make purge-future printed.\n"
    assert api.asked == []


def test_a_refusal_is_told_in_the_apis_words(api: Api, run: Run) -> None:
    status, told, error = run(TOKEN="one of yesterday")
    assert (status, told) == (1, "")
    assert error.endswith("refuses it: The token is not valid here: it has expired. (401 InvalidToken)\n")


@pytest.mark.parametrize("answer", [(200, b"<html>"), (502, b""), (200, []), (200, {}), (404, [])])
def test_what_answers_otherwise_is_no_groundcrew(api: Api, run: Run, answer: Answer) -> None:
    api.answers.append(answer)
    status, told, error = run()
    assert (status, told) == (1, "")
    assert "does not answer as Groundcrew does" in error


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "ops.example.com", "http://[", "ftp://ops.example.com"])
def test_an_address_where_nobody_is_is_named(api: Api, run: Run, url: str) -> None:
    status, told, error = run(URL=url)
    assert (status, told, error.count("\n")) == (1, "", 1)


def test_a_token_that_cannot_be_sent_is_no_traceback(api: Api, run: Run) -> None:
    status, told, error = run(TOKEN="eyJh…")
    assert (status, told, error.count("\n")) == (1, "", 1)


def test_a_deployment_needs_a_token(api: Api, run: Run) -> None:
    error = "URL names a deployment: TOKEN must be a token of one of its admins.\n"
    assert run(TOKEN="") == (1, "", error)


def test_without_a_url_there_must_be_a_local_stack(api: Api, run: Run, tmp_path: Path) -> None:
    for arguments in ((), ("undo",)):
        told = run(*arguments, URL="", PURGE="p1", GROUNDCREW_LOCAL_DIR=str(tmp_path))
        assert told == (1, "", "No local stack is running: start one with `make run`.\n")
