"""Mirrors runtime/airvec/array_file.py."""

import zipfile

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from airvec.array_file import new_folder, read_array, read_arrays, write_array, write_arrays
from airvec.errors import ArgumentError, ModelFolderError, ModelNotFoundError

ONE, TWO = np.arange(5, dtype=np.int32), np.array([0.5, -2.0], np.float32)


def some_file(folder):
    write_arrays(folder / "some.npz", {"one": ONE, "two": TWO})
    return folder / "some.npz"


def test_arrays_come_back_with_their_types(tmp_path):
    found = read_arrays(some_file(tmp_path), ("two", "one"))
    assert list(found) == ["two", "one"]
    assert found["one"].tolist() == ONE.tolist()
    assert (found["one"].dtype, found["two"].dtype) == (np.int32, np.float32)


def test_a_file_keeps_exactly_the_name_that_was_given(tmp_path):
    write_arrays(tmp_path / "a" / "vectors", {"one": ONE})
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["vectors"]
    assert read_arrays(tmp_path / "a" / "vectors", ("one",))["one"].tolist() == ONE.tolist()


def test_what_fails_while_it_is_written_leaves_the_old_file_and_nothing_else(tmp_path):
    file = some_file(tmp_path)
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_arrays(file, {"one": np.array([{}])})
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        write_array(tmp_path / "new.npy", np.array([{}]))
    assert [path.name for path in tmp_path.iterdir()] == ["some.npz"]
    assert read_arrays(file, ("one",))["one"].tolist() == ONE.tolist()


@pytest.mark.parametrize("read", [lambda path: read_arrays(path, ("one",)), lambda path: read_array(path, np.int32)])
def test_a_file_that_is_not_there_is_named(tmp_path, read):
    for path in (tmp_path / "none.npz", tmp_path):  # a folder is no file
        with pytest.raises(ModelNotFoundError, match=f"{path.name}'?: no such file"):
            read(path)


def test_an_array_that_is_missing_is_named_with_the_file(tmp_path):
    with pytest.raises(ModelFolderError, match="some.npz: holds no three, expected one, three.*write it again"):
        read_arrays(some_file(tmp_path), ("one", "three"))


def test_a_single_array_is_no_file_of_several_nor_the_other_way_round(tmp_path):
    write_array(tmp_path / "one.npy", ONE)
    with pytest.raises(ModelFolderError, match="one.npy: holds one array, expected several: one"):
        read_arrays(tmp_path / "one.npy", ("one",))
    with pytest.raises(ModelFolderError, match="some.npz: holds NpzFile, expected one array"):
        read_array(some_file(tmp_path), np.int32)


class Unpickled:
    """Writes down that it was made again from a pickle."""

    seen = 0

    def __reduce__(self):
        return _unpickle, ()


def _unpickle():
    Unpickled.seen += 1


def test_pickled_objects_are_refused_and_not_run(tmp_path):
    np.savez(tmp_path / "bad.npz", one=np.array([Unpickled()], object))
    np.save(tmp_path / "bad.npy", np.array([Unpickled()], object))
    with pytest.raises(ModelFolderError, match="bad.npz: holds pickled objects, which could run code"):
        read_arrays(tmp_path / "bad.npz", ("one",))
    with pytest.raises(ModelFolderError, match="bad.npy: holds pickled objects, which could run code"):
        read_array(tmp_path / "bad.npy", np.int32)
    (tmp_path / "bare.npy").write_bytes(b"\x80\x04K\x01.")  # a pickle of 1
    with pytest.raises(ModelFolderError, match="bare.npy: begins like no file of arrays") as found:
        read_array(tmp_path / "bare.npy", np.int32)
    assert "allow_pickle" not in str(found.value), "NumPy's advice to trust the file"
    assert Unpickled.seen == 0
    np.load(tmp_path / "bad.npy", allow_pickle=True)
    assert Unpickled.seen == 1, "the trap does not work"


@pytest.mark.parametrize("mmap", [False, True])
def test_an_array_cut_anywhere_is_damaged(tmp_path, mmap):
    write_array(tmp_path / "whole.npy", ONE)
    content = (tmp_path / "whole.npy").read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.npy").write_bytes(content[:length])
        with pytest.raises(ModelFolderError, match="cut.npy: .*write it again"):
            read_array(tmp_path / "cut.npy", np.int32, mmap=mmap)


def test_arrays_cut_anywhere_are_damaged(tmp_path):
    content = some_file(tmp_path).read_bytes()
    for length in range(len(content)):
        (tmp_path / "cut.npz").write_bytes(content[:length])
        with pytest.raises(ModelFolderError, match="cut.npz: .*write it again"):
            read_arrays(tmp_path / "cut.npz", ("one", "two"))


