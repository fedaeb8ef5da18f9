"""Untrusted JSON: what a client sends, read forgivingly. Whoever reads it has bounded its size."""

import json
import math

from chalicelib.errors import InvalidBody


def json_object(raw: bytes | str, what: str) -> dict[str, object]:
    """A JSON object: bytes that are no UTF-8 are replaced, NaN and numbers without end become text.

    `what` names it in the sentence of InvalidBody, which is raised for everything else.
    """
    text = raw.decode("utf-8-sig", "replace") if isinstance(raw, bytes) else raw
    try:
        found = _DECODER.decode(text)
    except RecursionError as error:
        raise InvalidBody(f"{what} is nested too deeply; send at most a few dozen levels.") from error
    except ValueError as error:
        raise InvalidBody(f"{what} is not valid JSON: {error}.") from error
    if not isinstance(found, dict):
        raise InvalidBody(f"{what} must be a JSON object.")
    return found


def _bounded_int(digits: str) -> int | str:
    # int() is quadratic in the digits and refuses more than 4,300; nobody counts with 100.
    return int(digits) if len(digits) <= 100 else digits


def _finite_float(digits: str) -> float | str:
    number = float(digits)
    return number if math.isfinite(number) else digits


_DECODER = json.JSONDecoder(parse_int=_bounded_int, parse_float=_finite_float, parse_constant=str)
