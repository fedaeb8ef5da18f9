"""What the system says of itself: whether it is up, and how it is called."""

from typing import Any

from chalice.app import Blueprint, Response
from msgspec import Struct

from chalicelib.operations import operation

about = Blueprint(__name__)

# What describes is imported where it is needed: it is slow to make, and no report needs it.


class Health(Struct, frozen=True):
    status: str = "ok"


@about.route("/health", methods=["GET"])
@operation()
def health() -> Health:
    return Health()


@about.route("/openapi.json", methods=["GET"])
@operation()
def openapi() -> dict[str, Any]:
    """The API's description of itself."""
    from chalicelib.about.openapi import document

    return document(about.current_app)


@about.route("/docs", methods=["GET"])
@operation(media_type="text/html")
def docs() -> Response:
    """The same, to be read."""
    from chalicelib.about.openapi import document
    from chalicelib.about.page import render

    return render(document(about.current_app))
