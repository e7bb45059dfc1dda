"""A training that is uploaded: our card, no pickle, to a hub on the loopback address with the real client."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from huggingface_hub import constants

from airvec_trainer.losses import MultipleNegativesRankingLoss
from tests.hub_push_server import PushHub, taking
from tests.trainer.static_models import static_model
from tests.trainer.trainings import pairs, trainer

pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")  # the client to the library below it
STEPS = {"save_strategy": "steps", "save_steps": 2, "hub_always_push": True}


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PushHub]:
    (tmp_path / "repositories").mkdir()
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
    with taking(PushHub(root=tmp_path / "repositories")) as running:
        monkeypatch.setattr(constants, "ENDPOINT", running.address)
        monkeypatch.setattr("transformers.utils.hub._hf_api", None)  # it keeps the address of an earlier test's hub
        yield running


def made(out: Path, **options: Any) -> Any:
    given = {"hub_model_id": "org/model", "hub_token": "hf_x", **options}
    loss = MultipleNegativesRankingLoss()
    return trainer(out, out / "run", data=pairs(), loss=loss, options=given, model=static_model())


def files(hub: PushHub) -> set[str]:
    home = hub.root / "org/model"
    return {path.relative_to(home).as_posix() for path in home.rglob("*") if path.is_file()}


def test_what_is_pushed_is_the_model_with_its_own_card(hub: PushHub, tmp_path: Path) -> None:
    found = made(tmp_path)
    found.train()
    found.push_to_hub(tags="mine")
    assert hub.commits[-1]["summary"] == "End of training"
    assert files(hub) >= {"README.md", "modules.json", "1_Dense/model.safetensors", "training_args.json"}
    assert not [name for name in files(hub) if name.endswith((".bin", ".pt", ".pth"))]
    card = (hub.root / "org/model/README.md").read_text()
    assert 'SentenceTransformer("org/model")' in card
    assert "MultipleNegativesRankingLoss" in card
    assert "- mine" in card


@pytest.mark.parametrize(("strategy", "state"), [("every_save", False), ("checkpoint", True)])
def test_a_checkpoint_s_model_is_pushed_while_it_trains(
    strategy: str, state: bool, hub: PushHub, tmp_path: Path
) -> None:
    found = made(tmp_path, push_to_hub=True, hub_strategy=strategy, **STEPS)
    found.train()
    assert {"Training in progress, step 2", "Training in progress, step 4"} <= {one["summary"] for one in hub.commits}
    assert files(hub) >= {"README.md", "modules.json", "1_Dense/model.safetensors"}
    assert ("last-checkpoint/optimizer.pt" in files(hub)) is state
    assert not [name for name in files(hub) if name.endswith((".bin", ".pt", ".pth")) and "checkpoint" not in name]
    assert not list((tmp_path / "run").glob("training_args.bin"))
    assert "org/model" in (hub.root / "org/model/README.md").read_text()


def test_a_card_is_written_to_the_output_folder(tmp_path: Path) -> None:
    found = made(tmp_path)
    found.create_model_card(language="de", license="mit", tags=["one"], model_name="A title")
    card = (tmp_path / "run" / "README.md").read_text()
    assert "# A title" in card
    assert all(line in card for line in ("- de", "license: mit", "- one"))


def test_a_card_that_has_a_name_keeps_it(tmp_path: Path) -> None:
    model = static_model()
    model.model_card_data.set_model_id("me/mine")
    options = {"hub_model_id": "org/model"}
    trainer(tmp_path, tmp_path, data=pairs(), loss=MultipleNegativesRankingLoss(), options=options, model=model)
    assert model.model_card_data.model_id == "me/mine"
