"""benchmarks/peak_memory.py and measure/peak.py: texts of all lengths in their order, rows, one real process."""

import json
import sys
from pathlib import Path

import peak_memory
import pytest
from measure import peak

from airvec import SentenceTransformer

LINES = [f"a small package number {number} with tools for the antidisestablishmentarian" for number in range(90)]
STATIC = peak_memory.Case("static", "static", "airvec", "")


def test_texts_have_all_lengths_and_the_shortest_of_each_thousand_come_first():
    tokenizer = SentenceTransformer().tokenizer
    texts = peak_memory.mixed_texts(LINES, 2500, tokenizer)
    counts = [len(tokenizer.encode(text, add_special_tokens=False)) for text in texts]
    assert len(texts) == 2500
    assert min(counts) <= 2
    assert 450 <= max(counts) <= 512
    firsts, lasts = [counts[at] for at in (0, 1000, 2000)], [counts[at] for at in (999, 1999, 2499)]
    assert max(firsts) <= 3
    assert min(lasts) > 400
    assert texts == peak_memory.mixed_texts(LINES, 2500, tokenizer)


def test_a_row_has_what_a_process_said_and_gaps_for_what_it_did_not():
    found = peak_memory.row(STATIC, {"1000": 40.4, "20000": 50.6, "peak": 60.0})
    assert list(found.values()) == ["static", 40, None, 51, 60]


@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the peak is read in /proc")
@pytest.mark.parametrize(("how", "mark"), [("parts", "1000"), ("whole", "1100"), ("file", "1100")])
def test_a_real_process_says_what_it_held(tmp_path, how, mark):
    texts = peak_memory.write(["a text", "another"] * 550, tmp_path / "texts")
    found = peak_memory.measured(_as(how), Path(sys.executable), texts)
    assert set(found) == {mark, "peak"}
    assert 20 < found[mark] <= found["peak"] < 500


def _as(how):
    return peak_memory.Case("static", "static", "airvec", "", {}, how)


def test_texts_are_read_as_they_were_written(tmp_path):
    texts = ["a\nb", "", "\u2028 é"]
    assert list(peak.read(str(peak_memory.write(texts, tmp_path / "texts")))) == texts
    assert json.loads((tmp_path / "texts").read_text().splitlines()[0]) == "a\nb"
