"""A connection to ``par serve``: requests with a token, and answers checked and typed."""

from types import TracebackType
from typing import Any, TypeVar

import httpx
from pydantic import ValidationError

from par_core.errors import BadConfigError, ParError
from par_core.serve.schemas import ApiModel, ErrorResponse

__all__ = ["Connection", "ServerError"]

R = TypeVar("R", bound=ApiModel)
C = TypeVar("C", bound="Connection")


class ServerError(ParError):
    """The server refused a request or did not answer it.

    Attributes:
        status: HTTP status; 0 if there was no answer at all.
        kind: One word, such as ``bad_query``.
    """

    def __init__(self, message: str, status: int = 0, kind: str = "unreachable") -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind

    def __reduce__(self) -> tuple[type["ServerError"], tuple[str, int, str]]:
        return type(self), (str(self), self.status, self.kind)


class Connection:
    """Sends requests to ``par serve``. Close it, or use it as a context. Every method raises
    :class:`ServerError` with the server's message.

    Args:
        address: Address such as ``http://127.0.0.1:8000``.
        token: Token from ``par tokens add``; None where the server needs none.
        timeout: Seconds that an answer may take.
    """

    def __init__(
        self, address: str = "http://127.0.0.1:8000", token: str | None = None, *, timeout: float = 30.0
    ) -> None:
        self.address = address.rstrip("/")
        headers = {"Origin": self.address} | ({"Authorization": f"Bearer {token}"} if token else {})
        try:
            self._http = httpx.Client(base_url=self.address, headers=headers, timeout=timeout)
        except (httpx.InvalidURL, ValueError) as error:
            raise BadConfigError(f"{address!r} is no address of a server: {error}") from error

    def __enter__(self: C) -> C:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def _json(self, kind: type[R], method: str, path: str, **request: Any) -> R:
        response = self._send(method, path, **request)
        try:
            return kind.model_validate_json(response.content, extra="ignore")  # a newer server may send more
        except ValidationError as error:
            raise ServerError(
                f"{self.address} answers in a form that this version of PAR does not know",
                response.status_code,
                "other_version",
            ) from error

    def _send(self, method: str, path: str, **request: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **request)
        except httpx.HTTPError as error:
            raise ServerError(
                f"no answer from {self.address} ({error}); is the server running? Start it with: par serve"
                " --store DIR"
            ) from error
        if response.is_success:
            return response
        try:
            problem = ErrorResponse.model_validate_json(response.content).error
        except ValidationError as error:
            raise ServerError(
                f"{self.address} answers {response.status_code}, and not as a PAR server does",
                response.status_code,
                "other_server",
            ) from error
        raise ServerError(problem.message, problem.status, problem.kind)
