"""Stacks: where something was raised, and what people of each platform read."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chalicelib.incidents.grouping import Where
from chalicelib.incidents.report import MAX_STACK
from chalicelib.sentry import stacks


def frame(function: str | None = None, filename: str | None = None, **others: object) -> dict[str, Any]:
    said = {"function": function, "filename": filename, **others}
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    ("frames", "where"),
    [
        # the innermost of the application's own
        ([frame("a", "a.py", in_app=True), frame("b", "b.py", in_app=True)], Where("b.py", "b")),
        ([frame("a", "a.py", in_app=True), frame("b", "b.py", in_app=False)], Where("a.py", "a")),
        ([frame("a", "a.py", in_app=False)], None),
        ([], None),
        # where the SDK does not say whose a frame is
        ([frame("a", "a.py"), frame("b", "/srv/.venv/lib/python3.11/site-packages/b.py")], Where("a.py", "a")),
        ([frame("a", "a.py"), frame("b", "b.py", abs_path="/usr/lib/python3.11/b.py")], Where("a.py", "a")),
        ([frame("a", "a.py"), frame("b", r"C:\app\Lib\site-packages\b.py")], Where("a.py", "a")),
        ([frame("a", "a.js"), frame("b", "/srv/node_modules/b/b.js")], Where("a.js", "a")),
        ([frame("a", "a.js"), frame("b", "node:internal/timers")], Where("a.js", "a")),
        ([frame("a", "a.js"), frame("b", "/srv/app/lib/b.js")], Where("/srv/app/lib/b.js", "b")),
        # what names no place
        ([frame("a", "a.js"), frame("JSON.parse", "<anonymous>", in_app=True)], Where("a.js", "a")),
        ([frame("a", "a.js"), frame("sort", "[native code]")], Where("a.js", "a")),
        ([frame("a", "a.py"), frame("b", "<string>"), frame("c"), {}], Where("a.py", "a")),
        ([frame("a", "a.py", module="shop.a")], Where("shop.a", "a")),
        ([frame("a", "a.py", module="__main__")], Where("a.py", "a")),
        ([frame("a", abs_path="/srv/a.py")], Where("/srv/a.py", "a")),
        # no more than is read of it
        ([frame("f" * 5000, "p" * 5000)], Where("p" * stacks.MAX_NAME, "f" * stacks.MAX_NAME)),
        # a function without a name goes by the innermost caller that has one
        ([frame("run", "a.js"), frame("?", "a.js"), frame("<anonymous>", "b.js")], Where("b.js", "<anonymous>", "run")),
        ([frame("run", "a.py"), frame("<lambda>", "b.py")], Where("b.py", "<lambda>", "run")),
        ([frame("run", "a.js", in_app=False), frame(None, "b.js")], Where("b.js")),
    ],
)
def test_it_was_raised_in_the_innermost_frame_of_the_application(
    frames: list[stacks.Frame], where: Where | None
) -> None:
    assert stacks.where(frames) == where


def test_what_is_no_frame_is_left_out_of_it_with_a_note() -> None:
    notes: list[str] = []
    given = {"frames": [5, None, {"function": "f", "lineno": "7", "colno": True, "vars": [], "in_app": 1, "more": 1}]}
    assert stacks.read(given, notes) == [{}, {"function": "f"}]
    assert notes == [
        "A frame of a stacktrace was left empty: it must be an object.",
        "lineno of a frame was left out: it must be a whole number.",
        "colno of a frame was left out: it must be a whole number.",
        "in_app of a frame was left out: it must be true or false.",
        "vars of a frame was left out: it must be an object.",
    ]


@given(st.integers(0, 300), st.integers(5, 100))
def test_a_long_stack_keeps_its_ends(size: int, most: int) -> None:
    frames = [{"lineno": nth} for nth in range(size)]
    kept, left_out = stacks.shortened(frames, most)
    assert len(kept) == min(size, most)
    assert len(kept) + left_out == size
    first = next((nth for nth, each in enumerate(kept) if each["lineno"] != nth), len(kept))
    assert kept == frames[:first] + frames[first + left_out :]
    assert not left_out or first == most // 5


CHAIN: list[dict[str, Any]] = [
    {
        "type": "KeyError",
        "value": "'card'",
        "mechanism": {"source": "__cause__"},
        "frames": [frame("lookup", "shop/cart.py", lineno=19, context_line="    return cart[key]\n")],
    },
    {
        "type": "PaymentError",
        "value": "no card",
        "frames": [
            frame("handle", "shop/views.py", lineno=7, context_line="  pay(order)"),
            frame("pay", "shop/pay.py", lineno=23),
        ],
    },
]


def test_python_reads_its_own_tracebacks() -> None:
    assert stacks.render(CHAIN, "python") == (
        "Traceback (most recent call last):\n"
        '  File "shop/cart.py", line 19, in lookup\n'
        "    return cart[key]\n"
        "KeyError: 'card'\n"
        "\n"
        "The above exception was the direct cause of the following exception:\n"
        "\n"
        "Traceback (most recent call last):\n"
        '  File "shop/views.py", line 7, in handle\n'
        "    pay(order)\n"
        '  File "shop/pay.py", line 23, in pay\n'
        "PaymentError: no card"
    )


@pytest.mark.parametrize("platform", ["javascript", "node", "ruby", None])
def test_others_read_the_innermost_frame_first(platform: str | None) -> None:
    chain = [
        {"type": "SyntaxError", "frames": [frame("JSON.parse", "<anonymous>")]},
        {
            "type": "Error",
            "value": "no",
            "frames": [frame("?", "a.js", lineno=1, colno=2), frame("pay", "b.js", lineno=3)],
        },
    ]
    assert stacks.render(chain, platform) == (
        "Error: no\n    at pay (b.js:3)\n    at a.js:1:2\nCaused by: SyntaxError\n    at JSON.parse (<anonymous>)"
    )


def test_the_stack_of_a_message_is_called_a_stack() -> None:
    frames = [frame("pay", "pay.py", lineno=3)]
    python = 'Stack (most recent call last):\n  File "pay.py", line 3, in pay\nslow'
    assert stacks.render([{"value": "slow", "frames": frames}], "python") == python
    assert stacks.render([{"frames": frames}], "node") == "Stack:\n    at pay (pay.py:3)"


@pytest.mark.parametrize("platform", ["python", "node"])
def test_without_frames_there_is_no_stack(platform: str) -> None:
    assert stacks.render([], platform) is None
    assert stacks.render([{"type": "E", "value": "v"}, {"type": "F", "frames": []}], platform) is None


@pytest.mark.parametrize("platform", ["python", "node"])
def test_repeated_and_missing_frames_are_counted(platform: str) -> None:
    frames, left_out = stacks.shortened([frame("run", "a.py", lineno=1), *[frame("r", "a.py", lineno=2)] * 99], 50)
    text = str(stacks.render([{"type": "RecursionError", "frames": frames, "frames_left_out": left_out}], platform))
    lines = [line for line in text.splitlines() if "left out" in line or "repeated" in line]
    middle = [
        "  [Previous line repeated 6 more times]",
        "  [50 frames left out]",
        "  [Previous line repeated 37 more times]",
    ]
    assert lines == (middle if platform == "python" else middle[::-1])
    assert text.count("a.py") == 7


@pytest.mark.parametrize("platform", ["python", "node"])
def test_a_stack_is_bounded_and_keeps_its_innermost_frame(platform: str) -> None:
    frames = [frame(f"f{nth}" * 200, "a.py" * 200, lineno=nth, context_line="c" * 900) for nth in range(200)]
    text = str(stacks.render([{"type": "E", "value": "v" * 5000, "frames": frames}], platform))
    assert len(text) == MAX_STACK
    assert "f199" in text
    assert "E: v" in text
