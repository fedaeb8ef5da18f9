"""The destroy: takes a stage out of an AWS account. `make destroy STAGE=dev` is what people type.

Production keeps its data unless told twice. It can be interrupted anywhere and run again.
"""

import os
import sys
from collections.abc import Callable, Sequence

from infra import account, artifacts, cloudformation, parameters, stores, template, terminal
from infra.deploy import PROTECTED, name
from infra.terminal import say
from infra.troubles import Trouble, explained


def main(arguments: Sequence[str]) -> int:
    """Destroy the stage that the argument or STAGE names; of production with its data if DATA and SURE say so.

    Returns the exit status, as `terminal.run` has it.
    """
    stage = arguments[0] if arguments else os.environ.get("STAGE", "")
    return terminal.run(lambda: _destroy(stage), stopped="Stopped; the same command goes on.")


def destroy(stage: str, sure: Callable[[], bool], *, data: bool) -> None:
    """Delete a stage's stack, and the `data` beside it, once somebody is `sure`.

    Raises ParameterError for a stage that cannot be, Trouble, and botocore's errors.
    """
    declared = template.load()
    parameters.require_known(declared, stage, {})
    there = account.signed_in()
    stack = cloudformation.settled(there, name(stage), say)
    kept = stores.existing(there, declared, stage)
    where = f"AWS account {there.id}, region {there.region}"
    if not stack and not kept:
        say(f"There is nothing of {stage} in {where}.")
        return
    say(f"Destroying {stage} in {where}:")
    if stack:
        say(f"  goes   stack {name(stage)}: functions, API, queues, alarms")
    for store in kept:
        say(f"  {'goes ' if data else 'stays'}  {store}")
    say(f"  stays  bucket {artifacts.bucket(there)}, which all stages share")
    if (stack or data) and not sure():
        raise Trouble("Nothing was changed.")
    if stack:
        cloudformation.delete(there, stack, say)
    if not data:
        say(
            f"The data of {stage} stays. `make deploy STAGE={stage}` adopts its tables and buckets as they are; "
            f"`make destroy STAGE={stage} DATA=delete SURE={stage}` deletes all of it."
        )
        return
    for store in kept:
        stores.delete(there, store)
        say(f"  {store} is deleted.")
    say(f"Nothing is left of {stage}.")


def _destroy(stage: str) -> None:
    data = _data(stage, os.environ.get("DATA", ""), os.environ.get("SURE", ""))
    with explained():
        destroy(stage, lambda: terminal.agrees(f"Type {stage} to go on: ", lambda said: said == stage), data=data)


def _data(stage: str, data: str, sure: str) -> bool:
    """Whether data goes, too. Raises ParameterError unless production was told so twice."""
    if data not in {"", "delete"}:
        raise parameters.ParameterError(f"DATA must be delete, or not be given; it is {data!r}.")
    if stage == PROTECTED and data and sure != stage:
        raise parameters.ParameterError(
            f"Nothing was changed: what deletes the data of {stage} is DATA=delete together with SURE={stage}."
        )
    return stage != PROTECTED or bool(data)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
