"""The deploy: brings a stage into an AWS account, or up to date there. `make deploy STAGE=prod` is what people type.

It can be interrupted anywhere and run again: what is under way is followed, and what a first deployment left when it
failed is removed.
"""

import os
import shlex
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from infra import account, artifacts, cloudformation, layer, package, parameters, stores, template, terminal
from infra.account import Account
from infra.cloudformation import Failed, Plan, Stack
from infra.terminal import say
from infra.troubles import Trouble, explained

PROTECTED: Final = "prod"  # the stage whose data survives its stack

# What a first deployment leaves when it fails; nothing but a deletion can follow on it, or on one that failed itself.
_UNBORN: Final = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED")
_RUINS: Final = (*_UNBORN, "DELETE_FAILED")

# What there is after a deployment that failed, by the status of the stack.
_LEFT: Final = {
    "ROLLBACK_COMPLETE": "Nothing is left of it but its record.",
    "UPDATE_ROLLBACK_COMPLETE": "What was there before is back.",
}

Build = Callable[[Path], package.Package]


def main(arguments: Sequence[str]) -> int:
    """Deploy the stage that the arguments name, with the parameters after it, or STAGE with those in PARAMETERS.

    Returns the exit status, as `terminal.run` has it.
    """
    return terminal.run(lambda: _deploy(arguments))


def name(stage: str) -> str:
    """The name of a stage's stack."""
    return f"groundcrew-{stage}"


def deploy(stage: str, given: Mapping[str, str], build: Build, sure: Callable[[], bool]) -> Stack:
    """Deploy what `build` packages into a directory, once somebody is `sure` of the plan; returns the stack.

    Parameters that are not given keep the value of the last deployment. Raises ParameterError before anything is made,
    PackageError, LayerError, Trouble, and botocore's errors.
    """
    declared = template.load()
    parameters.require_known(declared, stage, given)
    there = account.signed_in()
    say(f"Deploying {stage} to AWS account {there.id}, region {there.region}.")
    _require_runtime(there, stage)
    stack = cloudformation.settled(there, name(stage), say)
    first = stack is None or stack.status in {"REVIEW_IN_PROGRESS", *_RUINS}
    previous = stack.parameters if stack and not first else None
    values = parameters.complete(declared, stage, given, previous)
    if more := max(0, _reserved(values) - _reserved(previous or {})):
        account.require_room(there, more)
    if first:
        stores.require_home(there, declared, stage)
    left = stores.adoptable(there, declared, stage) if first else []
    with tempfile.TemporaryDirectory() as directory:
        template_url = _uploaded(there, stage, build, Path(directory))
    if stack:
        _clear(there, stack)
    plan = cloudformation.plan(
        there,
        name(stage),
        template_url,
        parameters.sent(values, given, previous),
        {"groundcrew": stage},
        first=first,
        adopting=bool(left),
    )
    if plan:
        say(f"The plan for {name(stage)}{', its first deployment' if first else ''}:")
        _carry_out(there, plan, sure)
        if left:
            say(
                "What an earlier stack left was adopted as it is. Should its settings be older than the template's: "
                f"aws cloudformation detect-stack-drift --stack-name {name(stage)}"
            )
    else:
        say("Nothing has changed since the last deployment.")
    deployed = cloudformation.find(there, name(stage))
    if not deployed:
        raise Trouble("The stack was deleted meanwhile.")
    if stage == PROTECTED and not deployed.protected:
        cloudformation.protect(there, deployed)
    return deployed


def _deploy(arguments: Sequence[str]) -> None:
    began = time.monotonic()
    stage, *words = arguments or _words()
    with explained():
        stack = deploy(stage, parameters.parse(words), package.build, _agreed)
    say(f"{name(stage)} is deployed ({time.monotonic() - began:.0f} s).")
    shown = {key: stack.outputs[key] for key in template.load()["Outputs"] if key in stack.outputs}
    for key, value in shown.items():
        say(f"  {key:{max(map(len, shown))}}  {value}")


def _require_runtime(there: Account, stage: str) -> None:
    runtime = f"python{sys.version_info.major}.{sys.version_info.minor}"
    if layer.runs_on(runtime):
        return
    why = f"Functions run on the Python that packages them, and what Lambda runs {runtime} on is too old for ffmpeg."
    if not there.emulated:
        raise Trouble(f"{why} Use a newer one: rm -rf .venv && make deploy STAGE={stage} PYTHON=python3.12")
    say(f"{why} An emulator does not mind.")


