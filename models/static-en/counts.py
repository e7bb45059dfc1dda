"""Counts the tokens of a plain-text corpus and writes the table `token_counts.txt`, the frequencies of the recipe.

The corpus of the committed table is Debian's English package descriptions: free texts, large enough (4 million tokens),
and fetched by apt. Only counts are committed, no texts. On any machine with apt:

    mkdir -p lists/partial
    apt-get -o Acquire::Languages=en -o Dir::State::Lists=$PWD/lists update
    /usr/lib/apt/apt-helper cat-file lists/*_bookworm_main_i18n_Translation-en* > descriptions.txt
    python models/static-en/counts.py descriptions.txt --checkpoint .cache/checkpoints/all-MiniLM-L6-v2

Knows nothing of vectors.
"""

import argparse
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from tokenizers import Tokenizer

HERE = Path(__file__).resolve().parent


def paragraphs(descriptions: str) -> Iterator[str]:
    """The paragraphs of a Debian `Translation-en` file, each text once.

    Packages built from one source repeat whole paragraphs: counted every time, the words of those would look common
    (32.7 MB of descriptions hold 17.6 MB of different paragraphs).
    """
    seen: set[str] = set()
    for block in descriptions.split("\n\n"):
        _, found, description = block.partition("Description-en:")
        lines = description.split("\n") if found else []
        for paragraph in split_lines(lines):
            if paragraph not in seen:
                seen.add(paragraph)
                yield paragraph


def split_lines(lines: list[str]) -> Iterator[str]:
    """The synopsis (first line), then the paragraphs, which a line of one full stop divides."""
    current: list[str] = []
    for number, line in enumerate(lines):
        text = line.strip()
        if text not in {"", "."}:
            current.append(text)
        if current and (number == 0 or text == "."):
            yield " ".join(current)
            current = []
    if current:
        yield " ".join(current)


def count_tokens(texts: Iterable[str], tokenizer: Tokenizer) -> Counter[str]:
    """How often each token occurs in the texts, without [CLS] and [SEP]."""
    counts: Counter[str] = Counter()
    for text in texts:
        counts.update(tokenizer.encode(text, add_special_tokens=False).tokens)
    return counts


def write_counts(counts: Counter[str], file: Path) -> None:
    """One `token<TAB>count` a line, the most frequent first, equal counts in the order of their characters."""
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    file.write_text("".join(f"{token}\t{count}\n" for token, count in rows), encoding="utf-8", newline="\n")


def read_counts(file: Path) -> dict[str, int]:
    """Reads what `write_counts` wrote.

    Raises:
        ValueError: A line is not `token<TAB>count`.
    """
    counts: dict[str, int] = {}
    for number, line in enumerate(file.read_text(encoding="utf-8").split("\n")[:-1], start=1):
        token, tab, count = line.partition("\t")
        if not (token and tab and count.isdigit()):
            raise ValueError(
                f"{file.name}: line {number} is {line!r}, expected token<TAB>count. Make it with counts.py."
            )
        counts[token] = int(count)
    return counts


def main() -> None:
    """Command line: a text file in, the table of counts out."""
    parser = argparse.ArgumentParser(description="Count the tokens of Debian's package descriptions.")
    parser.add_argument("descriptions", type=Path, help="the unpacked Translation-en file")
    parser.add_argument("--checkpoint", type=Path, default=Path(".cache/checkpoints/all-MiniLM-L6-v2"))
    parser.add_argument("--out", type=Path, default=HERE / "token_counts.txt")
    options = parser.parse_args()
    tokenizer = Tokenizer.from_file(str(options.checkpoint / "tokenizer.json"))
    tokenizer.no_truncation()
    tokenizer.no_padding()
    counts = count_tokens(paragraphs(options.descriptions.read_text(encoding="utf-8")), tokenizer)
    write_counts(counts, options.out)
    print(f"{options.out.name}: {counts.total():,} tokens, {len(counts):,} different")


if __name__ == "__main__":
    main()
