"""The arguments of a few-shot training, under SetFit's names; a pair is one value for the model, one for the head.

Knows nothing of models and data sets.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from numbers import Real
from typing import Any

from airvec.checks import whole_number
from airvec.errors import ArgumentError

STRATEGIES = ("oversampling", "undersampling", "unique")


@dataclass(frozen=True)
class FewShotTrainingArguments:
    """How the model is trained on pairs, and the head on its vectors.

    SetFit's head in torch is not there, nor are the arguments that only it reads (`end_to_end`, `max_length`). Heads of
    scikit-learn are fitted until they converge: of the second values, for the head, only `head_learning_rate` counts,
    and only for the head `"mlp"`.

    Args:
        output_dir: where checkpoints go.
        batch_size: pairs in a batch; or (pairs, any).
        num_epochs: passes over the pairs; or (passes, any). 0 leaves the model as it is.
        max_steps: steps of the model's training at most; -1 = as `num_epochs` says.
        sampling_strategy: which pairs: `"oversampling"` repeats those of the smaller kind until there are as many with
            one label as with two, `"undersampling"` drops of the larger kind, `"unique"` takes each pair once.
        num_iterations: pairs of each kind for each text instead; None = by the strategy.
        body_learning_rate: of the model; or (of the model, any).
        head_learning_rate: of the head `"mlp"`.
        loss: a loss's class or a loss, of pairs with a score or of labelled texts; None = `CosineSimilarityLoss`.
        distance_metric: of losses of triplets given as a class; None = the cosine distance.
        margin: of losses of triplets given as a class.
        use_amp: half precision on an accelerator.
        warmup_proportion: share of the steps in which the rate rises.
        l2_weight: weight decay of the model.
        show_progress_bar: whether there are progress bars.
        seed: of every draw but that of the pairs' order, which is always the same, as SetFit's.
        report_to: where logs go; SetFit's default is everywhere.
        run_name: the run's name there.
        logging_strategy: `"steps"`, `"epoch"` or `"no"`.
        logging_first_step: whether the first step is logged.
        logging_steps: steps between two entries.
        eval_strategy: when the loss on the pairs of `eval_dataset` is measured: `"no"`, `"steps"` or `"epoch"`.
        eval_steps: steps between two; None = `logging_steps`.
        eval_max_steps: batches of an evaluation at most; -1 = all.
        save_strategy: when checkpoints are written.
        save_steps: steps between two.
        save_total_limit: checkpoints that are kept.
        load_best_model_at_end: go on with the checkpoint of the lowest loss.

    Raises:
        ArgumentError: a value that cannot be.
    """

    output_dir: str = "checkpoints"
    batch_size: int | tuple[int, int] = (16, 2)
    num_epochs: float | tuple[float, float] = (1, 16)
    max_steps: int = -1
    sampling_strategy: str = "oversampling"
    num_iterations: int | None = None
    body_learning_rate: float | tuple[float, float] = (2e-5, 1e-5)
    head_learning_rate: float = 1e-2
    loss: Any = None
    distance_metric: Callable[..., Any] | None = None
    margin: float = 0.25
    use_amp: bool = False
    warmup_proportion: float = 0.1
    l2_weight: float = 0.01
    show_progress_bar: bool = True
    seed: int = 42
    report_to: str | list[str] = "none"
    run_name: str | None = None
    logging_strategy: str = "steps"
    logging_first_step: bool = True
    logging_steps: int = 50
    eval_strategy: str = "no"
    eval_steps: int | None = None
    eval_max_steps: int = -1
    save_strategy: str = "steps"
    save_steps: int = 500
    save_total_limit: int | None = 1
    load_best_model_at_end: bool = False

    def __post_init__(self) -> None:
        whole_number("batch_size", self.embedding_batch_size)
        whole_number("seed", self.seed, 0)
        if self.num_iterations is not None:
            whole_number("num_iterations", self.num_iterations)
        if self.max_steps != -1:
            whole_number("max_steps", self.max_steps)
        for name, value in (
            ("num_epochs", self.embedding_num_epochs),
            ("body_learning_rate", self.body_embedding_learning_rate),
            ("head_learning_rate", self.head_learning_rate),
            ("warmup_proportion", self.warmup_proportion),
        ):
            if not isinstance(value, Real) or not value >= 0 or (name == "warmup_proportion" and value > 1):
                expected = "a number from 0 to 1" if name == "warmup_proportion" else "a number of 0 or more"
                raise ArgumentError(f"{name}: {value!r}, expected {expected}. Correct it.")
        if self.sampling_strategy not in STRATEGIES:
            known = ", ".join(STRATEGIES)
            raise ArgumentError(f"sampling_strategy: {self.sampling_strategy!r}, expected one of {known}. Correct it.")

    @property
    def embedding_batch_size(self) -> int:
        """Pairs in a batch."""
        return _first("batch_size", self.batch_size)

    @property
    def embedding_num_epochs(self) -> float:
        """Passes over the pairs."""
        return _first("num_epochs", self.num_epochs)

    @property
    def body_embedding_learning_rate(self) -> float:
        """The model's learning rate."""
        return _first("body_learning_rate", self.body_learning_rate)

    def to_dict(self) -> dict[str, Any]:
        """The arguments by name."""
        return asdict(self)

    def update(self, arguments: dict[str, Any]) -> "FewShotTrainingArguments":
        """The same with other values for some."""
        return replace(self, **arguments)


def _first(name: str, value: Any) -> Any:
    """The model's of a pair, or the one value for both."""
    if not isinstance(value, tuple | list):
        return value
    if len(value) != 2:
        raise ArgumentError(f"{name}: {value!r}, expected one value, or one for the model and one for the head.")
    return value[0]