@pytest.mark.parametrize("byte", [0, 1, 2, 12, 14, 255])  # 12 and 14 are bzip2 and LZMA where a method is named
def test_another_byte_anywhere_is_damage_or_another_number_and_nothing_else(tmp_path, byte):
    content, read = some_file(tmp_path).read_bytes(), 0
    for place in range(len(content)):
        (tmp_path / "bad.npz").write_bytes(content[:place] + bytes([byte]) + content[place + 1 :])
        try:
            read += sorted(read_arrays(tmp_path / "bad.npz", ("one", "two"))) == ["one", "two"]
        except ModelFolderError:
            continue
    assert 0 < read < len(content)


@settings(max_examples=100, deadline=None)
@given(data=st.data(), mmap=st.booleans())
def test_other_bytes_in_one_array_are_damage_or_other_numbers_and_nothing_else(tmp_path_factory, data, mmap):
    folder = tmp_path_factory.mktemp("damage")
    write_array(folder / "whole.npy", ONE)
    content = bytearray((folder / "whole.npy").read_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=3)):
        content[place] = data.draw(st.integers(0, 255))
    (folder / "bad.npy").write_bytes(content)
    try:
        found = read_array(folder / "bad.npy", np.int32, mmap=mmap)
    except ModelFolderError:
        return
    assert (found.dtype, found.ndim) == (np.int32, 1)


def test_a_checksum_inside_the_file_shows_changed_numbers(tmp_path):
    file = some_file(tmp_path)
    content = file.read_bytes()
    with zipfile.ZipFile(file) as archive:
        place = content.index(ONE.tobytes(), archive.getinfo("one.npy").header_offset)
    file.write_bytes(content[:place] + b"\x01" + content[place + 1 :])
    with pytest.raises(ModelFolderError, match="some.npz: Bad CRC-32"):
        read_arrays(file, ("one",))


@pytest.mark.parametrize(
    ("array", "found"),
    [(ONE.astype(np.int64), r"int64 \[5\]"), (ONE[None], r"int32 \[1, 5\]"), (TWO, r"float32 \[2\]")],
)
def test_another_type_or_shape_is_refused(tmp_path, array, found):
    write_array(tmp_path / "other.npy", array)
    with pytest.raises(ModelFolderError, match=f"other.npy: holds {found}, expected int32"):
        read_array(tmp_path / "other.npy", np.int32)


def test_a_memory_mapped_array_cannot_be_written_to_and_outlives_its_file(tmp_path):
    write_array(tmp_path / "one.npy", ONE)
    mapped = read_array(tmp_path / "one.npy", np.int32, mmap=True)
    assert isinstance(mapped, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        mapped[0] = 7
    write_array(tmp_path / "one.npy", np.array([9], np.int32))
    assert mapped.tolist() == ONE.tolist()
    assert read_array(tmp_path / "one.npy", np.int32).tolist() == [9]


def test_a_new_folder_takes_the_old_ones_place_at_the_end(tmp_path):
    for content in ("first", "second"):
        with new_folder(tmp_path / "deep" / "index", "marker") as fresh:
            assert not list(fresh.iterdir())
            (fresh / "marker").write_text(content)
    assert (tmp_path / "deep" / "index" / "marker").read_text() == "second"
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["index"]


def test_a_new_folder_that_fails_leaves_the_old_one(tmp_path):
    with new_folder(tmp_path / "index", "marker") as fresh:
        (fresh / "marker").write_text("first")

    def fail():
        with new_folder(tmp_path / "index", "marker") as fresh:
            (fresh / "marker").write_text("half")
            raise RuntimeError("disk full")

    with pytest.raises(RuntimeError, match="disk full"):
        fail()
    assert (tmp_path / "index" / "marker").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["index"]


def test_somebody_elses_folder_or_file_is_left_alone(tmp_path):
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.txt").write_text("years")
    for target in (tmp_path / "thesis", tmp_path / "thesis" / "chapter.txt"):
        with pytest.raises(ArgumentError, match="exists and has no marker"), new_folder(target, "marker"):
            raise AssertionError(target)
    assert (tmp_path / "thesis" / "chapter.txt").read_text() == "years"


def test_an_empty_folder_may_be_filled(tmp_path):
    with new_folder(tmp_path, "marker") as fresh:
        (fresh / "marker").touch()
    assert (tmp_path / "marker").is_file()
