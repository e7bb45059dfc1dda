"""The first half of a few-shot training: the model learns which texts share a label.

Knows nothing of heads.
"""

from typing import Any

from datasets import Dataset

from airvec.errors import ArgumentError
from airvec_trainer import losses
from airvec_trainer.arguments import SentenceTransformerTrainingArguments
from airvec_trainer.few_shot.arguments import FewShotTrainingArguments
from airvec_trainer.few_shot.pairs import contrastive_pairs
from airvec_trainer.trainer import SentenceTransformerTrainer

TRIPLETS = (
    losses.BatchAllTripletLoss,
    losses.BatchHardSoftMarginTripletLoss,
    losses.BatchHardTripletLoss,
    losses.BatchSemiHardTripletLoss,
)
GROUPED = (*TRIPLETS, losses.SupConLoss)
Labelled = tuple[list[str], list[Any]]


def train_body(
    model: Any, args: FewShotTrainingArguments, train: Labelled, evaluation: Labelled | None, callbacks: list[Any]
) -> Any:
    """Train the model on pairs of the texts, or on the texts themselves for losses that read a class.

    Args:
        model: a `SentenceTransformer`, which is changed.
        args: the arguments.
        train: texts and labels.
        evaluation: as many others, for the loss at evaluations.
        callbacks: transformers' callbacks.

    Returns:
        The trainer, with its log.

    Raises:
        ArgumentError: labels that the loss cannot take.
    """
    loss, grouped = _loss(args)
    measured = evaluation is not None and (args.eval_strategy != "no" or args.eval_steps is not None)
    trainer = SentenceTransformerTrainer(
        model=model,
        args=_arguments(args, grouped, measured),
        train_dataset=_rows(train, args, grouped, args.max_steps),
        eval_dataset=_rows(evaluation, args, grouped, args.eval_max_steps) if measured and evaluation else None,
        loss=loss,
        callbacks=callbacks,
    )
    trainer.train()
    return trainer


def _loss(args: FewShotTrainingArguments) -> tuple[Any, bool]:
    """The loss, and whether its batches hold several texts of a label."""
    given = args.loss or losses.CosineSimilarityLoss
    if given in TRIPLETS:
        distance = args.distance_metric or losses.BatchHardTripletLossDistanceFunction.cosine_distance
        margin = {} if given is losses.BatchHardSoftMarginTripletLoss else {"margin": args.margin}
        return given(distance_metric=distance, **margin), True
    made = given() if isinstance(given, type) else given
    return made, isinstance(made, GROUPED)


def _rows(data: Labelled, args: FewShotTrainingArguments, grouped: bool, steps: int) -> Dataset:
    """What the loss reads of the texts: pairs with a score, or texts with the number of their label."""
    texts, labels = data
    if grouped:
        if isinstance(labels[0], list):
            raise ArgumentError(
                f"loss: {args.loss!r:.60} with labels such as {labels[0]!r:.60}, expected one label a text. Leave loss "
                "out."
            )
        places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
        return Dataset.from_dict({"sentence": texts, "label": [places[label] for label in labels]})
    pairs = contrastive_pairs(
        labels, num_iterations=args.num_iterations, strategy=args.sampling_strategy,
        max_pairs=-1 if steps == -1 else steps * args.embedding_batch_size,
    )  # fmt: skip
    columns = {"sentence_1": [texts[one] for one, _, _ in pairs], "sentence_2": [texts[two] for _, two, _ in pairs]}
    return Dataset.from_dict(columns | {"label": [score for *_, score in pairs]})


def _arguments(args: FewShotTrainingArguments, grouped: bool, measured: bool) -> Any:
    """The same in the words of `SentenceTransformerTrainer`."""
    strategy = "steps" if args.eval_strategy == "no" else args.eval_strategy
    return SentenceTransformerTrainingArguments(
        args.output_dir,
        per_device_train_batch_size=args.embedding_batch_size,
        per_device_eval_batch_size=args.embedding_batch_size,
        num_train_epochs=args.embedding_num_epochs,
        max_steps=args.max_steps,
        learning_rate=args.body_embedding_learning_rate,
        weight_decay=args.l2_weight,
        warmup_steps=args.warmup_proportion,
        fp16=args.use_amp,
        seed=args.seed,
        batch_sampler="group_by_label" if grouped else "batch_sampler",
        report_to=args.report_to,
        run_name=args.run_name,
        disable_tqdm=not args.show_progress_bar,
        logging_strategy=args.logging_strategy,
        logging_first_step=args.logging_first_step,
        logging_steps=args.logging_steps,
        eval_strategy=strategy if measured else "no",
        eval_steps=args.eval_steps or args.logging_steps,
        save_strategy=args.save_strategy,
        save_steps=args.save_steps,
        save_total_limit=args.save_total_limit,
        load_best_model_at_end=args.load_best_model_at_end,
    )
