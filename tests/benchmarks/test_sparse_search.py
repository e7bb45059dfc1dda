import numpy as np
import pytest
import sparse_search
from sparse_search import DIM, check, draw, draws_for, measured

from airvec import SparseVectors
from airvec.search import InvertedIndex


def test_documents_have_about_so_many_terms_and_low_ids_are_the_frequent_ones(monkeypatch):
    monkeypatch.setattr(sparse_search, "BLOCK", 150)
    rows = draw(400, 60, np.random.default_rng(1))
    assert rows.shape == (400, DIM)
    assert 57 < len(rows.indices) / 400 < 63
    documents = np.bincount(rows.indices, minlength=DIM)
    assert documents[:10].min() > 3 * documents[100:110].max()
    assert rows.indices.max() > DIM // 2
    assert 0.01 <= rows.values.min() < rows.values.max() <= 3


def test_more_draws_than_terms_are_needed():
    assert draws_for(150) > draws_for(30) > 30


def test_the_table_has_both_ways_of_opening_and_every_cost():
    lines = measured(2000).splitlines()
    assert [line.split("|")[1].split(",")[0].strip() for line in lines[2:]] == ["in memory", "memory-mapped"]
    numbers = [cell.strip() for cell in lines[2].split("|")[2:-1]]
    assert numbers[0] == "2,000"
    assert all(float(number.replace(",", "")) > 0 for number in numbers[1:])
    assert [cell.strip() for cell in lines[3].split("|")[4:7]] == ["–", "–", "–"]


def test_wrong_results_stop_it():
    rows = SparseVectors.from_rows([{0: 1.0 + place} for place in range(20)], DIM)
    index = InvertedIndex.build(rows)
    check(index, rows, rows[:2])
    wrong = InvertedIndex(index.offsets, index.documents, index.weights * 2, index.count)
    with pytest.raises(SystemExit, match="query 0: found"):
        check(wrong, rows, rows[:2])
