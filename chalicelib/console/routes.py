"""`/console` and `/demo`: what people open in a browser. Anyone may load the pages; what they show needs a token."""

from typing import Final

from chalice.app import Blueprint, Response

from chalicelib.config import config
from chalicelib.errors import NotFound

console = Blueprint(__name__)

READ: Final = ["GET", "HEAD"]

# What serves them is imported where it is needed: no report needs it.


# To the console itself these are different places.
@console.route("/console/{page}/{item}", methods=READ)
@console.route("/console/{page}", methods=READ)
@console.route("/console", methods=READ)
def open_console(**_: str) -> Response:
    from chalicelib.console import pages

    return pages.render("console")


@console.route("/console/assets/{name}", methods=READ)
def send_console_asset(name: str) -> Response:
    from chalicelib.console import assets

    return assets.send("console", name)


@console.route("/demo", methods=READ)
def open_demo() -> Response:
    from chalicelib.console import pages

    _require_demo()
    return pages.render("demo")


@console.route("/demo/assets/{name}", methods=READ)
def send_demo_asset(name: str) -> Response:
    from chalicelib.console import assets

    _require_demo()
    return assets.send("demo", name)


def _require_demo() -> None:
    if not config().demo_page:
        raise NotFound("This deployment has no demo page.")
