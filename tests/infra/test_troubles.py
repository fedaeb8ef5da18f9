"""What is said when AWS cannot be reached, or refuses."""

import re

import pytest
from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError

from infra.troubles import Trouble, advice, explained

DENIED = "User: arn:aws:iam::1:user/x is not authorized to perform: cloudformation:CreateChangeSet on resource: y"


@pytest.mark.parametrize(
    ("error", "complaint"),
    [
        (exceptions.NoCredentialsError(), "No AWS credentials were found. Sign in by "),
        (exceptions.UnauthorizedSSOTokenError(), "There is no valid sign-in to AWS: The SSO session associated "),
        (exceptions.TokenRetrievalError(provider="sso", error_msg="gone"), "There is no valid sign-in to AWS: "),
        (exceptions.EndpointConnectionError(endpoint_url="https://x"), "AWS does not answer: Could not connect to "),
        (exceptions.ReadTimeoutError(endpoint_url="https://x"), "AWS does not answer: Read timeout on "),
        (
            exceptions.SSLError(endpoint_url="https://x", error=OSError("bad")),
            "AWS does not answer: SSL validation failed ",
        ),
        (exceptions.UnknownServiceError(service_name="x", known_service_names="y"), "Unknown service: 'x'."),
    ],
)
def test_what_never_reached_aws_is_said(error: BotoCoreError, complaint: str) -> None:
    with pytest.raises(Trouble, match=rf"(?s)^{re.escape(complaint)}.*[^.]\.$"), explained():
        raise error


@pytest.mark.parametrize(
    ("code", "message", "told"),
    [
        ("ExpiredToken", "It is expired", "The AWS credentials have expired. Sign in again"),
        ("InvalidClientTokenId", "It is invalid.", "AWS does not know these credentials, or not in this region. Sign"),
        ("SignatureDoesNotMatch", "It expired", "AWS finds the signature wrong: It expired. Check the secret key"),
        ("OptInRequired", "Subscribe", "AWS does not serve this account here: Subscribe. Complete"),
        ("AccessDenied", DENIED, f"AWS does not permit CreateChangeSet: {DENIED}. Ask whoever administers"),
        ("403", "Forbidden", "AWS does not permit CreateChangeSet: Forbidden. Ask whoever administers"),
        (
            "LimitExceededException",
            "Limit for stack has been exceeded.",
            (
                "An error occurred (LimitExceededException) when calling the CreateChangeSet operation: "
                "Limit for stack has been exceeded. Ask for more of it in the console at Service Quotas"
            ),
        ),
    ],
)
def test_what_aws_refuses_is_said_with_what_to_do(code: str, message: str, told: str) -> None:
    refusal = ClientError({"Error": {"Code": code, "Message": message}}, "CreateChangeSet")
    with pytest.raises(Trouble, match=rf"^{re.escape(told)}.*[^.]\.$"), explained():
        raise refusal


@pytest.mark.parametrize(
    ("reason", "told"),
    [
        (
            "ReservedConcurrentExecutions decreases account's UnreservedConcurrentExecution below its minimum of [10]",
            "ReserveTranscoder=false",
        ),
        ("The maximum number of rules has been reached.", "Service Quotas"),
        ("You have attempted to create more buckets than allowed (TooManyBuckets)", "Service Quotas"),
        ("groundcrew-dev-media-1 already exists", "choose another STAGE"),
        ("You must wait 60 seconds after deleting a queue", "run the same command later"),
        (f"{DENIED} (Service: Sns)", "that permission"),
    ],
)
def test_what_a_resource_failed_of_is_said_with_what_to_do(reason: str, told: str) -> None:
    assert told in (advice(reason) or "")


def test_nothing_is_made_up() -> None:
    assert advice("Internal failure") is None
