"""What one request may ask for: bytes of its body, texts, tokens; and how large an answer may get.

Knows nothing of events and models.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from airvec.errors import ArgumentError
from airvec.serving.problems import RequestError

MIB = 2**20
# Lambda refuses a response of more than 6,291,556 bytes; a load balancer one of more than 1 MiB. Headers and braces
# around the body are part of it.
ANSWER_BYTES = {"lambda": 6 * MIB, "alb": MIB}
AROUND = 512
# The fewest bytes that a part of an answer's JSON has: `0.0,`, an index with its value, `{"corpus_id":0,"score":0.0},`.
NUMBER_BYTES, ENTRY_BYTES, HIT_BYTES = 4, 6, 28
LESS = (
    'Send fewer texts a request, or ask for fewer bytes: "truncate_dim", "encoding_format": "base64", "precision": '
    '"ubinary", a lower "top_k" or "max_active_dims".'
)
# Counting the tokens of one text takes some 100 bytes a character: 620 MB for a text of 5.9 million, which a small
# function does not have. Languages have some 4 characters a token.
CHARACTERS_A_TOKEN = 16
BODY, TEXTS, TOKENS = "AIRVEC_MAX_BODY_BYTES", "AIRVEC_MAX_TEXTS", "AIRVEC_MAX_TOKENS"


@dataclass(frozen=True)
class Limits:
    """The most that one request may bring.

    Attributes:
        body_bytes: of its JSON, base64 decoded. Lambda itself takes 6 MB.
        texts: texts to encode, documents to rerank, or queries.
        tokens: that the model would read of them, special tokens included, each text cut at the model's limit. Also
            sets the most characters of one text with its prompt: `CHARACTERS_A_TOKEN` times as many.
    """

    body_bytes: int = 6 * MIB
    texts: int = 512
    tokens: int = 65_536

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> "Limits":
        """The limits that `AIRVEC_MAX_BODY_BYTES`, `AIRVEC_MAX_TEXTS` and `AIRVEC_MAX_TOKENS` set, or the defaults.

        Raises:
            ArgumentError: one of them is no whole number above 0.
        """
        return cls(
            whole_number(environment, BODY, cls.body_bytes),
            whole_number(environment, TEXTS, cls.texts),
            whole_number(environment, TOKENS, cls.tokens),
        )

    def check_body(self, size: int) -> None:
        """Refuse a body of more bytes.

        Raises:
            RequestError: 413.
        """
        _check("body", size, "bytes", self.body_bytes, BODY, "Send fewer texts a request")

    def check_texts(self, count: int, where: str = "texts", what: str = "texts") -> None:
        """Refuse more texts.

        Raises:
            RequestError: 413.
        """
        _check(where, count, what, self.texts, TEXTS, "Send fewer a request")

    def check_lengths(self, longest: int, together: int, where: str) -> None:
        """Refuse texts of so many characters that even to count their tokens would take too much memory or time.

        Args:
            longest: characters of the longest text, its prompt included.
            together: characters of all, each with its prompt, and in a pair with its query: a request of few bytes
                may have one prompt for hundreds of texts, and must not ask for more than a body that writes them out.
            where: for the message.

        Raises:
            RequestError: 413.
        """
        most = self.tokens * CHARACTERS_A_TOKEN
        _check(where, longest, "characters in one text", most, TOKENS, "Send shorter texts")
        what, advice = "characters together", "Send fewer or shorter texts a request, or a shorter prompt"
        _check(where, together, what, max(self.body_bytes, most), BODY, advice)

    def check_tokens(self, count: int, where: str) -> None:
        """Refuse more tokens.

        Raises:
            RequestError: 413.
        """
        _check(where, count, "tokens", self.tokens, TOKENS, "Send fewer or shorter texts a request")


def whole_number(environment: Mapping[str, str], name: str, default: int) -> int:
    """What a variable says.

    Raises:
        ArgumentError: it is set to something other than a whole number above 0.
    """
    found = environment.get(name, "").strip()
    if not found:
        return default
    if not (found.isascii() and found.isdecimal() and len(found) < 16 and int(found) > 0):
        raise ArgumentError(f"{name}: {found!r:.60}, expected a whole number of at least 1. Correct or unset it.")
    return int(found)


def check_answer(body: str, platform: str) -> None:
    """Refuse to send an answer that the platform would refuse, with a message that says nothing.

    Args:
        body: the answer's JSON, ASCII only; inside the response, a quote or backslash takes two bytes.
        platform: a key of `ANSWER_BYTES`.

    Raises:
        RequestError: 413.
    """
    _check_size(len(body) + body.count('"') + body.count("\\") + AROUND, "", ANSWER_BYTES[platform])


def check_parts(count: int, least: int) -> None:
    """Refuse to make an answer that no platform would take: so many parts of at least so many bytes.

    Raises:
        RequestError: 413.
    """
    _check_size(count * least, "at least ", max(ANSWER_BYTES.values()))


def _check_size(size: int, about: str, most: int) -> None:
    if size > most:
        raise RequestError(
            413,
            f"answer: {about}{size:,} bytes, expected at most {most:,}, which is the platform's own limit. {LESS}",
        )


def _check(where: str, found: int, what: str, most: int, variable: str, advice: str) -> None:
    if found > most:
        raise RequestError(
            413, f"{where}: {found:,} {what}, expected at most {most:,}. {advice}, or set {variable} higher."
        )
