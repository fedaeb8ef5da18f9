"""Configuration: the only reader of the environment, and resource names by convention."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Final

LAPTOP_STAGE: Final = "dev"
FIRST_PROJECT: Final = "1"


@dataclass(frozen=True, slots=True)
class Config:
    """What one deployment is told from outside.

    `allowed_origins` are origins such as `https://ops.example.com`; a port of `*` (`http://localhost:*`) allows any.
    `public_url` is where callers reach this deployment, with the stage's prefix if it has one.
    `cursor_key` signs list cursors: any text that callers do not know.
    """

    stage: str
    ingest_key: str
    oidc_issuer: str
    oidc_audience: str
    oidc_groups_claim: str
    allowed_origins: tuple[str, ...]
    cursor_key: str
    public_url: str
    retention_days: int

    def resource(self, noun: str) -> str:
        """The name of a table, queue or bucket of this stage; `infra/template.yaml` declares them by the same rule."""
        return f"groundcrew-{self.stage}-{noun}"


@cache
def config() -> Config:
    """The configuration of this process, read once."""
    env = os.environ
    return Config(
        stage=env.get("STAGE", LAPTOP_STAGE),
        ingest_key=env.get("INGEST_KEY", ""),
        oidc_issuer=env.get("OIDC_ISSUER", "").rstrip("/"),
        oidc_audience=env.get("OIDC_AUDIENCE", ""),
        oidc_groups_claim=env.get("OIDC_GROUPS_CLAIM", "cognito:groups"),
        allowed_origins=tuple(origin for origin in env.get("ALLOWED_ORIGINS", "").replace(",", " ").split()),
        cursor_key=env.get("CURSOR_KEY", ""),
        public_url=env.get("PUBLIC_URL", "").rstrip("/"),
        retention_days=int(env.get("RETENTION_DAYS", "90")),
    )
