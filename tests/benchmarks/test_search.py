import numpy as np
import pytest
import search
from measure import search_worker
from search import WAYS, Found, comparisons, core_type, is_right, ratio, report, table_of_scores

SIZES = {"queries": 6, "corpus": 300, "dim": 32, "top_k": 4}
KINDS = ["float32, dot", "float32, cosine", "int8, dot", "binary, Hamming"]


@pytest.mark.parametrize("way", [way for way in WAYS if way.environment == "airvec"], ids=lambda way: way.kind)
def test_what_airvec_finds_is_right_and_its_memory_is_counted(way):
    worker = search_worker.Worker()
    worker.load(way.ways[0], way.kind.partition(",")[0], **SIZES)
    first = worker.first()
    if way.label != search.LIMIT:
        assert is_right(first["rows"], table_of_scores(way.kind, SIZES), 4)
    if search_worker.forget_peak():  # the kernel counts from here
        assert 0 <= first["peak_mb"] < 100  # a table of 6 by 300
    else:
        assert first["peak_mb"] is None
    assert worker.timed()["seconds"] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_wrong_results_are_seen(kind):
    scores = table_of_scores(kind, SIZES)
    best = np.argsort(-scores, axis=1)[:, :4]
    assert is_right(best.tolist(), scores, 4)
    assert not is_right(best[:, ::-1].tolist(), scores, 4)
    assert not is_right(best[:, [0, 0, 2, 3]].tolist(), scores, 4)
    assert not is_right(best[:, :3].tolist(), scores, 4)


def test_the_cpu_is_named_by_what_it_can_do():
    assert core_type(["avx2", "avx512f"]) == {"OPENBLAS_CORETYPE": "SkylakeX"}
    assert core_type(["avx2"]) == {"OPENBLAS_CORETYPE": "Haswell"}
    assert core_type([]) == {}


def test_ratios_are_taken_round_by_round_and_wrong_results_do_not_count():
    found = [Found(way.ways[0], True, 12.0, [0.1, 0.2, 0.4]) for way in WAYS]
    place = next(place for place, way in enumerate(WAYS) if way.label == search.BEST)
    found[place].seconds = [0.05, 0.1, 0.1]
    lines = comparisons(found).splitlines()
    assert [line.split(":")[0] for line in lines] == [f"- {kind}" for kind in KINDS]
    assert lines[0] == f"- float32, dot: airvec takes 2.00 × the time of {search.BEST}"
    found[place].right = False
    assert "airvec takes 1.00 ×" in comparisons(found).splitlines()[0]
    assert len(report(found).splitlines()) == len(WAYS) + 2 + 1 + len(KINDS)
    assert ratio([3.0], [2.0]) == 1.5
