"""Exceptions: what was raised in an event, outermost last, and which of it the event is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from chalicelib.incidents.grouping import Where, group_exception
from chalicelib.sentry import stacks
from chalicelib.sentry.shapes import entries, mapping, note, text, words
from chalicelib.sentry.stacks import Frame

MAX_EXCEPTIONS: Final = 10
MAX_FRAMES: Final = 50
MAX_FRAMES_WITHIN: Final = 20


@dataclass(frozen=True, slots=True)
class Raised:
    """An exception, and where it was raised. One without a type is a message that has a stack."""

    type: str | None
    value: str | None
    module: str | None
    mechanism: Mapping[str, Any]
    frames: Sequence[Frame]
    where: Where | None


def read(event: Mapping[str, object], notes: list[str]) -> list[Raised]:
    """The exceptions of an event, at most so many of the outermost.

    Where none has a stack, the outermost gets that of the event or of the thread that crashed.
    """
    found = entries(event.get("exception"), "exception", notes)
    if len(found) > MAX_EXCEPTIONS:
        note(notes, f"The outermost {MAX_EXCEPTIONS} of {len(found)} exceptions are kept.")
    raised = [_raised(each, notes) for each in found[-MAX_EXCEPTIONS:]]
    if not any(each.frames for each in raised):
        frames = stacks.read(event.get("stacktrace"), notes) or _frames_of_thread(event, notes)
        if frames:
            outermost = raised.pop() if raised else Raised(None, None, None, {}, [], None)
            raised.append(replace(outermost, frames=frames, where=stacks.where(frames)))
    return raised


def main(raised: Sequence[Raised]) -> Raised | None:
    """The exception that an event is about: the outermost that has a type.

    A group of exceptions that are all one failure is that failure, as a group of tasks wraps whatever fails in them.
    """
    typed = [each for each in raised if each.type]
    if not typed:
        return None
    outermost = typed[-1]
    if not _is_group(outermost):
        return outermost
    groups = [each.mechanism.get("exception_id") for each in typed if _is_group(each)]
    members = [each for each in typed if not _is_group(each) and each.mechanism.get("parent_id", "none") in groups]
    failures = {group_exception(each.type or "", each.value, each.where, None) for each in members}
    return members[-1] if len(failures) == 1 else outermost


def handled(raised: Sequence[Raised]) -> bool | None:
    """Whether somebody handled what was raised: not if any of it says so, None where nothing says."""
    said = {_flag(each.mechanism.get("handled")) for each in raised}
    return False if False in said else True if True in said else None


def shown(raised: Sequence[Raised], notes: list[str]) -> list[dict[str, Any]]:
    """The exceptions as a report's description has them, with most of the frames of the outermost."""
    found = [_shown(each, MAX_FRAMES if each is raised[-1] else MAX_FRAMES_WITHIN) for each in raised]
    left_out = sum(each.get("frames_left_out", 0) for each in found)
    if left_out:
        note(notes, f"{left_out} frames were left out: of a long stack, its ends are kept.")
    return found


def _shown(raised: Raised, most_frames: int) -> dict[str, Any]:
    frames, left_out = stacks.shortened(raised.frames, most_frames)
    parts = {
        "type": raised.type,
        "value": raised.value,
        "module": raised.module,
        "handled": _flag(raised.mechanism.get("handled")),
        "mechanism": raised.mechanism,
        "frames": frames,
        "frames_left_out": left_out,
    }
    return {name: part for name, part in parts.items() if part or part is False}


def _raised(given: Mapping[str, Any], notes: list[str]) -> Raised:
    frames = stacks.read(given.get("stacktrace"), notes)
    return Raised(
        text(given.get("type"), "type of an exception", notes),
        words(given.get("value"), notes),
        text(given.get("module"), "module of an exception", notes),
        mapping(given.get("mechanism"), "mechanism of an exception", notes),
        frames,
        stacks.where(frames),
    )


def _frames_of_thread(event: Mapping[str, object], notes: list[str]) -> list[Frame]:
    threads = entries(event.get("threads"), "threads", notes)
    telling = max(threads, key=lambda each: (each.get("crashed") is True, each.get("current") is True), default={})
    return stacks.read(telling.get("stacktrace"), notes)


def _is_group(raised: Raised) -> bool:
    return raised.mechanism.get("is_exception_group") is True


def _flag(given: object) -> bool | None:
    return given if isinstance(given, bool) else None
