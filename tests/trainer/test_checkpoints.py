"""Folders that are whole or not there, whatever fails while they are written."""

import errno
from pathlib import Path
from typing import Any

import pytest
import torch

from airvec.errors import ArgumentError
from airvec_trainer.checkpoints import last_checkpoint, remove_leftovers, resumable, writing
from airvec_trainer.errors import TrainingError
from airvec_trainer.losses import MultipleNegativesRankingLoss
from tests.tiny.checkpoints import tiny_checkpoint
from tests.trainer.trainings import losses_of, pairs, trainer


def write(final: Path, text: str = "whole") -> None:
    with writing(final) as folder:
        (folder / "trainer_state.json").write_text(text)


def test_a_folder_gets_its_name_when_all_is_written(tmp_path: Path) -> None:
    with writing(tmp_path / "checkpoint-3") as folder:
        (folder / "a").write_text("b")
        assert last_checkpoint(tmp_path) is None
    assert (tmp_path / "checkpoint-3" / "a").read_text() == "b"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


def test_a_folder_of_the_same_name_is_replaced_whole(tmp_path: Path) -> None:
    write(tmp_path / "checkpoint-3", "old")
    write(tmp_path / "checkpoint-3", "new")
    assert (tmp_path / "checkpoint-3" / "trainer_state.json").read_text() == "new"
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), RuntimeError("PytorchStreamWriter failed writing file")]
)
def test_a_full_disk_leaves_the_checkpoints_before(tmp_path: Path, error: Exception) -> None:
    write(tmp_path / "checkpoint-3")

    def fail() -> None:
        with writing(tmp_path / "checkpoint-6") as folder:
            (folder / "half").write_text("ha")
            raise error

    with pytest.raises(
        TrainingError, match=r"checkpoint-6: .*could not be written.*MB are free.*checkpoint-3 is whole"
    ):
        fail()
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), RuntimeError("CUDA out of memory"), ValueError("no")])
def test_other_errors_stay_themselves_and_leave_nothing(tmp_path: Path, error: BaseException) -> None:
    with pytest.raises(type(error)) as caught, writing(tmp_path / "checkpoint-6"):
        raise error
    assert caught.value is error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="/dev/full, a device that is always full, is Linux's")
def test_torch_s_own_words_of_a_full_disk_are_known(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="could not be written"), writing(tmp_path / "checkpoint-6"):
        torch.save({"weights": torch.zeros(1000)}, "/dev/full")


def test_the_last_checkpoint_is_that_of_the_latest_step(tmp_path: Path) -> None:
    for name in ("checkpoint-9", "checkpoint-10", "checkpoint-x", ".checkpoint-11.writing"):
        (tmp_path / name).mkdir()
    (tmp_path / "checkpoint-99").write_text("a file")
    assert last_checkpoint(tmp_path) == tmp_path / "checkpoint-10"


def test_a_run_killed_between_two_names_loses_no_checkpoint(tmp_path: Path) -> None:
    write(tmp_path / "checkpoint-3", "old")
    (tmp_path / "checkpoint-3").rename(tmp_path / ".checkpoint-3.replaced")
    (tmp_path / ".checkpoint-3.writing").mkdir()
    remove_leftovers(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]
    assert (tmp_path / "checkpoint-3" / "trainer_state.json").read_text() == "old"


def test_a_checkpoint_that_cannot_be_replaced_is_there_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "checkpoint-3", "old")
    rename = Path.rename

    def refused(path: Path, target: Path) -> Path:
        if path.name.endswith(".writing"):
            raise OSError(errno.EIO, "refused")
        return rename(path, target)

    monkeypatch.setattr(Path, "rename", refused)
    with pytest.raises(TrainingError, match="refused"):
        write(tmp_path / "checkpoint-3", "new")
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-3"]
    assert (tmp_path / "checkpoint-3" / "trainer_state.json").read_text() == "old"


def test_leftovers_of_killed_runs_are_removed(tmp_path: Path) -> None:
    for name in (".checkpoint-4.writing", ".checkpoint-2.replaced", "checkpoint-2"):
        (tmp_path / name).mkdir()
    remove_leftovers(str(tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["checkpoint-2"]


def test_what_cannot_be_resumed_is_told(tmp_path: Path) -> None:
    assert resumable(None, str(tmp_path)) is resumable(False, str(tmp_path)) is None
    with pytest.raises(ArgumentError, match="holds no checkpoint"):
        resumable(True, str(tmp_path))
    with pytest.raises(ArgumentError, match="holds no trainer_state.json"):
        resumable(str(tmp_path), "elsewhere")
    write(tmp_path / "checkpoint-3")
    assert resumable(True, str(tmp_path)) == tmp_path / "checkpoint-3"


def test_a_training_on_a_full_disk_says_so_and_goes_on_later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_checkpoint(tmp_path / "model")
    options = {"save_strategy": "steps", "save_steps": 2, "max_steps": 6}

    def fresh(out: str) -> Any:
        return trainer(model, tmp_path / out, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options)

    unbroken = fresh("unbroken")
    unbroken.train()
    found = fresh("out")
    save = found._save_optimizer_and_scheduler

    def full(folder: str) -> None:
        if found.state.global_step == 4:
            (Path(folder) / "optimizer.pt").write_bytes(b"half")
            raise OSError(errno.ENOSPC, "No space left on device")
        save(folder)

    monkeypatch.setattr(found, "_save_optimizer_and_scheduler", full)
    with pytest.raises(TrainingError, match="checkpoint-4: .*No space left on device"):
        found.train()
    assert [path.name for path in (tmp_path / "out").glob("*checkpoint*")] == ["checkpoint-2"]
    again = fresh("out")
    again.train(resume_from_checkpoint=True)
    assert losses_of(again) == losses_of(unbroken)


def test_of_several_processes_one_writes_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = trainer(
        tiny_checkpoint(tmp_path / "model"), tmp_path / "out", data=pairs(), loss=MultipleNegativesRankingLoss()
    )
    made.save_model(str(tmp_path / "by-the-first"))
    monkeypatch.setattr(type(made.args), "should_save", False)
    made._save(str(tmp_path / "by-another"))  # transformers asks every process
    assert (tmp_path / "by-the-first" / "model.safetensors").is_file()
    assert not (tmp_path / "by-another").exists()
