"""S3, and servers that speak its protocol: ``s3://bucket/prefix``, by botocore.

Credentials, region and endpoint come from where botocore looks for them: ``AWS_ACCESS_KEY_ID``,
``AWS_SECRET_ACCESS_KEY``, ``AWS_SESSION_TOKEN``, ``AWS_ENDPOINT_URL``, profiles of ``~/.aws``, single sign-on
and the role of the machine. What fsspec is configured with, such as ``FSSPEC_S3_KEY``, comes first, so that
archive and store take the same. Nothing of them is ever printed.
"""

import re
import time
from collections.abc import Callable, Collection, Iterator
from functools import partial
from typing import Any, Final, TypeVar

from par_core.errors import BadConfigError, ParError, TransientError
from par_core.object_store.client import MissingObjectError, ObjectInfo, Stored

__all__ = ["AT_ONCE", "S3Objects"]

#: Requests that one client sends at the same time.
AT_ONCE: Final = 16
_TRIES: Final = 5
_FIRST_PAUSE_S: Final = 0.1
_A_CALL: Final = 1_000  # names that one request may delete
_REFUSED: Final = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")
_MISSING: Final = ("NoSuchKey", "404", "NotFound")
_DENIED: Final = (
    *("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"),
    *("403", "401", "AuthorizationHeaderMalformed", "AllAccessDisabled"),
)
_NOT_OFFERED: Final = ("NotImplemented", "MethodNotAllowed", "501", "405")
# user and password in an address, also a password with slashes; no port with a path after it
_USER: Final = re.compile(r"//[^/\s]*@|//[^/\s:]*:(?!\d+/)\S*@")
_Answer = TypeVar("_Answer")


class S3Objects:
    """The objects below a prefix of a bucket.

    Args:
        url: ``s3://bucket/prefix``.

    Raises:
        BadConfigError: The extra for S3 is not installed, or the URL names no bucket.
    """

    def __init__(self, url: str) -> None:
        bucket, _, prefix = url.removeprefix("s3://").partition("/")
        if not bucket:
            raise BadConfigError(f"{url} names no bucket; a store is at s3://BUCKET/PREFIX")
        self._url, self._bucket = url, bucket
        self._prefix = prefix.strip("/") + "/" if prefix.strip("/") else ""
        self._client = _client()

    @property
    def url(self) -> str:
        """URL of the prefix."""
        return self._url

    def get(self, key: str, *, unless: str | None = None) -> Stored | None:
        """See ``Objects``."""

        def read() -> Stored | None:
            condition = {} if unless is None else {"IfNoneMatch": unless}
            try:
                answer = self._client.get_object(**self._named(key), **condition)
            except Exception as error:
                if _code(error) in ("304", "NotModified"):
                    return None
                raise
            return Stored(answer["Body"].read(), answer["ETag"])

        return self._asked(read, key)

    def put(self, key: str, content: bytes) -> str:
        """See ``Objects``."""
        named = self._named(key)
        return self._asked(lambda: str(self._client.put_object(**named, Body=content)["ETag"]), key)

    def put_if(self, key: str, content: bytes, tag: str | None) -> str | None:
        """See ``Objects``."""
        condition = {"IfNoneMatch": "*"} if tag is None else {"IfMatch": tag}

        def write() -> str | None:
            try:
                return str(self._client.put_object(**self._named(key), Body=content, **condition)["ETag"])
            except Exception as error:
                if _code(error) in (*_REFUSED, *_MISSING):
                    return None
                raise

        return self._asked(write, key)

    def delete(self, keys: Collection[str]) -> None:
        """See ``Objects``."""
        self._delete([{"Key": self._prefix + key} for key in keys])

    def _delete(self, names: list[dict[str, str]]) -> None:
        for start in range(0, len(names), _A_CALL):
            self._delete_some(names[start : start + _A_CALL])

    def _delete_some(self, names: list[dict[str, str]]) -> None:
        def ask() -> list[dict[str, str]]:
            try:
                answer = self._client.delete_objects(
                    Bucket=self._bucket, Delete={"Objects": names, "Quiet": True}
                )
            except Exception as error:
                if _code(error) not in _NOT_OFFERED:
                    raise
                for name in names:  # a server that deletes one at a time
                    self._client.delete_object(Bucket=self._bucket, **name)
                return []
            return [error for error in answer.get("Errors", []) if error.get("Code") not in _MISSING]

        errors = self._asked(ask, "")
        if errors:
            kind = BadConfigError if errors[0].get("Code") in _DENIED else TransientError
            raise kind(f"{len(errors)} objects of {self._url} were not deleted: {errors[0].get('Code')}")

    def listed(self, prefix: str) -> Iterator[ObjectInfo]:
        """See ``Objects``."""
        more: dict[str, str] = {}
        while True:
            named = {"Bucket": self._bucket, "Prefix": self._prefix + prefix, **more}
            answer = self._asked(partial(self._client.list_objects_v2, **named), prefix)
            for item in answer.get("Contents", []):
                yield ObjectInfo(item["Key"].removeprefix(self._prefix), item["Size"], item["ETag"])
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def erase_versions(self, prefix: str) -> int | None:
        """See ``Objects``."""
        if not self._has_versions():
            return None
        more = dict[str, str]()
        former: list[dict[str, str]] = []
        deletions: list[dict[str, str]] = []
        while True:
            named = {"Bucket": self._bucket, "Prefix": self._prefix + prefix, **more}
            answer = self._asked(partial(self._client.list_object_versions, **named), prefix)
            former += [_version(item) for item in answer.get("Versions", []) if not item["IsLatest"]]
            deletions += map(_version, answer.get("DeleteMarkers", []))
            if not answer.get("IsTruncated"):
                break
            marks = {"KeyMarker": "NextKeyMarker", "VersionIdMarker": "NextVersionIdMarker"}
            more = {mark: answer[key] for mark, key in marks.items() if key in answer}
        # once all are listed, since a page begins after a version that must be there; and marks of deletion
        # last, since without its mark an older version that is still there would be the object again
        self._delete(former)
        self._delete(deletions)
        return len(former) + len(deletions)

    def _has_versions(self) -> bool:
        def ask() -> bool:
            try:
                answer = self._client.get_bucket_versioning(Bucket=self._bucket)
            except Exception as error:
                if _code(error) in _NOT_OFFERED:
                    return False
                raise
            return answer.get("Status") in ("Enabled", "Suspended")

        return self._asked(ask, "")

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._bucket, "Key": self._prefix + key}

    def _asked(self, ask: Callable[[], _Answer], key: str) -> _Answer:
        """Ask the server, several times if it fails or the connection is lost, also within an answer."""
        place = f"{self._url}/{key}".rstrip("/")
        for attempt in range(_TRIES):
            if attempt:
                time.sleep(_FIRST_PAUSE_S * 2 ** (attempt - 1))
            try:
                return ask()
            except ParError:
                raise
            except Exception as error:
                code = _code(error)
                if code in _MISSING:
                    raise MissingObjectError(f"there is no {place}") from error
                if code == "NoSuchBucket":
                    raise BadConfigError(f"there is no bucket for {self._url}") from error
                if code in _DENIED:
                    raise BadConfigError(f"{self._url}: the object store refuses access ({code})") from error
                last = error
                if not _may_pass(error, code):
                    raise BadConfigError(f"{self._url}: {_without_request(error, code)}") from error
        raise TransientError(
            f"{self._url} cannot be reached: {_without_request(last, _code(last))}"
        ) from last


