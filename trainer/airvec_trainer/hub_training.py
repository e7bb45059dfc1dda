"""transformers' trainer, whose uploads hold the model with its own card, and no pickle of the arguments.

Knows nothing of how a model is written and of when it is uploaded.
"""

import shutil
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi
from transformers import Trainer
from transformers.trainer_utils import HubStrategy, SaveStrategy
from transformers.utils import PushInProgress

from airvec_trainer.checkpoints import STATE
from airvec_trainer.weights import LOSS_WEIGHTS

__all__ = ["HubTrainer"]

# What goes on with a training, and is no part of the model that is pushed.
STATE_FILES = ("optimizer", "scheduler", "scaler", "rng_state", "global_step", STATE, LOSS_WEIGHTS)
# Checkpoints, those that are being written, too; and what users hide.
LEFT_OUT = ["_*", ".*", "checkpoint-*"]


class HubTrainer(Trainer):
    """Uploads what is trained."""

    hub_model_id: str | None
    push_in_progress: Any = None

    def init_hf_repo(self, token: str | None = None, private: bool | None = None) -> None:
        """Make the repository, and tell the model's card its name."""
        super().init_hf_repo(token, private)
        self.name_card()

    def name_card(self) -> None:
        """Put the repository's name, where it is known with its owner, into a card that has none."""
        name = getattr(self, "hub_model_id", None) or self.args.hub_model_id
        card = getattr(self.model, "model_card_data", None)
        if name and "/" in name and card is not None and card.model_id is None:
            card.set_model_id(name)

    def create_model_card(
        self,
        language: str | None = None,
        license: str | None = None,  # noqa: A002  # the reference's name
        tags: str | list[str] | None = None,
        model_name: str | None = None,
    ) -> None:
        """Write the model's card to `output_dir/README.md`, in one process.

        Args:
            language: the language of the texts, for the card's data.
            license: the model's.
            tags: more of them.
            model_name: the title, in place of the card's own.
        """
        from airvec_trainer.card import write_card  # a template language, which only cards need

        if not self.is_world_process_zero():
            return
        data: Any = self.model.model_card_data
        if language:
            data.set_language(language)
        if license:
            data.set_license(license)
        if tags:
            data.add_tags(tags)
        folder = Path(str(self.args.output_dir))
        folder.mkdir(parents=True, exist_ok=True)
        write_card(self.model, folder, model_name)

    def push_to_hub(
        self,
        commit_message: str | None = "End of training",
        blocking: bool = True,
        token: str | None = None,
        revision: str | None = None,
        private: bool | None = None,
        *,
        model_name: str | None = None,
        tags: str | list[str] | None = None,
    ) -> Any:
        """Save the model to `output_dir`, and upload it with its card.

        Args:
            commit_message: its first line.
            blocking: whether to wait for the upload.
            token: None = `hub_token` of the arguments.
            revision: the branch; None = `hub_revision` of the arguments.
            private: whether a new repository is private; None = `hub_private_repo`.
            model_name: the title of the card, in place of its own.
            tags: more tags of the card.

        Returns:
            What the Hub says of the commit, or a Future of it; None in other processes than the first.
        """
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        token = token if token is not None else self.args.hub_token
        if self.hub_model_id is None:
            self.init_hf_repo(token=token, private=private)
        self.save_model(_internal_call=True)
        if not self.is_world_process_zero():
            return None
        self.create_model_card(model_name=model_name, tags=tags)
        self._finish_current_push()
        return HfApi().upload_folder(
            repo_id=str(self.hub_model_id),
            folder_path=str(self.args.output_dir),
            commit_message=commit_message,
            token=token,
            run_as_future=not blocking,
            ignore_patterns=LEFT_OUT,
            revision=revision if revision is not None else self.args.hub_revision,
        )

    def _push_from_checkpoint(self, checkpoint_folder: str) -> None:
        """Upload a checkpoint's model from `output_dir`, where it stays while checkpoints come and go."""
        busy = self.push_in_progress is not None and not self.push_in_progress.is_done()
        strategy = self.args.hub_strategy
        if not self.is_world_process_zero() or strategy == HubStrategy.END or (busy and not self.args.hub_always_push):
            return
        self.callback_handler.on_push_begin(self.args, self.state, self.control)
        folder, run = Path(checkpoint_folder), Path(str(self.args.output_dir))
        _copy_model(folder, run)
        by_step = self.args.save_strategy == SaveStrategy.STEPS
        when = f"step {self.state.global_step}" if by_step else f"epoch {int(self.state.epoch or 0)}"
        jobs = [self._upload(run, f"Training in progress, {when}", ignore_patterns=LEFT_OUT)]
        if strategy in {HubStrategy.CHECKPOINT, HubStrategy.ALL_CHECKPOINTS}:
            place = "last-checkpoint" if strategy == HubStrategy.CHECKPOINT else folder.name
            jobs.append(self._upload(folder, f"Training in progress, {when}, checkpoint", path_in_repo=place))
        if busy:
            self.push_in_progress.jobs.extend(jobs)
        else:
            self.push_in_progress = PushInProgress(jobs)

    def _upload(self, folder: Path, message: str, **options: Any) -> Any:
        return HfApi().upload_folder(
            repo_id=str(self.hub_model_id), folder_path=str(folder), commit_message=message, token=self.args.hub_token,
            run_as_future=True, revision=self.args.hub_revision, **options,
        )  # fmt: skip


def _copy_model(checkpoint: Path, run: Path) -> None:
    for path in checkpoint.iterdir():
        if path.name.startswith(STATE_FILES):
            continue
        if path.is_dir():
            shutil.copytree(path, run / path.name, dirs_exist_ok=True)
        else:
            shutil.copy(path, run / path.name)
