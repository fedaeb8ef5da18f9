"""Fields: what the models of several areas have in common."""

from typing import Annotated

from msgspec import Meta

ProjectId = Annotated[str, Meta(pattern=r"^[1-9][0-9]{0,9}(?!\n)$")]
LocalTime = Annotated[
    str, Meta(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9](?!\n)$", description="HH:MM in the time zone beside it.")
]
Zone = Annotated[str, Meta(max_length=100, description="An IANA time zone.", examples=["Europe/Berlin"])]
