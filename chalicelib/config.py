"""Configuration: the only reader of the environment, and resource names by convention."""

import os
from dataclasses import dataclass
from functools import cache
from typing import Final

LAPTOP_STAGE: Final = "dev"
FIRST_PROJECT: Final = "1"


@dataclass(frozen=True, slots=True)
class Storage:
    """An S3-compatible store. Without an endpoint and keys of its own it is S3 itself, with the function's own rights.

    `path_style` is where the bucket stands in a URL: in its `path`, in its host name (`virtual`), or `auto`, which is
    the path of any store but S3. `webhook_secret` proves the events of a store that cannot reach the queue; without one
    they are refused.
    """

    bucket: str
    endpoint_url: str | None
    region: str | None = None
    path_style: str = "auto"
    access_key_id: str | None = None
    secret_access_key: str | None = None
    webhook_secret: str = ""


@dataclass(frozen=True, slots=True)
class Config:
    """What one deployment is told from outside.

    `allowed_origins` are origins such as `https://ops.example.com`; a port of `*` (`http://localhost:*`) allows any.
    `cognito_url` is where a Cognito pool hands out tokens and signs out, which is elsewhere than its issuer.
    `public_url` is where callers reach this deployment, with the stage's prefix if it has one.
    `cursor_key` signs list cursors: any text that callers do not know.
    `storage` is where media lie; the limits on uploads keep costs bounded, and a limit of 0 is none.
    `outgoing_allow` are origins such as `http://localhost:9000` to which requests go although they are not public: a
    laptop's own; a deployment has none.
    `alert_sender` is the address from which emails are sent, once SES has verified it; `alert_topic` is the SNS topic
    that they are told to otherwise.
    `events` is the stack's own bucket, in S3 whatever `storage` is, which deletes what it holds after `raw_event_days`.
    """

    stage: str
    ingest_key: str
    oidc_issuer: str
    oidc_audience: str
    oidc_groups_claim: str
    cognito_url: str
    allowed_origins: tuple[str, ...]
    cursor_key: str
    public_url: str
    demo_page: bool
    retention_days: int
    outgoing_allow: tuple[str, ...]
    alert_sender: str
    alert_topic: str
    storage: Storage
    events: Storage
    raw_event_days: int
    max_upload_bytes: int
    max_video_minutes: int
    max_photo_megapixels: int
    uploads_per_customer_per_day: int
    uploads_per_day: int

    def resource(self, noun: str) -> str:
        """The name of a table, queue or bucket of this stage; `infra/template.yaml` declares them by the same rule."""
        return f"groundcrew-{self.stage}-{noun}"


@cache
def config() -> Config:
    """The configuration of this process, read once."""
    env = os.environ
    stage = env.get("STAGE", LAPTOP_STAGE)
    return Config(
        stage=stage,
        ingest_key=env.get("INGEST_KEY", ""),
        oidc_issuer=env.get("OIDC_ISSUER", "").rstrip("/"),
        oidc_audience=env.get("OIDC_AUDIENCE", ""),
        oidc_groups_claim=env.get("OIDC_GROUPS_CLAIM", "cognito:groups"),
        cognito_url=env.get("COGNITO_URL", "").rstrip("/"),
        allowed_origins=tuple(origin for origin in env.get("ALLOWED_ORIGINS", "").replace(",", " ").split()),
        cursor_key=env.get("CURSOR_KEY", ""),
        public_url=env.get("PUBLIC_URL", "").rstrip("/"),
        demo_page=env.get("DEMO_PAGE", "") == "true",
        retention_days=int(env.get("RETENTION_DAYS", "90")),
        outgoing_allow=tuple(env.get("OUTGOING_ALLOW", "").replace(",", " ").split()),
        alert_sender=env.get("ALERT_SENDER", ""),
        alert_topic=env.get("ALERT_TOPIC", ""),
        storage=Storage(
            bucket=env.get("MEDIA_BUCKET") or f"groundcrew-{stage}-media",
            # What boto3 itself would use, except that the address of a signed URL is decided here.
            endpoint_url=env.get("STORAGE_ENDPOINT_URL") or env.get("AWS_ENDPOINT_URL") or None,
            region=env.get("STORAGE_REGION") or None,
            path_style=env.get("STORAGE_PATH_STYLE", "auto"),
            access_key_id=env.get("STORAGE_ACCESS_KEY_ID") or None,
            secret_access_key=env.get("STORAGE_SECRET_ACCESS_KEY") or None,
            webhook_secret=env.get("STORAGE_WEBHOOK_SECRET", ""),
        ),
        events=Storage(
            bucket=env.get("EVENTS_BUCKET") or f"groundcrew-{stage}-events",
            endpoint_url=env.get("AWS_ENDPOINT_URL") or None,
        ),
        raw_event_days=int(env.get("RAW_EVENT_DAYS", "30")),
        max_upload_bytes=int(env.get("MAX_UPLOAD_BYTES", str(2 * 1024**3))),
        max_video_minutes=int(env.get("MAX_VIDEO_MINUTES", "30")),
        max_photo_megapixels=int(env.get("MAX_PHOTO_MEGAPIXELS", "50")),
        uploads_per_customer_per_day=int(env.get("UPLOADS_PER_CUSTOMER_PER_DAY", "200")),
        uploads_per_day=int(env.get("UPLOADS_PER_DAY", "0")),
    )
