"""What happens beside the steps of a training: SPLADE's regularisers are raised, and losses' gradients cleared.

Knows nothing of data sets and of how a loss is computed.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any

from transformers import TrainerCallback

from airvec.errors import ArgumentError
from airvec_trainer.losses.protocol import inside

__all__ = ["ClearLossGradients", "SchedulerType", "SpladeRegularizerWeightSchedulerCallback", "scheduled_losses"]


class SchedulerType(Enum):
    """How the weights rise: in proportion to the steps, or to their square."""

    LINEAR = "linear"
    QUADRATIC = "quadratic"


class SpladeRegularizerWeightSchedulerCallback(TrainerCallback):
    """Raises the regularisers of a `SpladeLoss` from 0 to their weights, so that the model learns to find first.

    The weights in step s of w warm-up steps are multiplied by s/w (linear) or (s/w)² (quadratic), afterwards by 1.

    Args:
        loss: a `SpladeLoss` or `CachedSpladeLoss`, as it is given to the trainer.
        scheduler_type: `"quadratic"` or `"linear"`.
        warmup_ratio: share of all steps until the weights are whole, above 0 up to 1.

    Raises:
        ArgumentError: another loss, an unknown type, or a share that is none.

    Source: Formal et al. 2021, "SPLADE", https://arxiv.org/abs/2107.05720, section 4 (a quadratic rise).
    """

    def __init__(
        self, loss: Any, scheduler_type: str | SchedulerType = SchedulerType.QUADRATIC, warmup_ratio: float = 1 / 3
    ) -> None:
        if not hasattr(loss, "schedule"):
            raise ArgumentError(
                f"SpladeRegularizerWeightSchedulerCallback: {type(loss).__name__}, expected a SpladeLoss. Give the "
                "loss that the trainer gets."
            )
        if not 0 < warmup_ratio <= 1:
            raise ArgumentError(f"warmup_ratio: {warmup_ratio}, expected above 0 and up to 1. Correct it.")
        try:
            self.scheduler_type = SchedulerType(scheduler_type)
        except ValueError:
            known = ", ".join(kind.value for kind in SchedulerType)
            raise ArgumentError(f"scheduler_type: {scheduler_type!r}, expected one of {known}. Correct it.") from None
        self.loss = loss
        self.warmup_ratio = warmup_ratio
        self.warmup_steps = 1

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The number of steps is known now."""
        self.warmup_steps = max(1, int(state.max_steps * self.warmup_ratio))
        self.loss.schedule.factor = self._factor(state.global_step)

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The weights of this step."""
        self.loss.schedule.factor = self._factor(state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """The weights that count now are among what is logged."""
        for name in ("document_regularizer_weight", "query_regularizer_weight"):
            weight = getattr(self.loss, name)
            if logs is not None and weight is not None:
                logs[name] = weight * self.loss.schedule.factor

    def _factor(self, step: int) -> float:
        share = min(1.0, step / self.warmup_steps)
        return share if self.scheduler_type is SchedulerType.LINEAR else share**2


class ClearLossGradients(TrainerCallback):
    """Clears the gradients of losses' own weights: transformers clears those of the model only.

    Args:
        trainer: with `weights`, which change when `model_init` makes another model.
    """

    def __init__(self, trainer: Any) -> None:
        self.trainer = trainer

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Nothing is left of an earlier training."""
        self._clear()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """The step is done."""
        self._clear()

    def _clear(self) -> None:
        for weight in self.trainer.weights.of_losses().values():
            weight.grad = None


def scheduled_losses(loss: Any) -> Iterator[Any]:
    """The losses with regularisers to raise, in one loss or a dict of them."""
    return (one for one in inside(loss) if hasattr(one, "schedule"))
