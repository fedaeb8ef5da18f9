"""The gateway, over real sockets, in front of an app that says what reached it."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import waitress
from chalice.app import Chalice, Response
from chalice.config import Config

from infra import gateway, template

REFUSALS = template.load()["Resources"]["RestAPI"]["Properties"]["GatewayResponses"]


def toy(meeting: threading.Barrier) -> Chalice:
    app = Chalice("toy", configure_logs=False)

    @app.route("/echo", methods=["GET", "POST"], content_types=["application/json", "text/plain", "image/png"])
    def echo() -> dict[str, Any]:
        request = app.current_request
        assert request is not None
        assert isinstance(request.raw_body, bytes)
        query = request.query_params
        return {
            "body": request.raw_body.hex(),
            "headers": dict(request.headers),
            "query": {name: query.getlist(name) for name in query} if query else {},
            "ip": request.context["identity"]["sourceIp"],
        }

    @app.route("/things/{name}")
    def thing(name: str) -> dict[str, str]:
        return {"name": name}

    @app.route("/meet/{name}")
    def meet(name: str) -> dict[str, Any]:
        meeting.wait(10)
        assert app.current_request is not None
        return {"name": name, "request": app.current_request.uri_params}

    @app.route("/cookies")
    def cookies() -> Response:
        return Response("plain", headers={"Set-Cookie": ["a=1", "b=2"], "Content-Type": "text/plain"})

    @app.route("/picture")
    def picture() -> Response:
        return Response(b"\x89PNG\xff", headers={"Content-Type": "image/png"})

    @app.route("/things/{name}", methods=["DELETE"])
    def delete(name: str) -> Response:
        return Response("", status_code=204)

    @app.route("/broken")
    def broken() -> dict[str, object]:
        return {"this is no JSON": object()}

    return app


@dataclass(frozen=True)
class Answer:
    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Wire:
    """A server, and the lines that it said about its requests."""

    port: int
    lines: list[str]

    def send(self, raw: bytes) -> Answer:
        """The answer to exactly these bytes."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=10) as connection:
            connection.sendall(raw)
            response = http.client.HTTPResponse(connection, method=raw.split(b" ", 1)[0].decode())
            response.begin()
            answer = Answer(response.status, response.headers, response.read())
            response.close()
            return answer

    def get(self, target: str, method: str = "GET", headers: str = "") -> Answer:
        return self.send(f"{method} {target} HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n".encode("latin-1"))

    def post(self, body: bytes, headers: str = "") -> Answer:
        head = f"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
        return self.send(head.encode() + body)


@pytest.fixture(scope="module")
def wire() -> Iterator[Wire]:
    lines: list[str] = []
    app = gateway.application(toy(threading.Barrier(2)), Config.create(), lines.append)
    server = waitress.create_server(app, listen="127.0.0.1:0")
    threading.Thread(target=server.run, daemon=True).start()
    yield Wire(server.effective_port, lines)
    server.task_dispatcher.shutdown()


def test_a_chunked_body_arrives(wire: Wire) -> None:
    answer = wire.send(
        b"POST /echo HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        b'8\r\n{"error"\r\n7\r\n: "\xc3\xa9"}\r\n0\r\n\r\n'
    )
    assert answer.status == 200
    assert bytes.fromhex(answer.json["body"]).decode() == '{"error": "é"}'


def test_nothing_about_a_request_is_required(wire: Wire) -> None:
    answer = wire.send(b"POST /echo HTTP/1.0\r\n\r\n")
    assert (answer.status, answer.json["body"]) == (200, "")
    assert not {"content-length", "content-type", "accept", "host"} & set(answer.json["headers"])


def test_headers_and_the_source_arrive(wire: Wire) -> None:
    answer = wire.get(
        "/echo?a=1&a=2&b=%2F&c=", headers="X-One: 1\r\nX-Two: a\r\nx-two: b\r\nContent-Type: text/plain\r\n"
    )
    assert answer.json["headers"]["x-one"] == "1"
    assert answer.json["headers"]["x-two"] == "a, b"
    assert answer.json["headers"]["content-type"] == "text/plain"
    assert answer.json["query"] == {"a": ["1", "2"], "b": ["/"], "c": [""]}
    assert answer.json["ip"] == "127.0.0.1"


