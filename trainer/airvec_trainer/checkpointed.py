"""transformers' trainer, with checkpoints that are whole or not there, and that hold the weights of losses, too.

Knows nothing of data sets and of how a loss is computed.
"""

from pathlib import Path
from typing import Any

from torch import nn
from transformers.trainer_callback import ExportableState
from transformers.trainer_utils import rotate_checkpoints

from airvec.errors import ArgumentError
from airvec_trainer.card.guarding import try_card
from airvec_trainer.checkpoints import STATE, remove_leftovers, resumable, writing
from airvec_trainer.hub_training import HubTrainer
from airvec_trainer.weights import Weights, load_loss_weights, save_loss_weights

__all__ = ["CheckpointedTrainer"]

ARGUMENTS = "training_args.json"
SPEEDS = ("_runtime", "_per_second", "epoch")  # what an evaluation also tells


class CheckpointedTrainer(HubTrainer):
    """Saves, resumes, and takes up the best model."""

    weights: Weights

    def train(
        self,
        resume_from_checkpoint: str | bool | None = None,
        trial: Any = None,
        ignore_keys_for_eval: list[str] | None = None,
    ) -> Any:
        """Train, or go on from a checkpoint."""
        if self.args.should_save:
            remove_leftovers(str(self.args.output_dir))
        self.accelerator.wait_for_everyone()  # a checkpoint may have got its name back
        folder = resumable(resume_from_checkpoint, str(self.args.output_dir))
        return super().train(None if folder is None else str(folder), trial, ignore_keys_for_eval)

    def _save_checkpoint(self, model: nn.Module, trial: Any) -> None:
        """As transformers does, but under another name until it is whole."""
        if self.hp_search_backend is None and trial is None:
            self.store_flos()
        run = Path(self._get_output_dir(trial=trial))
        final = run / f"checkpoint-{self.state.global_step}"
        with writing(final, main=self.args.should_save, wait=self.accelerator.wait_for_everyone) as folder:
            self.save_model(str(folder), _internal_call=True)
            self._note_best(run)
            if not self.args.save_only_model:
                self._save_optimizer_and_scheduler(str(folder))
                self._save_scaler(str(folder))
                self._save_rng_state(str(folder))
            if self.args.should_save:
                save_loss_weights(self.weights, folder)
                self._save_state(folder)
        if self.args.push_to_hub:
            self._push_from_checkpoint(str(final))
        if self.args.should_save:
            rotate_checkpoints(
                output_dir=str(run),
                save_total_limit=self.args.save_total_limit,
                best_model_checkpoint=self.state.best_model_checkpoint,
                use_mtime=True,
            )

    def _note_best(self, run: Path) -> None:
        best = self.state.best_global_step
        folder = run / f"checkpoint-{best}"
        if best and (best == self.state.global_step or folder.is_dir()):
            self.state.best_model_checkpoint = str(folder)

    def _save_state(self, folder: Path) -> None:
        callbacks = self.state.stateful_callbacks
        for callback in (*self.callback_handler.callbacks, self.control):
            if isinstance(callback, ExportableState):
                name, state = type(callback).__name__, callback.state()
                if isinstance(callbacks[name], list):
                    callbacks[name].append(state)
                else:
                    callbacks[name] = state
        self.state.save_to_json(str(folder / STATE))

    def _save(self, output_dir: str | None = None, state_dict: Any = None) -> None:
        """The model's own folder, and the arguments as JSON: no pickle lies beside a model."""
        if not self.args.should_save:  # transformers asks every process
            return
        folder = Path(output_dir or str(self.args.output_dir))
        self.model.save_pretrained(str(folder), create_model_card=False)
        try_card(self.model, folder)
        (folder / ARGUMENTS).write_text(self.args.to_json_string() + "\n", encoding="utf-8")

    def _load_from_checkpoint(self, resume_from_checkpoint: str, model: nn.Module | None = None) -> None:
        self.model.load_weights(resume_from_checkpoint)
        load_loss_weights(self.weights, Path(resume_from_checkpoint))

    def _determine_best_metric(self, metrics: dict[str, float], trial: Any) -> bool:
        """Whether these are the best metrics so far.

        Raises:
            ArgumentError: `metric_for_best_model` is none of them.
        """
        wanted = self.args.metric_for_best_model
        if wanted is not None and f"eval_{wanted.removeprefix('eval_')}" not in metrics:
            known = ", ".join(name for name in metrics if not name.endswith(SPEEDS))
            raise ArgumentError(
                f"metric_for_best_model: {wanted!r}, which the evaluation does not give, expected one of {known}. "
                "Correct it."
            )
        return super()._determine_best_metric(metrics, trial)

    def _load_best_model(self) -> None:
        """The weights of the best evaluation, in place of the last."""
        folder = str(self.state.best_model_checkpoint)
        self.model.load_weights(folder)
