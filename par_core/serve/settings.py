"""The limits of a server."""

from dataclasses import dataclass

__all__ = ["ServeSettings"]


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """What one server takes.

    Attributes:
        requests_per_minute: Of one client: one token, or one address where no token is needed. Static files
            do not count.
        seconds: After which a request is given up.
        searches: Questions that are worked on at a time.
        pictures: Pictures that are cut or decoded at a time.
        waiting: Requests that may wait for each of the two; further ones are turned away.
        upload_bytes: Of an uploaded picture, at most.
    """

    requests_per_minute: int = 1_200
    seconds: float = 20.0
    searches: int = 4
    pictures: int = 4
    waiting: int = 100
    upload_bytes: int = 20 * 2**20