@pytest.mark.parametrize("of_type", ["", "Content-Type: image/png\r\n", "Content-Type: application/json\r\n"])
def test_a_body_arrives_as_it_was_sent(wire: Wire, of_type: str) -> None:
    assert wire.post(b"\xff\x00", of_type).json["body"] == "ff00"


@pytest.mark.parametrize(
    ("target", "name"),
    [
        ("/things/a%2Fb", "a%2Fb"),
        ("/things/%D0%B6%20", "%D0%B6%20"),
        ("/things/a%", "a%"),
        ("/things/a;b", "a%3Bb"),
        ("/things/a#b", "a%23b"),
        ("/things/a/", "a"),
        ("http://elsewhere.example/things/a", "a"),
    ],
)
def test_a_path_stays_encoded(wire: Wire, target: str, name: str) -> None:
    assert wire.get(target).json == {"name": name}


@pytest.mark.parametrize(
    "target", ["/", "/nope", "/things", "/things/a/b", "//elsewhere/echo", "/things/a%", "/[", "*"]
)
@pytest.mark.parametrize("credentials", ["", "Authorization: Bearer \xff\r\n"])
def test_an_unknown_path_is_refused_as_the_template_says(wire: Wire, target: str, credentials: str) -> None:
    answer = wire.get(target, headers=credentials)
    if target == "/things/a%":  # a name that cannot be decoded is a name all the same
        assert answer.json == {"name": "a%"}
        return
    assert answer.status == 404
    assert answer.json == json.loads(REFUSALS["MISSING_AUTHENTICATION_TOKEN"]["ResponseTemplates"]["application/json"])
    assert answer.json.keys() == {"Code", "Message"}
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "X-Correlation-Id" in answer.headers["Access-Control-Expose-Headers"]
    assert answer.headers["X-Correlation-Id"].isalnum()


def test_a_body_has_a_limit(wire: Wire) -> None:
    assert wire.post(b" " * gateway.MAX_BODY_BYTES).status == 200
    answer = wire.post(b" " * (gateway.MAX_BODY_BYTES + 1))
    assert (answer.status, answer.json["Code"]) == (413, "PayloadTooLarge")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_head_has_no_body(wire: Wire) -> None:
    answer = wire.get("/echo", method="HEAD")
    assert (answer.status, answer.body) == (405, b"")


def test_answers_arrive_as_they_were_made(wire: Wire) -> None:
    cookies = wire.get("/cookies")
    assert (cookies.body, cookies.headers["Content-Type"]) == (b"plain", "text/plain")
    assert cookies.headers.get_all("Set-Cookie") == ["a=1", "b=2"]
    assert wire.get("/picture", headers="Accept: image/png\r\n").body == b"\x89PNG\xff"
    deleted = wire.get("/things/a", method="DELETE")
    assert (deleted.status, deleted.body) == (204, b"")
    assert "Content-Length" not in deleted.headers


def test_a_broken_answer_is_not_the_callers_fault(wire: Wire, caplog: pytest.LogCaptureFixture) -> None:
    answer = wire.get("/broken")
    assert (answer.status, answer.json["Code"]) == (502, "InternalServerError")
    assert "object" not in answer.json["Message"]
    assert "GET /broken" in caplog.text


def test_requests_at_once_do_not_see_each_other(wire: Wire) -> None:
    answers: dict[str, Any] = {}

    def go(name: str) -> None:
        answers[name] = wire.get(f"/meet/{name}").json

    threads = [threading.Thread(target=go, args=(name,)) for name in ("left", "right")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert answers == {name: {"name": name, "request": {"name": name}} for name in ("left", "right")}


def test_a_line_is_said_without_the_query(wire: Wire) -> None:
    wire.get("/things/b?key=c0ffee")
    assert wire.lines[-1].startswith("GET /things/b 200 ")
