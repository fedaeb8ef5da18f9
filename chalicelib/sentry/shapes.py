"""Shapes: what SDKs write in several forms, read as one. What has no such form is left out, and a note says so."""

import json
from collections.abc import Mapping
from typing import Any

from chalicelib.incidents.report import MAX_NOTES
from chalicelib.storable import storable


def mapping(given: object, name: str, notes: list[str]) -> Mapping[str, Any]:
    """An object; empty where there is none."""
    if given is None or isinstance(given, dict):
        return given or {}
    note(notes, f"{name} was left out: it must be an object.")
    return {}


def entries(given: object, name: str, notes: list[str]) -> list[Mapping[str, Any]]:
    """A list of objects, also as `{"values": [...]}`, or as the only one of them."""
    if isinstance(given, dict):
        given = given.get("values", given or None)
    if isinstance(given, dict):
        given = [given]
    if given is not None and not isinstance(given, list):
        note(notes, f"{name} was left out: it must be a list.")
        return []
    found: list[Mapping[str, Any]] = [each for each in given or () if isinstance(each, dict)]
    if any(each is not None and not isinstance(each, dict) for each in given or ()):
        note(notes, f"Parts of {name} were left out: each must be an object.")
    return found


def named(given: object, name: str, notes: list[str]) -> dict[str, Any]:
    """An object, also as a list of pairs, whose names may come again: the last one counts."""
    if not isinstance(given, list):
        return dict(mapping(given, name, notes))
    pairs = [each for each in given if isinstance(each, list) and len(each) == 2 and isinstance(each[0], str)]
    if len(pairs) < len(given):
        note(notes, f"Parts of {name} were left out: each must be a pair of name and value.")
    return dict(pairs)


def text(given: object, name: str, notes: list[str]) -> str | None:
    """A text, stripped; numbers and flags are spelled as in JSON. None where there is none, or nothing in it."""
    if given is None or isinstance(given, str):
        return (given or "").strip() or None
    if isinstance(given, int | float):
        return json.dumps(given)
    note(notes, f"{name} was left out: it must be a text.")
    return None


def words(given: object, notes: list[str]) -> str | None:
    """What somebody wrote for people to read, as it is; anything else is spelled as JSON."""
    if given is None or isinstance(given, str):
        return given or None
    return json.dumps(storable(given, notes), ensure_ascii=False)


def note(notes: list[str], sentence: str) -> None:
    """Note what was changed, once however often it was; of a hopeless event, no more than a report keeps."""
    if len(notes) < MAX_NOTES and sentence not in notes:
        notes.append(sentence)
