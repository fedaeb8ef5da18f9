"""What a deployment may be told."""

from contextlib import nullcontext
from typing import Any

import pytest

from infra import template
from infra.parameters import ParameterError, complete, parse, require_known, sent

DECLARED = template.load()
PROVIDER = {"OidcIssuer": "https://id.example.com", "OidcAudience": "ops"}


@pytest.mark.parametrize(
    ("word", "name", "value"),
    [
        ("A=", "A", ""),
        ("A=b=c", "A", "b=c"),
        ("A=x, y z", "A", "x, y z"),
        ("A=1\n2", "A", "1\n2"),
    ],
)
def test_a_value_may_hold_anything(word: str, name: str, value: str) -> None:
    assert parse([word]) == {name: value}


def test_what_is_no_parameter_is_said() -> None:
    with pytest.raises(ParameterError) as wrong:
        parse(["AlarmEmail", "=x", "A=1", "A=2", "--help"])
    assert str(wrong.value).splitlines() == [
        "'AlarmEmail' is no parameter: write Name=value, in quotes when the value holds spaces.",
        "'=x' is no parameter: write Name=value, in quotes when the value holds spaces.",
        "A is given twice.",
        "'--help' is no parameter: write Name=value, in quotes when the value holds spaces.",
    ]


@pytest.mark.parametrize(
    ("name", "value", "complaint"),
    [
        ("LogLevl", "DEBUG", "There is no parameter LogLevl; did you mean LogLevel?"),
        ("loglevel", "DEBUG", "There is no parameter loglevel; did you mean LogLevel?"),
        ("Taste", "sour", "There is no parameter Taste; there are AlarmEmail, AlertSender, AllowedOrigins, "),
        ("Stage", "dev", "Stage is no parameter here: the stage is what STAGE names."),
        ("LogLevel", "debug", "LogLevel must be DEBUG, INFO, WARNING or ERROR, not 'debug'."),
        ("ReserveTranscoder", "no", "ReserveTranscoder must be true or false, not 'no'."),
        ("RetentionDays", "0", "RetentionDays must be at least 1, not 0."),
        ("RetentionDays", "", "RetentionDays must be a whole number, not ''."),
        ("RetentionDays", "1.5", "RetentionDays must be a whole number, not '1.5'."),
        ("RetentionDays", "1e3", "RetentionDays must be a whole number, not '1e3'."),
        ("RetentionDays", "9" * 20, "RetentionDays must be a whole number, not "),
        ("TranscoderConcurrency", "1001", "TranscoderConcurrency must be at most 1000, not 1001."),
        ("IngestKey", "C0FFEE", "IngestKey cannot be 'C0FFEE': it must be empty or match [0-9a-f]{32}. "),
        ("AlarmEmail", "a@b c", "AlarmEmail cannot be 'a@b c': it must be empty or match "),
        ("PublicUrl", "http://example.com", "PublicUrl cannot be 'http://example.com': "),
    ],
)
def test_a_value_that_cannot_be_is_refused(name: str, value: str, complaint: str) -> None:
    with pytest.raises(ParameterError) as wrong:
        require_known(DECLARED, "dev", {name: value})
    assert str(wrong.value).startswith(complaint)
    assert "\n" not in str(wrong.value)


@pytest.mark.parametrize(
    ("stage", "complaint"),
    [
        ("", "Say which stage: STAGE=prod"),
        ("Prod", "STAGE cannot be 'Prod': it must match "),
        ("a", "STAGE cannot be 'a': it must match "),
        ("my-stage", "STAGE cannot be 'my-stage': it must match "),
        ("awsdev", "STAGE cannot be 'awsdev': it must match "),
    ],
)
def test_a_stage_that_cannot_be_is_refused(stage: str, complaint: str) -> None:
    with pytest.raises(ParameterError, match=f"^{complaint}"):
        require_known(DECLARED, stage, {})


def test_all_that_is_wrong_is_told_at_once_and_no_secret_is() -> None:
    declared = {"Parameters": {**DECLARED["Parameters"], "Key": {"Type": "Number", "NoEcho": True}}}
    with pytest.raises(ParameterError) as wrong:
        require_known(declared, "X", {"Key": "hunter2", "RetentionDays": "x"})
    assert len(str(wrong.value).splitlines()) == 3
    assert "hunter2" not in str(wrong.value)


def test_what_can_be_passes() -> None:
    require_known(
        DECLARED,
        "dev",
        {
            **PROVIDER,
            "AllowedOrigins": "https://a.example.com,http://localhost:*",
            "IngestKey": "c0ffee00" * 4,
            "MaxVideoMinutes": "0",
            "StorageSecretAccessKey": "any thing=, at all",
        },
    )


def test_a_first_deployment_has_the_defaults_and_a_key_of_its_own() -> None:
    values = complete(DECLARED, "dev", PROVIDER, None)
    assert values.keys() == DECLARED["Parameters"].keys()
    assert (values["Stage"], values["RetentionDays"], values["OidcAudience"]) == ("dev", "90", "ops")
    assert len(values["IngestKey"]) == 32
    require_known(DECLARED, "dev", {"IngestKey": values["IngestKey"]})
    assert complete(DECLARED, "dev", {}, None)["IngestKey"] != values["IngestKey"]
    assert complete(DECLARED, "dev", {"IngestKey": ""}, None)["IngestKey"] == ""


