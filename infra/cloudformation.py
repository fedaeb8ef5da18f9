"""CloudFormation: a stack, from the plan for it over what becomes of its resources to its end."""

import contextlib
import secrets
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from botocore.exceptions import ClientError, WaiterError

from infra.account import Account
from infra.troubles import Trouble, advice

WITHIN_S: Final = 3600

_FIRST_LOOK_S: Final = 0.1
_LAST_LOOK_S: Final = 3.0

# With another of these a table or bucket is another one, even where CloudFormation only says that it may be. Of what
# else it may say so, AttributeDefinitions above all, which every new index adds to, that is not to be expected.
_IDENTITY: Final = frozenset({"BucketName", "KeySchema", "TableName"})

_NOTHING_TO_DO: Final = ("didn't contain changes", "No updates are to be performed")

Tell = Callable[[str], object]


class Failed(Trouble):
    """An operation on a stack that came to a bad end, in this status, of these causes."""

    def __init__(self, status: str, causes: Iterable[str]) -> None:
        super().__init__(_verdict(f"The stack is {status}.", causes))
        self.status = status


@dataclass(frozen=True, slots=True)
class Stack:
    """A stack as it was found; `parameters` are those of its last deployment."""

    id: str
    status: str
    parameters: dict[str, str]
    outputs: dict[str, str]
    protected: bool


@dataclass(frozen=True, slots=True)
class Change:
    """What a plan does to a resource; `recreating` are the properties for which it may need another one."""

    action: str
    replacement: str
    policy: str
    kind: str
    resource: str
    id: str
    recreating: frozenset[str]

    @property
    def loses(self) -> bool:
        """Whether the resource that there is now may leave the stack."""
        return self.action == "Remove" or self.replacement == "True" or bool(self.recreating & _IDENTITY)

    @property
    def verb(self) -> str:
        """A word for it, in capitals when what there is now goes."""
        match self.action, self.replacement:
            case "Remove", _:
                return "REMOVE" if self.policy != "Retain" else "let go"
            case _, "True":
                return "REPLACE"
            case _, "Conditional":
                return "modify or REPLACE"
        return {"Import": "adopt"}.get(self.action, self.action.lower())


@dataclass(frozen=True, slots=True)
class Plan:
    """A change set that waits to be carried out."""

    id: str
    stack_id: str
    first: bool
    changes: list[Change]


def find(account: Account, name: str) -> Stack | None:
    """The stack of that name, None when there is none."""
    try:
        (found,) = account.client("cloudformation").describe_stacks(StackName=name)["Stacks"]
    except ClientError as error:
        if "does not exist" in error.response["Error"]["Message"]:
            return None
        raise
    return Stack(
        found["StackId"],
        found["StackStatus"],
        {each["ParameterKey"]: each["ParameterValue"] for each in found.get("Parameters", [])},
        {each["OutputKey"]: each["OutputValue"] for each in found.get("Outputs", [])},
        found.get("EnableTerminationProtection", False),
    )


def plan(
    account: Account,
    name: str,
    template_url: str,
    parameters: Iterable[Mapping[str, Any]],
    tags: Mapping[str, str],
    *,
    first: bool,
    adopting: bool,
) -> Plan | None:
    """Have CloudFormation work out what it would do; None when that is nothing.

    What an earlier stack left under the names of the template becomes part of this one; `adopting` says that there is
    such. Raises Trouble when CloudFormation refuses.
    """
    cloudformation = account.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"deploy-{secrets.token_hex(8)}",
        ChangeSetType="CREATE" if first else "UPDATE",
        TemplateURL=template_url,
        Parameters=list(parameters),
        Tags=[{"Key": key, "Value": value} for key, value in tags.items()],
        Capabilities=["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"],
        ImportExistingResources=True,
        # Its checks beforehand object to names that are taken, as those of what is adopted are.
        DisableValidation=adopting,
    )
    drawn = Plan(made["Id"], made["StackId"], first, [])
    try:
        cloudformation.get_waiter("change_set_create_complete").wait(
            ChangeSetName=drawn.id, WaiterConfig={"Delay": 1, "MaxAttempts": 600}
        )
    except WaiterError as error:
        reason = str(cloudformation.describe_change_set(ChangeSetName=drawn.id).get("StatusReason", error))
        unchanged = any(text in reason for text in _NOTHING_TO_DO)
        causes = [reason] if unchanged else [reason, *_details(account, ChangeSetName=drawn.id)]
        discard(account, drawn)
        if unchanged:
            return None
        raise Trouble(_verdict("CloudFormation refuses the plan:", causes)) from error
    pages = cloudformation.get_paginator("describe_change_set").paginate(ChangeSetName=drawn.id)
    drawn.changes.extend(_change(each["ResourceChange"]) for page in pages for each in page["Changes"])
    return drawn


def discard(account: Account, plan: Plan) -> None:
    """Forget a plan, and the empty stack that a first one begins with."""
    cloudformation = account.client("cloudformation")
    cloudformation.delete_change_set(ChangeSetName=plan.id)
    if plan.first:
        cloudformation.delete_stack(StackName=plan.stack_id)


def carry_out(account: Account, plan: Plan, tell: Tell) -> None:
    """Do what a plan says, telling of each resource. Raises Failed with the causes."""
    since = _newest(account, plan.stack_id)
    # Not rolling back is said to be the default.
    # Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/APIReference/API_ExecuteChangeSet.html
    account.client("cloudformation").execute_change_set(ChangeSetName=plan.id, DisableRollback=False)
    _follow(account, plan.stack_id, since, tell, ("CREATE_COMPLETE", "UPDATE_COMPLETE"))


