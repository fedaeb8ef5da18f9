"""The destroy: takes a stage out of an AWS account. `make destroy STAGE=dev` is what people type.

Production keeps its data unless told twice. It can be interrupted anywhere and run again.
"""

import os
import signal
import sys
from collections.abc import Callable, Sequence

from infra import account, artifacts, cloudformation, parameters, stores, template
from infra.deploy import PROTECTED, name
from infra.troubles import Trouble, explained


def main(arguments: Sequence[str]) -> int:
    """Destroy the stage that the argument or STAGE names; of production with its data if DATA and SURE say so.

    Returns 0 when it is gone, 1 when not, 2 when that was asked for in a wrong way, 130 when stopped by Ctrl-C, SIGTERM
    or SIGHUP.
    """
    for signum in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(signum, signal.default_int_handler)
    stage = arguments[0] if arguments else os.environ.get("STAGE", "")
    try:
        data = _data(stage, os.environ.get("DATA", ""), os.environ.get("SURE", ""))
        with explained():
            destroy(stage, lambda: _asked(stage), data=data)
    except parameters.ParameterError as error:
        print(error, file=sys.stderr)
        return 2
    except Trouble as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; the same command goes on.", file=sys.stderr)
        return 130
    return 0


def destroy(stage: str, sure: Callable[[], bool], *, data: bool) -> None:
    """Delete a stage's stack, and the `data` beside it, once somebody is `sure`.

    Raises ParameterError for a stage that cannot be, Trouble, and botocore's errors.
    """
    declared = template.load()
    parameters.require_known(declared, stage, {})
    there = account.signed_in()
    stack = cloudformation.settled(there, name(stage), _say)
    kept = stores.existing(there, declared, stage)
    where = f"AWS account {there.id}, region {there.region}"
    if not stack and not kept:
        _say(f"There is nothing of {stage} in {where}.")
        return
    _say(f"Destroying {stage} in {where}:")
    if stack:
        _say(f"  goes   stack {name(stage)}: functions, API, queues, alarms")
    for store in kept:
        _say(f"  {'goes ' if data else 'stays'}  {store}")
    _say(f"  stays  bucket {artifacts.bucket(there)}, which all stages share")
    if (stack or data) and not sure():
        raise Trouble("Nothing was changed.")
    if stack:
        cloudformation.delete(there, stack, _say)
    if not data:
        _say(
            f"The data of {stage} stays. `make deploy STAGE={stage}` adopts its tables and buckets as they are; "
            f"`make destroy STAGE={stage} DATA=delete SURE={stage}` deletes all of it."
        )
        return
    for store in kept:
        stores.delete(there, store)
        _say(f"  {store} is deleted.")
    _say(f"Nothing is left of {stage}.")


def _data(stage: str, data: str, sure: str) -> bool:
    """Whether data goes, too. Raises ParameterError unless production was told so twice."""
    if data not in {"", "delete"}:
        raise parameters.ParameterError(f"DATA must be delete, or not be given; it is {data!r}.")
    if stage == PROTECTED and data and sure != stage:
        raise parameters.ParameterError(
            f"Nothing was changed: what deletes the data of {stage} is DATA=delete together with SURE={stage}."
        )
    return stage != PROTECTED or bool(data)


def _asked(stage: str) -> bool:
    """Whether whoever sits at the terminal types the stage's name; without a terminal nobody is asked."""
    if not sys.stdin.isatty():
        return True
    try:
        return input(f"Type {stage} to go on: ").strip() == stage
    except EOFError:
        return False


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
