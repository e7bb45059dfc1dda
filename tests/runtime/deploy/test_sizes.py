"""Mirrors runtime/airvec/deploy/sizes.py."""

from airvec.deploy.sizes import Part, megabytes, parts_of, total


def test_files_are_summed_up_by_part_the_largest_first():
    parts = parts_of([
        ("python/numpy/a.so", 5, 3), ("python/numpy.libs/b.so", 6, 4), ("python/numpy-2.3.0.dist-info/METADATA", 1, 1),
        ("python/onnxruntime/capi/c.so", 10, 5), ("python/airvec/model.pyc", 2, 1), ("python/requirements.txt", 1, 1),
        ("python/airvec/default_model/model.safetensors", 8, 7), ("model/config.json", 3, 2), ("index/x.npy", 1, 1),
    ])  # fmt: skip
    assert parts == [
        Part("numpy", 12, 8), Part("onnxruntime", 10, 5), Part("default model", 8, 7), Part("model", 3, 2),
        Part("airvec", 2, 1), Part("index", 1, 1), Part("the rest", 1, 1),
    ]  # fmt: skip
    assert total(parts) == Part("total", 37, 25)


def test_a_megabyte_has_a_million_bytes():
    assert megabytes(85_949_999) == "85.9 MB"