def protect(account: Account, stack: Stack) -> None:
    """Have everybody who wants to delete the stack say so twice."""
    account.client("cloudformation").update_termination_protection(StackName=stack.id, EnableTerminationProtection=True)


def recover(account: Account, stack: Stack, tell: Tell) -> None:
    """End a rollback that got stuck. Raises Failed with the causes when it does so again."""
    since = _newest(account, stack.id)
    account.client("cloudformation").continue_update_rollback(StackName=stack.id)
    _follow(account, stack.id, since, tell, ("UPDATE_ROLLBACK_COMPLETE",))


def delete(account: Account, stack: Stack, tell: Tell) -> None:
    """Delete a stack, but not what is to outlive it. Raises Failed with the causes."""
    cloudformation = account.client("cloudformation")
    if stack.protected:
        cloudformation.update_termination_protection(StackName=stack.id, EnableTerminationProtection=False)
    since = _newest(account, stack.id)
    cloudformation.delete_stack(StackName=stack.id)
    _follow(account, stack.id, since, tell, ("DELETE_COMPLETE",))


def remaining(account: Account, stack: Stack, kind: str) -> list[str]:
    """The physical ids of a stack's resources of a type, but those it has deleted."""
    found = account.client("cloudformation").describe_stack_resources(StackName=stack.id)["StackResources"]
    return [
        each["PhysicalResourceId"]
        for each in found
        if each["ResourceType"] == kind and each["ResourceStatus"] != "DELETE_COMPLETE" and "PhysicalResourceId" in each
    ]


def settled(account: Account, name: str, tell: Tell) -> Stack | None:
    """The stack of that name once nothing is being done to it any more, however that ends."""
    stack = find(account, name)
    if stack and _busy(stack.status):
        tell(f"The stack is {stack.status}; that comes first:")
    while stack and _busy(stack.status):
        since = _newest(account, stack.id)
        # Once more, as it may have ended before that event was asked for.
        if (stack := find(account, name)) and _busy(stack.status):
            with contextlib.suppress(Failed):
                _follow(account, stack.id, since, tell, ())
            stack = find(account, name)
    return stack


def _follow(account: Account, stack_id: str, since: str, tell: Tell, fine: tuple[str, ...]) -> None:
    """Tell of what has happened after the event `since`, until the stack rests.

    Raises Failed with the causes unless its status is `fine` then, and Trouble when it takes too long.
    """
    cloudformation = account.client("cloudformation")
    deadline, pause = time.monotonic() + WITHIN_S, _FIRST_LOOK_S
    latest = ""
    causes: list[str] = []
    while True:
        # By itself this may still be the status from before; an event of this operation says the same at its end.
        status = cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
        for event in _events(account, stack_id, since):
            since = event["EventId"]
            outcome = event["ResourceStatus"]
            if event.get("PhysicalResourceId") == stack_id:
                latest = outcome
            elif not outcome.endswith("_IN_PROGRESS"):
                reason = event.get("ResourceStatusReason", "") if outcome.endswith("_FAILED") else ""
                tell(f"  {outcome:15}  {event['ResourceType']:31}  {event['LogicalResourceId']}  {reason}".rstrip())
                # Others are cancelled only because one failed.
                if reason and "cancelled" not in reason:
                    causes.append(f"{event['LogicalResourceId']}: {reason}")
        if status == latest and not _busy(status):
            break
        if time.monotonic() > deadline:
            raise Trouble(f"The stack has been {status} for an hour. The same command follows it further.")
        time.sleep(pause)
        pause = min(pause * 1.5, _LAST_LOOK_S)
    if status not in fine:
        raise Failed(status, causes or _details(account, StackName=stack_id))


def _newest(account: Account, stack_id: str) -> str:
    """The id of a stack's newest event."""
    events = account.client("cloudformation").describe_stack_events(StackName=stack_id)["StackEvents"]
    return str(events[0]["EventId"])


def _events(account: Account, stack_id: str, since: str) -> list[dict[str, Any]]:
    """The events of a stack after the one of that id, oldest first."""
    found: list[dict[str, Any]] = []
    for page in account.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=stack_id):
        for event in page["StackEvents"]:
            if event["EventId"] == since:
                return found[::-1]
            found.append(event)
    return found[::-1]


def _details(account: Account, **of: str) -> list[str]:
    """What was found wrong before anything was tried, as far as one may know it: it is told nowhere else."""
    events: list[dict[str, Any]] = []
    with contextlib.suppress(ClientError):
        found = account.client("cloudformation").describe_events(**of, Filters={"FailedEvents": True})
        events = found["OperationEvents"]
    return [
        f"{event.get('LogicalResourceId', 'The template')}: {event['ValidationStatusReason']}"
        for event in events
        if event["OperationId"] == events[0]["OperationId"] and "ValidationStatusReason" in event
    ]


def _change(change: Mapping[str, Any]) -> Change:
    return Change(
        change["Action"],
        change.get("Replacement", "False"),
        change.get("PolicyAction", ""),
        change["ResourceType"],
        change["LogicalResourceId"],
        change.get("PhysicalResourceId", ""),
        frozenset(
            detail["Target"]["Name"]
            for detail in change.get("Details", [])
            if detail["Target"].get("RequiresRecreation", "Never") != "Never"
        ),
    )


def _verdict(what: str, causes: Iterable[str]) -> str:
    """`what` happened and the causes, a line each, with what to do about it where that is known."""
    lines = [f"  {line}" for cause in causes for line in (cause, advice(cause)) if line]
    return "\n".join([what, *dict.fromkeys(lines)])


def _busy(status: str) -> bool:
    # A stack in review is empty, and waits for nothing but a plan.
    return status.endswith("_IN_PROGRESS") and status != "REVIEW_IN_PROGRESS"
