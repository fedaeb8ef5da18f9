"""Rows: what those of every table have in common, and the audit row."""

import uuid
from datetime import datetime, timedelta
from typing import Any, Final, Self

from pynamodb.attributes import Attribute, JSONAttribute, NumberAttribute, UnicodeAttribute
from pynamodb.connection import TableConnection
from pynamodb.indexes import GlobalSecondaryIndex, KeysOnlyProjection
from pynamodb.models import Model

from chalicelib.clock import rfc3339

AUDIT_KEPT_FOR: Final = timedelta(days=365)
# Who acts where no person does.
SYSTEM: Final = "groundcrew"


class Row(Model):
    """A row of any table. An area derives its own with its Meta and index keys, and from that its kinds of rows."""

    pk = UnicodeAttribute(hash_key=True)
    sk = UnicodeAttribute(range_key=True)
    ttl = NumberAttribute(null=True)

    @classmethod
    def table(cls) -> TableConnection:
        """The connection. An area calls it on its own Row first, so that its kinds of rows inherit one and the same."""
        return cls._get_connection()


class Indexed(Row):
    """A row of a table with an index; also what that, which holds keys only, returns."""

    g1p = UnicodeAttribute(null=True)
    g1s = UnicodeAttribute(null=True)


class TwiceIndexed(Indexed):
    """The same of a table with two indexes."""

    g2p = UnicodeAttribute(null=True)
    g2s = UnicodeAttribute(null=True)


class KeysOnly:
    """Meta of every index: who reads one reads the rows themselves by the keys that it holds."""

    projection = KeysOnlyProjection()


class FirstIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # PynamoDB left this untyped
    """A table's first index, or only one. An area derives its own, with its name in Meta."""

    g1p = UnicodeAttribute(hash_key=True)
    g1s = UnicodeAttribute(range_key=True)


class SecondIndex(GlobalSecondaryIndex[Any]):  # type: ignore[no-untyped-call]  # as above
    """A table's second index."""

    g2p = UnicodeAttribute(hash_key=True)
    g2s = UnicodeAttribute(range_key=True)


class AuditRow(Row):
    """What was done to a subject, and who did it: `L#<at>#<correlation id>#<random>` in the subject's partition."""

    at = UnicodeAttribute()
    actor = UnicodeAttribute()
    action = UnicodeAttribute()
    correlation_id = UnicodeAttribute()
    change: Attribute[Any] = JSONAttribute(null=True)

    @classmethod
    def of(cls, pk: str, actor: str, action: str, now: datetime, *, correlation_id: str, **more: Any) -> Self:
        """The audit row of an act, not written yet."""
        return cls(
            pk,
            # The correlation id is the caller's: it may name several acts of one moment.
            f"L#{rfc3339(now)}#{correlation_id}#{uuid.uuid4().hex[-8:]}",
            at=rfc3339(now),
            actor=actor,
            action=action,
            correlation_id=correlation_id,
            ttl=int((now + AUDIT_KEPT_FOR).timestamp()),
            **more,
        )
