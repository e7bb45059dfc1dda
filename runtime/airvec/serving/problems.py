"""`RequestError`: why a request is not answered, as a status and a JSON object that the caller gets.

Knows nothing of events and models.
"""

from typing import Any

from airvec.errors import AirvecError

# Status → its name in `{"error": {"type": …}}`, and HTTP's phrase, which a load balancer wants to be told.
STATUSES = {
    200: ("", "OK"),
    400: ("bad_request", "Bad Request"),
    404: ("not_found", "Not Found"),
    405: ("method_not_allowed", "Method Not Allowed"),
    411: ("length_required", "Length Required"),
    413: ("too_large", "Content Too Large"),
    415: ("unsupported_encoding", "Unsupported Media Type"),
    422: ("invalid_request", "Unprocessable Content"),
    500: ("internal_error", "Internal Server Error"),
    503: ("busy", "Service Unavailable"),
}


class RequestError(AirvecError):
    """A request that is answered with an error; never leaves `airvec.serving`.

    Attributes:
        status: of HTTP, one of `STATUSES`.
        allow: the methods that a path has, for the header of a 405; None for all others.
    """

    def __init__(self, status: int, message: str, allow: str | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.allow = allow

    @property
    def kind(self) -> str:
        """The status in a word, such as `"too_large"`."""
        return STATUSES[self.status][0]

    def as_json(self) -> dict[str, Any]:
        """`{"error": {"status", "type", "message"}}`, which always encodes as UTF-8.

        >>> RequestError(404, "path: '/x'").as_json()
        {'error': {'status': 404, 'type': 'not_found', 'message': "path: '/x'"}}
        """
        message = str(self).encode("utf-8", "backslashreplace").decode()  # half of a surrogate pair that was quoted
        return {"error": {"status": self.status, "type": self.kind, "message": message}}