def test_a_later_one_keeps_what_it_is_not_told() -> None:
    previous = {**complete(DECLARED, "dev", PROVIDER, None), "LogLevel": "DEBUG", "IngestKey": "", "Retired": "x"}
    del previous["RawEventDays"]  # which an older template did not have
    given = {"RetentionDays": "7"}
    values = complete(DECLARED, "dev", given, previous)
    assert (values["LogLevel"], values["RetentionDays"], values["RawEventDays"]) == ("DEBUG", "7", "30")
    assert values["IngestKey"] == ""
    told = {each.pop("ParameterKey"): each for each in sent(values, given, previous)}
    assert told.keys() == DECLARED["Parameters"].keys()
    assert told["RetentionDays"] == {"ParameterValue": "7"}
    assert told["RawEventDays"] == {"ParameterValue": "30"}
    assert told["Stage"] == {"ParameterValue": "dev"}
    assert told["LogLevel"] == told["StorageSecretAccessKey"] == {"UsePreviousValue": True}


def test_what_has_no_value_is_asked_for() -> None:
    declared = {"Parameters": {**DECLARED["Parameters"], "Colour": {"Type": "String", "Description": "Of the door."}}}
    with pytest.raises(ParameterError, match=r"^Colour has no value yet: Of the door\.$"):
        complete(declared, "dev", {}, None)
    assert complete(declared, "dev", {}, {"Colour": "red"})["Colour"] == "red"


def test_a_kept_value_that_can_be_no_longer_is_refused() -> None:
    with pytest.raises(ParameterError, match="LogLevel must be DEBUG"):
        complete(DECLARED, "dev", {}, {"LogLevel": "TRACE"})
    assert complete(DECLARED, "dev", {"LogLevel": "INFO"}, {"LogLevel": "TRACE"})["LogLevel"] == "INFO"


STORE = {"StorageEndpointUrl": "https://store.example.com", "StorageBucket": "media", "StorageAccessKeyId": "a"}


@pytest.mark.parametrize(
    ("given", "previous", "complaint"),
    [
        ({"OidcIssuer": "https://id.example.com"}, None, "OidcIssuer and OidcAudience go together"),
        ({"OidcAudience": ""}, PROVIDER, "OidcIssuer and OidcAudience go together"),
        (STORE, None, "StorageEndpointUrl needs StorageAccessKeyId and StorageSecretAccessKey."),
        ({**STORE, "StorageSecretAccessKey": ""}, {"StorageSecretAccessKey": "****"}, "StorageEndpointUrl needs"),
    ],
)
def test_what_goes_together_is_asked_for(given: dict[str, str], previous: dict[str, str], complaint: str) -> None:
    with pytest.raises(ParameterError, match=f"^{complaint}"):
        complete(DECLARED, "dev", given, previous)


def test_a_secret_that_is_not_told_counts_as_one() -> None:
    assert complete(DECLARED, "dev", STORE, {"StorageSecretAccessKey": "****"})


YES, NO = ({"Fn::Equals": [{"Ref": "Stage"}, stage]} for stage in ("dev", "prod"))


@pytest.mark.parametrize(
    ("term", "holds"),
    [
        (YES, True),
        (NO, False),
        ({"Fn::Not": [NO]}, True),
        ({"Fn::Not": [YES]}, False),
        ({"Fn::And": [YES, YES]}, True),
        ({"Fn::And": [YES, NO]}, False),
        ({"Fn::Or": [NO, YES]}, True),
        ({"Fn::Or": [NO, NO]}, False),
        ({"Fn::Equals": [YES, NO]}, False),
        ({"Fn::Equals": [NO, NO]}, True),
    ],
)
def test_rules_mean_what_they_mean_to_cloudformation(*, term: Any, holds: bool) -> None:
    assertions = {"Assertions": [{"Assert": term, "AssertDescription": "It does not hold."}]}
    for rule, kept in (
        (assertions, holds),
        ({"RuleCondition": YES, **assertions}, holds),
        ({"RuleCondition": NO, **assertions}, True),
    ):
        declared = {"Parameters": {"Stage": {"Type": "String"}}, "Rules": {"Rule": rule}}
        with nullcontext() if kept else pytest.raises(ParameterError, match=r"^It does not hold\.$"):
            complete(declared, "dev", {}, None)


def test_a_rule_that_is_not_understood_is_not_guessed() -> None:
    rule = {"Assertions": [{"Assert": {"Fn::Contains": [["a"], "a"]}, "AssertDescription": ""}]}
    with pytest.raises(ParameterError, match="not understood"):
        complete({"Parameters": {}, "Rules": {"Rule": rule}}, "dev", {}, None)


def test_no_constraint_is_overlooked() -> None:
    known = {"AllowedPattern", "AllowedValues", "Default", "Description", "MaxValue", "MinValue", "NoEcho", "Type"}
    for name, declared in DECLARED["Parameters"].items():
        assert declared.keys() <= known, name
        assert declared["Type"] in {"String", "Number"}
        if "Default" in declared:
            require_known(DECLARED, "dev", {name: str(declared["Default"])})
