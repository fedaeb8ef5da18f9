"""Stacks: the frames of an exception or a thread, oldest first, and how people of each platform read them."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any, Final

from chalicelib.incidents.grouping import Where, normalise_function
from chalicelib.incidents.report import MAX_STACK
from chalicelib.sentry.shapes import note

Frame = dict[str, Any]
"""What is kept of a frame: FIELDS, those that it has."""

FIELDS: Final[dict[str, type]] = {
    "function": str,
    "module": str,
    "filename": str,
    "abs_path": str,
    "lineno": int,
    "colno": int,
    "in_app": bool,
    "context_line": str,
    "pre_context": list,
    "post_context": list,
    "vars": dict,
}
SOURCE: Final = frozenset({"pre_context", "post_context", "vars"})
MAX_LINE: Final = 200
MAX_HEADLINE: Final = 1000
MAX_REPEATS: Final = 3
# More than grouping reads.
MAX_NAME: Final = 4000

# Where applications do not live, for SDKs that do not say what is theirs.
_LIBRARY: Final = re.compile(
    r"(?:\A|/)(?:site-packages|dist-packages|node_modules|python3\.\d+|gems|go/pkg/mod)/|\A(?:node:|internal/|<frozen )"
)
# Names of files and modules that tell nothing: native code, a shell, generated code.
_NO_PLACE: Final = re.compile(
    r"__main__|<(?:anonymous|stdin|string|unknown|unknown module|frozen .*)>|\[native code\]|native|data:.*|\?",
    re.DOTALL,
)


def read(stacktrace: object, notes: list[str]) -> list[Frame]:
    """The frames of a stack trace, or of a list of frames."""
    found = stacktrace.get("frames") if isinstance(stacktrace, dict) else stacktrace
    if found is None:
        return []
    if not isinstance(found, list):
        note(notes, "A stacktrace was left out: its frames must be a list.")
        return []
    return [_frame(each, notes) for each in found if each is not None]


def _frame(given: object, notes: list[str]) -> Frame:
    frame: Frame = {}
    if not isinstance(given, dict):
        note(notes, "A frame of a stacktrace was left empty: it must be an object.")
        return frame
    for name, kind in FIELDS.items():
        value = given.get(name)
        if type(value) is kind:
            frame[name] = value
        elif value is not None:
            note(notes, f"{name} of a frame was left out: it must be {_KINDS[kind]}.")
    return frame


_KINDS: Final = {str: "a text", int: "a whole number", bool: "true or false", list: "a list", dict: "an object"}


def shortened(frames: Sequence[Frame], most: int) -> tuple[list[Frame], int]:
    """At most so many frames, mostly the innermost, and how many are left out behind the first fifth of them."""
    if len(frames) <= most:
        return [*frames], 0
    first = most // 5
    return [*frames[:first], *frames[first - most :]], len(frames) - most


def without_source(frames: Sequence[Frame], innermost: int | None) -> list[Frame]:
    """Frames of which only the application's own keep their source lines and variables, or only so many innermost."""
    last = len(frames) - 1
    return [
        frame
        if (in_app(frame) if innermost is None else last - nth < innermost)
        else {name: value for name, value in frame.items() if name not in SOURCE}
        for nth, frame in enumerate(frames)
    ]


def where(frames: Sequence[Frame]) -> Where | None:
    """The application's innermost frame, and its innermost caller that has a name; None where no frame is its own."""
    own = ((place, _function(frame)) for frame in reversed(frames) if in_app(frame) and (place := _place(frame)))
    place, function = next(own, (None, None))
    if place is None:
        return None
    if function and normalise_function(function):
        return Where(place, function)
    return Where(place, function, next((name for _, name in own if name and normalise_function(name)), None))


def in_app(frame: Mapping[str, Any]) -> bool:
    """Whether a frame is the application's own: as its SDK says, else by where its file lies."""
    said = frame.get("in_app")
    if isinstance(said, bool):
        return said
    files = (frame.get("filename"), frame.get("abs_path"))
    return not any(_LIBRARY.search(file.replace("\\", "/")) for file in files if file)


def _place(frame: Frame) -> str | None:
    names = (frame.get("module"), frame.get("filename"), frame.get("abs_path"))
    return next((name[:MAX_NAME] for name in names if name and not _NO_PLACE.fullmatch(name)), None)


def _function(frame: Frame) -> str | None:
    name: str | None = frame.get("function")
    return name and name[:MAX_NAME]


# -- rendering --------------------------------------------------------------------------------------------------------


def render(exceptions: Sequence[Mapping[str, Any]], platform: str | None) -> str | None:
    """Exceptions, outermost last, as their platform prints them; None without frames. Bounded as a report's is.

    Each has `type`, `value`, `frames`, `frames_left_out` and `mechanism`, all optional.
    """
    if not any(each.get("frames") for each in exceptions):
        return None
    if platform == "python":
        text = "\n\n".join(_traceback(exceptions))
        # The innermost frame, and what was raised, stand last.
        return text if len(text) <= MAX_STACK else "…" + text[1 - MAX_STACK :]
    return "\nCaused by: ".join(_stack(each) for each in reversed(exceptions))[:MAX_STACK]


def _traceback(exceptions: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    for nth, exception in enumerate(exceptions):
        if nth:
            source = (exceptions[nth - 1].get("mechanism") or {}).get("source")
            yield _LINKS.get(source if isinstance(source, str) else "", _LINK)
        lines = _lines(exception, _python_line)
        header = [f"{'Traceback' if exception.get('type') else 'Stack'} (most recent call last):"] if lines else []
        yield "\n".join([*header, *lines, *filter(None, [_headline(exception)])])


_LINK: Final = "The above exception led to the following exception:"
_LINKS: Final = {
    "__cause__": "The above exception was the direct cause of the following exception:",
    "__context__": "During handling of the above exception, another exception occurred:",
}


def _stack(exception: Mapping[str, Any]) -> str:
    return "\n".join([_headline(exception) or "Stack:", *reversed(_lines(exception, _javascript_line))])


def _headline(exception: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (exception.get("type"), exception.get("value"))))[:MAX_HEADLINE]


def _python_line(frame: Frame) -> str:
    file = frame.get("filename") or frame.get("abs_path") or frame.get("module") or "?"
    line = f'  File "{file[:MAX_LINE]}", line {frame.get("lineno", "?")}, in {frame.get("function", "?")[:MAX_LINE]}'
    source = (frame.get("context_line") or "").strip()[:MAX_LINE]
    return f"{line}\n    {source}" if source else line


def _javascript_line(frame: Frame) -> str:
    file = frame.get("filename") or frame.get("abs_path") or frame.get("module") or "<anonymous>"
    position = [file[:MAX_LINE], *(str(frame[name]) for name in ("lineno", "colno") if name in frame)]
    function = frame.get("function", "?")[:MAX_LINE]
    return f"    at {':'.join(position)}" if function == "?" else f"    at {function} ({':'.join(position)})"


def _lines(exception: Mapping[str, Any], line_of: Callable[[Frame], str]) -> list[str]:
    """A line per frame, oldest first, but for those that repeat."""
    frames, left_out = exception.get("frames", ()), exception.get("frames_left_out")
    lines = [*map(line_of, frames)]
    if left_out:
        lines.insert(len(frames) // 5, f"  [{left_out} frames left out]")
    kept: list[str] = []
    for line, run in groupby(lines):
        times = len([*run])
        kept += [line] * min(times, MAX_REPEATS)
        if times > MAX_REPEATS:
            kept.append(f"  [Previous line repeated {times - MAX_REPEATS} more times]")
    return kept
