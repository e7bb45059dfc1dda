"""A text without what tells two spellings of it apart: case, and how many spaces stand where.

Knows nothing of what texts are for.
"""

__all__ = ["plain_text"]


def plain_text(text: str) -> str:
    """The text in folded case, its words apart by one space.

    >>> plain_text(" A  Long STRASSE "), plain_text("a long straße")
    ('a long strasse', 'a long strasse')
    """
    return " ".join(text.casefold().split())
