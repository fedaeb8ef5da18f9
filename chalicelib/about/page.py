"""The API's description as a page: one answer without scripts, fonts or links to elsewhere."""

import base64
import hashlib
import json
from collections.abc import Iterable
from html import escape
from typing import Any, Final

from chalice.app import Response

Json = dict[str, Any]

STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 60rem; margin: 0 auto; padding: 1rem }
code, pre { font: .875em ui-monospace, monospace; overflow-wrap: anywhere }
h2 { margin-top: 3rem; text-transform: capitalize }
article { border-top: 1px solid #8888; padding: .5rem 0 }
table { border-collapse: collapse; width: 100% }
td { border-top: 1px solid #8884; padding: .25rem .75rem .25rem 0; vertical-align: top }
td:first-child { width: 16rem }
"""
_HASH: Final = base64.b64encode(hashlib.sha256(STYLE.encode()).digest()).decode()
POLICY: Final = (
    f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def render(document: Json) -> Response:
    """`document`, an OpenAPI description, for people. Its only link out is to `openapi.json` beside it."""
    body = f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{escape(document["info"]["title"])} API</title><style>{STYLE}</style></head><body>
<h1>{escape(document["info"]["title"])} API</h1>
<p>{_text(document["info"]["description"])}</p>
<p>At <code>{escape(document["servers"][0]["url"])}</code>; for programs: <a href="openapi.json">openapi.json</a>.</p>
<h2>Credentials</h2>
{_table((name, scheme["description"]) for name, scheme in document["components"]["securitySchemes"].items())}
{"".join(_area(tag["name"], document) for tag in document["tags"])}
<h2>Schemas</h2>
{"".join(_model(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))}
</body></html>
"""
    headers: dict[str, str | list[str]] = {
        "Content-Type": "text/html; charset=utf-8",
        "Content-Security-Policy": POLICY,
    }
    return Response(body, headers=headers)


def _area(area: str, document: Json) -> str:
    operations = [
        _operation(f"{method.upper()} {path}", operation, document["components"])
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        if area in operation["tags"]
    ]
    return f"<h2>{escape(area)}</h2>{''.join(operations)}"


def _operation(call: str, operation: Json, components: Json) -> str:
    who = " or ".join(name for each in operation["security"] for name in each) or "anyone"
    parameters = [_parameter(each, components["parameters"]) for each in operation["parameters"]]
    bodies = operation.get("requestBody", {}).get("content", {}).items()
    answers = [
        (status, f"{answer['description']} {' '.join(_kind(body['schema']) for body in _contents(answer))}")
        for status, answer in operation["responses"].items()
    ]
    return f"""<article id="{operation["operationId"]}"><h3><code>{escape(call)}</code> {operation["summary"]}</h3>
<p>{_text(operation.get("description", ""))} Credentials: {who}.</p>
{_table([*parameters, *((f"body, {kind}", _kind(body["schema"])) for kind, body in bodies)], "Takes")}
{_table(answers, "Answers")}</article>"""


def _contents(answer: Json) -> Iterable[Json]:
    contents: Iterable[Json] = answer.get("content", {}).values()
    return contents


def _parameter(parameter: Json, shared: Json) -> tuple[str, str]:
    known = shared[parameter["$ref"].rpartition("/")[2]] if "$ref" in parameter else parameter
    return f"{known['name']} ({known['in']})", f"{_kind(known['schema'])} {_text(known.get('description', ''))}"


def _model(name: str, schema: Json) -> str:
    required = schema.get("required", ())
    fields = [
        (field if field in required else f"{field}?", f"{_kind(kind)} {_text(kind.get('description', ''))}")
        for field, kind in schema.get("properties", {}).items()
    ]
    heading = f"<h3><code>{escape(name)}</code></h3><p>{_text(schema.get('description', ''))}</p>"
    return f'<article id="{escape(name)}">{heading}{_table(fields)}</article>'


def _kind(schema: Json) -> str:
    """A schema in a few words: what it refers to as a link, the rest as JSON."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rpartition("/")[2])
        return f'<a href="#{name}"><code>{name}</code></a>'
    for key, between in (("anyOf", " or "), ("allOf", "")):
        if key in schema:
            return between.join(_kind(each) for each in schema[key] if "properties" not in each)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if "$ref" in (values := schema.get("additionalProperties") or {}):
        return f"object of {_kind(values)}"
    said = {name: value for name, value in schema.items() if name not in ("title", "description")}
    return f"<code>{escape(json.dumps(said)) if said else 'anything'}</code>"


def _table(rows: Iterable[tuple[str, str]], caption: str = "") -> str:
    """`rows` of a name and of HTML."""
    cells = "".join(f"<tr><td><code>{escape(name)}</code></td><td>{html}</td></tr>" for name, html in rows)
    return f"<h4>{caption}</h4><table>{cells}</table>" if caption else f"<table>{cells}</table>"


def _text(text: str) -> str:
    """Text with `code` in it as HTML."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts)).replace("\n\n", "</p><p>")
