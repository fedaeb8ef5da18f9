"""AWS: the one botocore session of a process, from which every client is made.

What the first client costs is read once by a session: a client of a second session costs 60 to 95 ms of CPU, one more
of the same session 5 to 9.
"""

from functools import cache
from typing import Final

from botocore.config import Config
from botocore.loaders import Loader
from botocore.session import Session

# Of which there are clients; a package holds no other models.
SERVICES: Final = ("dynamodb", "s3", "sesv2", "sns", "sqs")


class _Models(Loader):
    """botocore's models, without looking for those of all of AWS first, which takes longer than reading ours."""

    def list_available_services(self, type_name: str) -> list[str]:  # noqa: ARG002  # botocore's signature
        return list(SERVICES)


@cache
def session() -> Session:
    """The session; its clients take their own configuration besides."""
    made = Session()
    made.register_component("data_loader", _Models())
    # Else botocore spells out the machine and its features for every request, twice.
    made.set_default_client_config(Config(user_agent="groundcrew"))
    return made
