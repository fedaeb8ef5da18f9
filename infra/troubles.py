"""The troubles: what can be wrong with an AWS account or a deployment, in sentences that say what to do."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from botocore import exceptions
from botocore.exceptions import BotoCoreError, ClientError


class Trouble(Exception):
    """Why it cannot go on, in sentences for a person."""


_SIGN_IN: Final = "Sign in again, by `aws sso login` or with new keys by `aws configure`, then run the same command."

# What never reached AWS, by the kind of the error: what is wrong, and what to do.
_UNSENT: Final[tuple[tuple[tuple[type[Exception], ...], str], ...]] = (
    (
        (exceptions.NoCredentialsError,),
        "No AWS credentials were found. Sign in by `aws configure` or `aws sso login`, or set AWS_PROFILE.",
    ),
    (
        (exceptions.PartialCredentialsError,),
        "The AWS credentials are incomplete: {error}. Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE.",
    ),
    (
        (exceptions.ProfileNotFound,),
        "{error}. `aws configure list-profiles` says which there are; set AWS_PROFILE to one.",
    ),
    (
        (exceptions.NoRegionError,),
        "No AWS region is chosen. Choose one by AWS_DEFAULT_REGION, such as eu-central-1, or by `aws configure`.",
    ),
    (
        (
            exceptions.SSOError,
            exceptions.LoginError,
            exceptions.NoAuthTokenError,
            exceptions.TokenRetrievalError,
            exceptions.CredentialRetrievalError,
        ),
        "There is no valid sign-in to AWS: {error}. " + _SIGN_IN,
    ),
    (
        (exceptions.ConnectionError, exceptions.HTTPClientError),
        "AWS does not answer: {error}. Check the network and its proxy, then run the same command.",
    ),
)

# What AWS refused, by its code.
_REFUSED: Final[Mapping[str, str]] = (
    dict.fromkeys(
        ("ExpiredToken", "ExpiredTokenException", "RequestExpired"), "The AWS credentials have expired. " + _SIGN_IN
    )
    | dict.fromkeys(
        ("AuthFailure", "InvalidAccessKeyId", "InvalidClientTokenId", "UnrecognizedClientException"),
        "AWS does not know these credentials, or not in this region. " + _SIGN_IN,
    )
    | dict.fromkeys(
        ("InvalidSignatureException", "SignatureDoesNotMatch", "RequestTimeTooSkewed"),
        "AWS finds the signature wrong: {message} Check the secret key and this machine's clock.",
    )
    | dict.fromkeys(
        ("OptInRequired", "SubscriptionRequiredException"),
        "AWS does not serve this account here: {message} Complete the account's sign-up, or enable the region.",
    )
    | dict.fromkeys(
        ("403", "AccessDenied", "AccessDeniedException", "UnauthorizedOperation"),
        "AWS does not permit {operation}: {message} Ask whoever administers the account for that permission.",
    )
)

# What a resource failed of, by what AWS writes. The first that fits is the one.
_FAILED: Final = (
    (
        re.compile("UnreservedConcurrentExecution"),
        "Deploy with ReserveTranscoder=false, or ask for more of Lambda's quota `Concurrent executions` first.",
    ),
    (
        re.compile("not authorized|AccessDenied|Access Denied"),
        "Ask whoever administers the account for that permission, then run the same command.",
    ),
    (
        re.compile("LimitExceeded|TooManyBuckets|[Qq]uota|limit exceeded|maximum number"),
        "Ask for more of it in the console at Service Quotas, then run the same command.",
    ),
    (
        re.compile("conflicting conditional operation|QueueDeletedRecently|wait 60 seconds"),
        "It was deleted a moment ago, and AWS needs some minutes to forget it: run the same command later.",
    ),
    (
        re.compile("already exists|AlreadyExists|AlreadyOwnedByYou"),
        "Something else of that name is there already: delete it if nobody needs it, or choose another STAGE.",
    ),
)


@contextmanager
def explained() -> Iterator[None]:
    """Raise botocore's errors of this block as Trouble."""
    try:
        yield
    except ClientError as error:
        raise Trouble(_refusal(error)) from error
    except BotoCoreError as error:
        told = next((text for kinds, text in _UNSENT if isinstance(error, kinds)), "{error}.")
        raise Trouble(told.format(error=str(error).rstrip("."))) from error


def advice(reason: str) -> str | None:
    """What to do about a resource that failed, by what AWS gave as the reason."""
    return next((text for pattern, text in _FAILED if pattern.search(reason)), None)


def _refusal(error: ClientError) -> str:
    code, message = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
    if told := _REFUSED.get(code):
        return told.format(message=message.rstrip(".") + ".", operation=error.operation_name)
    return " ".join(filter(None, [f"{error}", advice(f"{code} {message}")]))
