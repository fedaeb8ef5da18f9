"""A DynamoDB of any number of incidents that are all like one, which answers reads and counts what they cost.

Only the positions are held, sorted as the indexes are; a row is written when it is read. So calls, bytes and units are
those of a table of that size, and the time of a store is not in it.
"""

import bisect
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from chalicelib.clock import rfc3339
from tests.faults import size

Row = Mapping[str, Mapping[str, Any]]

_TERM: Final = re.compile(r"(#\d+) (BETWEEN|[<>=]{1,2}) (:\d+)(?: AND (:\d+))?")


class Store:
    """Answers `respond`; `units` are the read capacity units of what it answered."""

    def __init__(self, rows: Sequence[Row], others: Sequence[Row], incidents: int, newest: datetime) -> None:
        """`rows` are an incident's, to be like; `others` are given as they are."""
        meta = next(row for row in rows if row["sk"]["S"] == "META")
        self._model = meta["pk"]["S"].removeprefix("INC#")
        self._model_minute = meta["g1s"]["S"].partition("#")[0]
        self._index_keys = {meta[f"{index}p"]["S"]: meta[f"{index}s"]["S"] for index in ("g1", "g2")}
        self._status_partition = meta["g1p"]["S"]
        self._others = {(row["pk"]["S"], row["sk"]["S"]): row for row in others}
        self._rows = {row["sk"]["S"]: json.dumps(row) for row in rows}
        # A minute apart, so that the index orders them; ids as hashes are, of 32 hex digits.
        self._ids = [f"{nth * 0x9E3779B97F4A7C15 % 2**64:032x}" for nth in range(incidents)]
        minutes = [rfc3339(newest - timedelta(minutes=nth))[:16] for nth in range(incidents)]
        self._minutes = dict(zip(self._ids, minutes, strict=True))
        self._index = sorted(f"{minute}#{each}" for each, minute in self._minutes.items())
        self.newest = self._ids[0]
        self.units = 0.0

    def respond(self, operation: str, parameters: dict[str, Any]) -> str:
        answers = {"GetItem": self._get_item, "BatchGetItem": self._batch_get_item, "Query": self._query}
        return json.dumps(answers[operation](parameters))

    def _get_item(self, parameters: dict[str, Any]) -> dict[str, Any]:
        row = self._row(parameters["Key"])
        self._read([row or {}], consistent=parameters.get("ConsistentRead", False))
        return {"Item": row} if row else {}

    def _batch_get_item(self, parameters: dict[str, Any]) -> dict[str, Any]:
        ((table, asked),) = parameters["RequestItems"].items()
        found = [self._row(key) for key in asked["Keys"]]
        # Each item is rounded up by itself, and one that is not there costs as the smallest does.
        for row in found:
            self._read([row or {}], consistent=asked.get("ConsistentRead", False))
        return {"Responses": {table: [row for row in found if row]}, "UnprocessedKeys": {}}

    def _query(self, parameters: dict[str, Any]) -> dict[str, Any]:
        names, values = parameters["ExpressionAttributeNames"], parameters["ExpressionAttributeValues"]
        terms = {
            names[name]: (operator, [values[each]["S"] for each in (low, high) if each])
            for name, operator, low, high in _TERM.findall(parameters["KeyConditionExpression"])
        }
        if "IndexName" in parameters:
            found = self._indexed(terms, parameters)
        else:
            incident = terms["pk"][1][0]
            sort_keys = [key for key in sorted(self._rows) if _within(key, *terms.get("sk", (">", [""])))]
            found = [row for key in sort_keys if (row := self._row({"pk": {"S": incident}, "sk": {"S": key}}))]
        if not parameters.get("ScanIndexForward", True):
            found.reverse()
        limit = parameters.get("Limit", len(found))
        more, found = len(found) > limit, found[:limit]
        # A query's items are rounded up together.
        self._read(found, consistent=parameters.get("ConsistentRead", False))
        answer: dict[str, Any] = {"Count": len(found), "ScannedCount": len(found)}
        if parameters.get("Select") != "COUNT":
            answer["Items"] = found
        if more:
            answer["LastEvaluatedKey"] = found[-1]
        return answer

    def _indexed(self, terms: Mapping[str, tuple[str, list[str]]], parameters: Mapping[str, Any]) -> list[Row]:
        if terms["g1p"][1] != [self._status_partition]:
            return []
        operator, bounds = terms.get("g1s", (">=", [""]))
        start, end = 0, len(self._index)
        if operator == "<":
            end = bisect.bisect_left(self._index, bounds[0])
        else:
            start = bisect.bisect_left(self._index, bounds[0])
        # No more of it is read than is asked for, and one, by which it is known that there is more.
        limit = parameters.get("Limit", end - start) + 1
        part = (
            slice(start, min(end, start + limit))
            if parameters.get("ScanIndexForward", True)
            else slice(max(start, end - limit), end)
        )
        return [
            {
                "pk": {"S": f"INC#{position.partition('#')[2]}"},
                "sk": {"S": "META"},
                "g1p": {"S": self._status_partition},
                "g1s": {"S": position},
            }
            for position in self._index[part]
        ]

    def _row(self, key: Row) -> Row | None:
        pk, sk = key["pk"]["S"], key["sk"]["S"]
        if (pk, sk) in self._others:
            return self._others[pk, sk]
        incident = pk.removeprefix("INC#")
        if incident not in self._minutes or sk not in self._rows:
            return None
        text = self._rows[sk].replace(self._model, incident)
        row: Row = json.loads(text.replace(f"{self._model_minute}#", f"{self._minutes[incident]}#"))
        return row

    def _read(self, rows: Sequence[Row], *, consistent: bool) -> None:
        kilobytes = max(1, math.ceil(sum(map(size, rows)) / 4096))
        self.units += kilobytes * (1 if consistent else 0.5)


def _within(key: str, operator: str, bounds: list[str]) -> bool:
    if operator == "BETWEEN":
        return bounds[0] <= key <= bounds[1]
    return {"<": key < bounds[0], ">": key > bounds[0], ">=": key >= bounds[0], "=": key == bounds[0]}[operator]