def _client() -> Any:
    try:
        import botocore.config
        import botocore.exceptions
        import botocore.session
        import fsspec
    except ImportError as error:
        raise BadConfigError(
            f"stores on S3 need a library that is not installed ({error.name}): pip install 'par-search[s3]'"
        ) from error
    try:
        fixed: dict[str, Any] = fsspec.config.conf.get("s3", {})
        session = botocore.session.Session(profile=fixed.get("profile"))
        if session.get_config_variable("region") is None:
            session.set_config_variable("region", "us-east-1")  # servers of one's own have none
        endpoint = fixed.get("endpoint_url") or fixed.get("client_kwargs", {}).get("endpoint_url")
        settings = botocore.config.Config(
            max_pool_connections=AT_ONCE + 2,
            connect_timeout=10,
            read_timeout=60,
            tcp_keepalive=True,
            retries={"total_max_attempts": 1},  # _asked tries again
            # servers of others than AWS do not know the newer checksums
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        return session.create_client(
            "s3",
            endpoint_url=endpoint,
            config=settings,
            aws_access_key_id=fixed.get("key"),
            aws_secret_access_key=fixed.get("secret"),
            aws_session_token=fixed.get("token"),
        )
    except ValueError as error:  # an endpoint that is no URL; it may hold a password
        said = str(error).partition(":")[0]
        raise BadConfigError(f"the settings of the object store cannot be used: {said}") from error
    except botocore.exceptions.BotoCoreError as error:  # such as a profile that is missing
        said = _without_request(error, "")
        raise BadConfigError(f"the settings of the object store cannot be used: {said}") from error


def _version(item: dict[str, Any]) -> dict[str, str]:
    return {"Key": item["Key"], "VersionId": item["VersionId"]}


def _code(error: Exception) -> str:
    """The server's code of an error; empty if it is none of the server's."""
    answer = getattr(error, "response", None)
    return str(answer.get("Error", {}).get("Code", "")) if isinstance(answer, dict) else ""


def _may_pass(error: Exception, code: str) -> bool:
    """Whether another try may succeed: errors of the server and of the connection."""
    import botocore.exceptions

    if not code:
        return not isinstance(
            error,
            botocore.exceptions.NoCredentialsError
            | botocore.exceptions.PartialCredentialsError
            | botocore.exceptions.ParamValidationError,
        )
    answer = getattr(error, "response", {})
    status = answer.get("ResponseMetadata", {}).get("HTTPStatusCode", 500)
    if code in _NOT_OFFERED:
        return False
    return status >= 500 or code in (
        "SlowDown",
        "RequestTimeout",
        "Throttling",
        "429",
        "RequestTimeTooSkewed",
    )


def _without_request(error: Exception, code: str) -> str:
    """What is said of an error: its code or its kind and first line, never headers, signed addresses, or what
    stands before the host of an address.
    """
    import botocore.exceptions

    if code:
        return code
    said = str(error).partition("\n")[0]
    if type(error) is botocore.exceptions.HTTPClientError:  # any error of the library below, with its request
        said = f"caused by {type(getattr(error, 'kwargs', {}).get('error')).__name__}"
    return f"{type(error).__name__}: {_USER.sub('//', said.split('?')[0])[:200]}"
