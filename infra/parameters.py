"""The parameters: what a deployment is told, held to the template before anything is made.

CloudFormation would refuse the same, but only in the middle of a deployment, and one mistake at a time.
"""

import difflib
import re
import secrets
from collections.abc import Iterable, Mapping
from typing import Any, Final

STAGE: Final = "Stage"  # the parameter that names the stage, and no other way does

# What CloudFormation tells of a parameter with NoEcho, whatever its value. To a rule it counts as a value: should there
# be none, CloudFormation says so before it changes anything.
_HIDDEN: Final = "****"

_GIVEN = re.compile(r"(\w+)=(.*)", re.DOTALL)
_WHOLE = re.compile(r"-?[0-9]{1,18}")


class ParameterError(Exception):
    """What is wrong with parameters, a line each."""


def parse(words: Iterable[str]) -> dict[str, str]:
    """Parameters of words such as `Name=value`; a value may hold anything. Raises ParameterError."""
    given: dict[str, str] = {}
    wrong = []
    for word in words:
        found = _GIVEN.fullmatch(word)
        if not found:
            wrong.append(f"{word!r} is no parameter: write Name=value, in quotes when the value holds spaces.")
        elif found[1] in given:
            wrong.append(f"{found[1]} is given twice.")
        else:
            given[found[1]] = found[2]
    if wrong:
        raise ParameterError("\n".join(wrong))
    return given


def require_known(template: Mapping[str, Any], stage: str, given: Mapping[str, str]) -> None:
    """Raise ParameterError unless the template knows the stage and each parameter, and may have each value."""
    declared = template["Parameters"]
    wrong = [] if STAGE not in given else [f"{STAGE} is no parameter here: the stage is what STAGE names."]
    if not stage:
        wrong.append("Say which stage: STAGE=prod, or another name for a deployment of its own.")
    elif complaint := _complaint("STAGE", declared[STAGE], stage):
        wrong.append(complaint)
    for name, value in given.items():
        if name == STAGE:
            continue
        if name in declared:
            complaint = _complaint(name, declared[name], value)
            wrong += [complaint] if complaint else []
        else:
            folded = {known.casefold(): known for known in declared if known != STAGE}
            like = difflib.get_close_matches(name.casefold(), folded, n=1)
            meant = f"did you mean {folded[like[0]]}?" if like else f"there are {', '.join(sorted(folded.values()))}."
            wrong.append(f"There is no parameter {name}; {meant}")
    if wrong:
        raise ParameterError("\n".join(wrong))


def complete(
    template: Mapping[str, Any], stage: str, given: Mapping[str, str], previous: Mapping[str, str] | None
) -> dict[str, str]:
    """The value that each parameter of the template will have.

    That is the one given, else that of the last deployment, `previous`, which is None at the first one, else the
    default. An ingest key is made at the first deployment, so that reports can come in at once. Raises ParameterError
    when one has no value, or when the template's rules do not hold.
    """
    declared = template["Parameters"]
    made = {"IngestKey": secrets.token_hex(16)} if previous is None and "IngestKey" in declared else {}
    defaults = {name: str(each["Default"]) for name, each in declared.items() if "Default" in each}
    values = {**defaults, **made, **(previous or {}), **given, STAGE: stage}
    wrong = [
        f"{name} has no value yet: {each.get('Description', 'it must be given')}"
        for name, each in declared.items()
        if name not in values
    ]
    # A newer template may be stricter than that of the last deployment.
    kept = [name for name in previous or {} if name in declared and values[name] != _HIDDEN]
    wrong += filter(None, (_complaint(name, declared[name], values[name]) for name in kept))
    if not wrong:
        wrong = [
            assertion["AssertDescription"]
            for rule in template.get("Rules", {}).values()
            if "RuleCondition" not in rule or _value(rule["RuleCondition"], values)
            for assertion in rule["Assertions"]
            if not _value(assertion["Assert"], values)
        ]
    if wrong:
        raise ParameterError("\n".join(wrong))
    return {name: values[name] for name in declared}


def sent(
    values: Mapping[str, str], given: Mapping[str, str], previous: Mapping[str, str] | None
) -> list[dict[str, Any]]:
    """`values` as CloudFormation takes them: those that are kept by name alone, as not each value is told."""
    return [
        {"ParameterKey": name, "UsePreviousValue": True}
        if name in (previous or {}) and name not in given and name != STAGE
        else {"ParameterKey": name, "ParameterValue": value}
        for name, value in values.items()
    ]


def _complaint(name: str, declared: Mapping[str, Any], value: str) -> str | None:
    """What is wrong with a parameter's value, as a sentence."""
    shown = "That value" if declared.get("NoEcho") else repr(value)
    if allowed := declared.get("AllowedValues"):
        if value not in map(str, allowed):
            return f"{name} must be {', '.join(map(str, allowed[:-1]))} or {allowed[-1]}, not {shown}."
    elif declared["Type"] == "Number":
        # CloudFormation takes fractions too, which no parameter of ours has a use for.
        if not _WHOLE.fullmatch(value):
            return f"{name} must be a whole number, not {shown}."
        if "MinValue" in declared and int(value) < declared["MinValue"]:
            return f"{name} must be at least {declared['MinValue']}, not {value}."
        if "MaxValue" in declared and int(value) > declared["MaxValue"]:
            return f"{name} must be at most {declared['MaxValue']}, not {value}."
    elif not re.fullmatch(pattern := declared.get("AllowedPattern", ".*"), value, re.DOTALL):
        form = f"be empty or match {pattern[1:]}" if pattern.startswith("|") else f"match {pattern}"
        return f"{name} cannot be {shown}: it must {form}. {declared.get('Description', '')}".rstrip()
    return None


def _value(term: Any, values: Mapping[str, str]) -> Any:
    """What a term of a rule stands for: text, or whether it holds.

    Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/intrinsic-function-reference-rules.html
    """
    match term:
        case str():
            return term
        case {"Ref": name}:
            return values[name]
        case {"Fn::Equals": [left, right]}:
            return _value(left, values) == _value(right, values)
        case {"Fn::Not": [negated]}:
            return not _value(negated, values)
        case {"Fn::And": terms}:
            return all(_value(each, values) for each in terms)
        case {"Fn::Or": terms}:
            return any(_value(each, values) for each in terms)
    raise ParameterError(f"The template has a rule that is not understood here: {term}")
