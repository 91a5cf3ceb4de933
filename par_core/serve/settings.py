"""The limits of a server."""

from dataclasses import dataclass

__all__ = ["ServeSettings"]


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """Limits of one server.

    Attributes:
        requests_per_minute: Requests of one client: one token, or one address where no token is needed.
            Static files do not count.
        seconds: Seconds after which a request is abandoned.
        searches: Number of questions answered at a time; half as many answers are counted at a time.
        processes: Largest number of processes that answer them, that of the server included.
        pictures: Number of pictures cut or decoded at a time.
        waiting: Number of requests that may wait for each of these; further ones are refused.
        upload_bytes: Largest size of an uploaded picture.
    """

    requests_per_minute: int = 1_200
    seconds: float = 20.0
    searches: int = 4
    processes: int = 1
    pictures: int = 4
    waiting: int = 100
    upload_bytes: int = 20 * 2**20
