"""What well-known families of models want: prefixes, pooling, and whether they are made for questions.

Recognised by name alone, since a folder's files do not say it; a renamed folder keeps its name in config.json or
airvec.json.
Source: the model cards of each family.
Knows nothing of folders.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

BGE_QUERY = "Represent this sentence for searching relevant passages: "


@dataclass(frozen=True)
class Family:
    """`query` and `document` are the prefixes it was trained with; `pooling` None = it differs within the family.

    `symmetric`: trained on pairs of texts of one kind; False = on questions with passages.
    """

    name: str
    pattern: str
    query: str = ""
    document: str = ""
    pooling: str | None = None
    symmetric: bool = False


# The first pattern found in a model's name decides.
FAMILIES = (
    Family("E5 instruct", r"e5-.*instruct", query="Instruct: YOUR TASK\nQuery: "),
    Family("E5", r"\be5-", query="query: ", document="passage: ", pooling="mean"),
    Family("BGE-M3", r"\bbge-m3", pooling="cls"),
    Family("BGE Chinese", r"\bbge-.*-zh", query="为这个句子生成表示以用于检索相关文章：", pooling="cls"),
    Family("BGE", r"\bbge-", query=BGE_QUERY, pooling="cls"),
    Family("mxbai", r"\bmxbai-embed", query=BGE_QUERY, pooling="cls"),
    Family("Arctic 2", r"arctic-embed-.*v2", query="query: ", pooling="cls"),
    Family("Arctic", r"arctic-embed", query=BGE_QUERY, pooling="cls"),
    Family("Nomic", r"nomic-embed", query="search_query: ", document="search_document: ", pooling="mean"),
    Family("GTE 1.5", r"\bgte-(.*-v1\.5|modernbert|multilingual)", pooling="cls"),
    Family("GTE", r"\bgte-(small|base|large)\b", pooling="mean"),
    Family("MS MARCO", r"msmarco|ms-marco|multi-qa|tas-b"),
    Family("LaBSE", r"labse", pooling="cls", symmetric=True),
    Family("paraphrase", r"\b(all-minilm|all-mpnet|all-distilroberta|all-roberta)", pooling="mean", symmetric=True),
    Family("paraphrase", r"\b(paraphrase-|stsb-|nli-|distiluse-|static-en)", symmetric=True),
)


def recognise(names: Sequence[str]) -> Family | None:
    """The family of a model that goes by these names; None = none that we know.

    >>> recognise(["my-copy", "intfloat/e5-small-v2"]).query
    'query: '
    """
    for family in FAMILIES:
        if any(re.search(family.pattern, name, re.IGNORECASE) for name in names):
            return family
    return None