def _reserved(values: Mapping[str, str]) -> int:
    """How many executions are set aside for the transcoder."""
    return int(values["TranscoderConcurrency"]) if values.get("ReserveTranscoder") == "true" else 0


def _uploaded(there: Account, stage: str, build: Build, directory: Path) -> str:
    """The URL of the template of what was built, with all of it in the bucket of artifacts."""
    say("Packaging, which takes half a minute when the code has changed:")
    built = build(directory)
    artifacts.prepare(there)
    for file in (built.code, built.layer):
        new = artifacts.upload(there, file)
        unpacked = package.unpacked_bytes(file)
        size = f"{file.stat().st_size / 1e6:.1f} MB, unpacked {unpacked / 1e6:.1f} MB"
        say(f"  {file.name}  {size}, {'uploaded' if new else 'is there already'}")
    located = built.located(f"s3://{artifacts.bucket(there)}")
    return artifacts.upload_template(there, stores.named(located, stage, there.id), directory)


def _clear(there: Account, stack: Stack) -> None:
    """Bring a stack that is stuck into a state from which it can be deployed."""
    if stack.status in _RUINS:
        say(f"The stack is {stack.status}; what is left of it is removed first:")
        if stack.status in _UNBORN:
            # Protected as it is, it survived the rollback of its creation, with nobody in it; no stack can adopt it.
            for pool in cloudformation.remaining(there, stack, stores.USERS):
                stores.delete(there, stores.Store(stores.USERS, pool, pool))
        cloudformation.delete(there, stack, say)
    if stack.status == "UPDATE_ROLLBACK_FAILED":
        say("The last update could not be undone; that is tried again first:")
        try:
            cloudformation.recover(there, stack, say)
        except Failed as failed:
            raise Trouble(
                f"{failed}\nMend that, or leave these resources out by Continue update rollback in the console of "
                "CloudFormation; then run the same command."
            ) from failed


def _show(plan: Plan) -> None:
    if not plan.changes:
        say("  no resource changes, only what the stack tells of them")
        return
    # What goes stands last, next to the question.
    changes = sorted(plan.changes, key=lambda each: (each.verb.isupper(), each.verb, each.kind, each.resource))
    verb, kind = (max(map(len, column)) for column in zip(*((each.verb, each.kind) for each in changes), strict=True))
    for change in changes:
        say(f"  {change.verb:{verb}}  {change.kind:{kind}}  {change.resource}")


def _require_data(plan: Plan) -> None:
    """Raise Trouble when a plan would take away what holds data."""
    lost = [change for change in plan.changes if change.loses and change.kind in {stores.TABLE, stores.BUCKET}]
    if lost:
        named = ", ".join(f"{change.resource} ({change.id})" for change in lost)
        raise Trouble(
            f"Nothing was changed: the plan would take away {named}, and a deploy never takes data away. Undo what "
            "infra/template.yaml has done to its logical id, its name or its keys; to move to another table or bucket, "
            "add that beside the old one and copy."
        )


def _require_consent(sure: Callable[[], bool]) -> None:
    if not sure():
        raise Trouble("Nothing was changed.")


def _carry_out(there: Account, plan: Plan, sure: Callable[[], bool]) -> None:
    try:
        _show(plan)
        _require_data(plan)
        _require_consent(sure)
    except BaseException:
        cloudformation.discard(there, plan)
        raise
    say("Deploying:")
    try:
        cloudformation.carry_out(there, plan, say)
    except KeyboardInterrupt:
        say("What CloudFormation has begun goes on by itself; the same command follows it.")
        raise
    except Failed as failed:
        left = _LEFT.get(failed.status, "Part of it may be left.")
        raise Trouble(f"{failed}\n{left} Mend the cause, then run the same command.") from failed


def _words() -> list[str]:
    """STAGE, and PARAMETERS as a shell would split them."""
    try:
        return [os.environ.get("STAGE", ""), *shlex.split(os.environ.get("PARAMETERS", ""))]
    except ValueError as error:
        raise parameters.ParameterError(f"PARAMETERS cannot be read ({error}).") from error


def _agreed() -> bool:
    return terminal.agrees("Deploy this? [y/N] ", lambda said: said.lower() in {"y", "yes"})


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
