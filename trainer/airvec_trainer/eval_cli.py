"""`airvec eval MODEL --task KIND:FILE`: scores a model folder on your data, with the runtime's dependencies alone.

Knows nothing of how tasks are read and measured.
"""

import argparse
import json
import math
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from airvec.cli.model import positive, show_progress
from airvec.cli.style import table
from airvec.errors import AirvecError, ArgumentError, require
from airvec.precision import PRECISIONS
from airvec_trainer.eval_targets import check_targets
from airvec_trainer.evaluation.tasks import KINDS, Settings, Task, TaskSpec, parse_task, read_task
from airvec_trainer.evaluation.tasks.opening import BITS, AskedModel, Asking, open_model
from airvec_trainer.evaluation.tasks.pairs import scores_of_pairs
from airvec_trainer.evaluation.tasks.settings import counted

__all__ = ["main"]

OK, FAILED = 0, 1
BY_VALUE = ("threshold",)  # metrics that are no shares, so that they are not shown times 100
EXAMPLES = """\
tasks:
  stsb:FILE            two texts and a score a row: sentence1, sentence2, score
  pairs:FILE           two texts and a label, 0 or 1: sentence1, sentence2, label [?positive=LABEL]
  classification:FILE  a text and a label: text, label [?train=FILE&samples_per_label=8&experiments=10]
  clustering:FILE      a text and a label: text, label [?sample_size=16384&experiments=10]
  bitext:FILE          a sentence and its translation: sentence1, sentence2
  rerank:FILE          query, positive, negative (lists); or query, document, label [?at_k=10]
  beir:FOLDER          corpus.jsonl, queries.jsonl, qrels/ [?split=test; rerankers: &retriever=bm25&top_k=100]

Files are .tsv, .csv or .jsonl, also as .gz. Columns of other names are named behind a question mark, by their number
where the file has no header; put such a task into quotes.

examples:
  PROGRAM ./all-MiniLM-L6-v2 --task stsb:stsb/test.tsv --task beir:scifact
  PROGRAM default --task 'bitext:deu-eng.tsv?sentence1=1&sentence2=2'
  PROGRAM ./model --task 'pairs:snli.tsv?positive=entailment' --figure curve.png
  PROGRAM ./reranker --task 'beir:scifact?retriever=./all-MiniLM-L6-v2&top_k=50' --json

exit code: 0 = measured, 1 = an error, 2 = wrong usage
"""


@dataclass(frozen=True)
class Measured:
    """What a task gave.

    Attributes:
        spec: the task.
        task: its evaluator and rows.
        metrics: by name, without the data's name in front.
        primary: the name of the one that counts.
        seconds: that it took.
        unwritten: why its CSV file could not be written; None = it was, or was not asked for.
    """

    spec: TaskSpec
    task: Task
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    primary: str = ""
    seconds: float = 0.0
    unwritten: OSError | None = None

    def record(self) -> dict[str, Any]:
        """For JSON, which has no nan: null is a correlation with scores that are all alike."""
        metrics = {name: value if math.isfinite(value) else None for name, value in self.metrics.items()}
        found: dict[str, Any] = {} if self.task.left_out is None else {"left_out": self.task.left_out}
        if self.task.split:
            found["split"] = self.task.split
        return {
            "task": self.spec.kind, "data": str(self.spec.place), **self.spec.options, **self.task.rows, **found,
            "primary": self.primary, "score": metrics[self.primary], "metrics": metrics,
            "seconds": round(self.seconds, 3),
        }  # fmt: skip

    def cells(self) -> tuple[str, ...]:
        """For the table."""
        rows = ", ".join(counted(count, what) for what, count in self.task.rows.items())
        also = [f"{name} {shown(name, self.metrics[name])}" for name in self._also()]
        return (
            self.spec.kind, f"{self.spec.title} {self.task.split}".strip(), rows + self._left_out(), self.primary,
            shown(self.primary, self.metrics[self.primary]), ", ".join(also), f"{self.seconds:.1f}",
        )  # fmt: skip

    def _left_out(self) -> str:
        return f" ({self.task.left_out:,} left out)" if self.task.left_out else ""

    def _also(self) -> list[str]:
        """The metrics to show beside the primary one; those of a measure, such as the cosine, by their endings."""
        return [name for wanted in self.task.also for name in self.metrics if name == wanted or _ends(name, wanted)]


def main(argv: Sequence[str] | None = None, program: str = "airvec eval") -> int:
    """Run the command; errors go to stderr.

    Args:
        argv: arguments without the program's name; None = those of this process.
        program: what it calls itself.

    Returns:
        The exit code: 0 measured, 1 an error; argparse ends with 2 where the usage is wrong.
    """
    arguments = _parser(program).parse_args(argv)
    try:
        late = _run(arguments, program)
    except (AirvecError, OSError) as error:
        late = [error]
    for error in late:
        _tell(program, str(error))
    return FAILED if late else OK


def shown(name: str, value: float) -> str:
    """A share times 100 with two digits, as benchmarks print it; a threshold as it is.

    >>> shown("ndcg@10", 0.66021), shown("cosine_f1_threshold", 0.66021)
    ('66.02', '0.6602')
    """
    return f"{value:.4f}" if name.endswith(BY_VALUE) else f"{100 * value:.2f}"


def _parser(program: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=program,
        description="Score a model on your data, by MTEB's protocols.",
        epilog=EXAMPLES.replace("PROGRAM", program),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("model", metavar="MODEL", help="folder, name on the Hub, or default: the one inside airvec")
    parser.add_argument(
        "--task", "-t", dest="tasks", action="append", required=True, metavar="KIND:FILE", help="may be given often"
    )
    parser.add_argument("--json", action="store_true", help="print all metrics as JSON")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="write a CSV file for each task into FOLDER")
    parser.add_argument(
        "--figure", type=Path, metavar="FILE.png", help="precision, recall of the task pairs; or .svg, .pdf"
    )
    parser.add_argument("--batch-size", type=positive, help="texts in a batch (default: by tokens)")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    group = parser.add_argument_group("model")
    group.add_argument("--variant", default="auto", help="graph to use: auto (fp32), int8 …: airvec info lists them")
    group.add_argument("--threads", type=positive, help="CPUs to use (default: all that this process may)")
    group.add_argument("--max-seq-length", type=positive, help="most tokens of a text (default: the model's)")
    group.add_argument("--truncate-dim", type=positive, help="dimensions to keep (default: all)")
    group.add_argument("--precision", choices=PRECISIONS, help="of embeddings; int8 and uint8 with stsb only")
    group.add_argument("--prompt-name", help="which of the model's prompts texts get (default: the model's own)")
    group.add_argument("--prompt", help="the text in front of texts, instead")
    group.add_argument("--query-prompt", help="the text in front of queries (default: the model's)")
    group.add_argument("--document-prompt", help="the text in front of documents (default: the model's)")
    return parser


def _tell(program: str, text: str) -> None:
    """One line."""
    print(f"{program}: {' '.join(text.split())}", file=sys.stderr)


def _run(arguments: argparse.Namespace, program: str) -> list[Exception]:
    """Measure and print; what could not be written after that."""
    specs = [parse_task(text, KINDS) for text in arguments.tasks]
    _check(arguments, specs)
    asking = Asking(**{name: getattr(arguments, name) for name in Asking.__dataclass_fields__})
    model = open_model(arguments.model, asking)
    settings = Settings(model.kind, arguments.batch_size, show_progress(arguments), arguments.precision)
    tasks = [read_task(spec, settings) for spec in specs]  # all, before hours go into the first
    for spec, task in zip(specs, tasks, strict=True):
        if task.note:
            _tell(program, f"{spec.kind}:{spec.place}: {task.note}")
    found = [
        _measured(spec, task, AskedModel(model, _asked(asking, spec)), arguments.out)
        for spec, task in zip(specs, tasks, strict=True)
    ]
    _print(arguments, model, found)  # before more is written, which may fail
    late: list[Exception] = [one.unwritten for one in found if one.unwritten is not None]
    if arguments.figure is not None:
        try:
            _draw(arguments.figure, model, asking, found)
        except (AirvecError, OSError) as error:
            late.append(error)
    return late


def _print(arguments: argparse.Namespace, model: Any, found: Sequence[Measured]) -> None:
    if arguments.json:
        print(json.dumps(_report(arguments, model, found), indent=2, ensure_ascii=False, allow_nan=False))
    else:
        head = ("task", "data", "rows", "metric", "score", "also", "seconds")
        print(table(head, [one.cells() for one in found], right=(4, 6)))


def _check(arguments: argparse.Namespace, specs: Sequence[TaskSpec]) -> None:
    """Before the model is opened.

    Raises:
        ArgumentError: options that do not go together, or what they name cannot be written.
    """
    _check_names(specs, written=arguments.out is not None)
    kinds = [spec.kind for spec in specs]
    if arguments.precision in ("int8", "uint8") and set(kinds) != {"stsb"}:
        other = next(kind for kind in kinds if kind != "stsb")
        raise ArgumentError(
            f"--precision {arguments.precision}: with --task {other}, expected stsb only, which takes the ranges of "
            "the codes from both sides at once. Give float32, binary or ubinary."
        )
    if arguments.figure is not None:
        if kinds.count("pairs") != 1:
            raise ArgumentError(
                f"--figure: {kinds.count('pairs')} tasks of pairs, expected one, whose precision and recall are drawn."
            )
        require("matplotlib", "train", "airvec eval --figure")
    check_targets(arguments.out, arguments.figure)


def _check_names(specs: Sequence[TaskSpec], *, written: bool) -> None:
    """Lines of the table and CSV files of two tasks must not look the same.

    Raises:
        ArgumentError: two do.
    """
    seen: set[tuple[str, str]] = set()
    for spec in specs:
        name = spec.name if written else spec.title
        if (spec.kind, name) in seen:
            where = "would be written into one CSV file" if written else "would be two lines of one name"
            raise ArgumentError(
                f"--task {spec.kind}:{spec.place}: the name {name!r} is another {spec.kind} task's, too, and both "
                f"{where}, expected different names. Add ?name=… to one, behind & if it has options."
            )
        seen.add((spec.kind, name))


def _asked(asking: Asking, spec: TaskSpec) -> Asking:
    """The similarity of texts makes bits itself, as in sentence-transformers."""
    if spec.kind != "stsb" or asking.precision not in BITS:
        return asking
    return Asking(**{**vars(asking), "precision": None})


def _measured(spec: TaskSpec, task: Task, model: AskedModel, out: Path | None) -> Measured:
    start = time.perf_counter()
    metrics = task.evaluator.measure(model)
    seconds = time.perf_counter() - start
    unwritten = None
    try:
        task.evaluator.report(model, metrics, out)
    except OSError as error:  # a full disk, say: what was measured must not be lost
        unwritten = error
    return Measured(spec, task, metrics, task.evaluator.primary(metrics), seconds, unwritten)


def _draw(file: Path, model: Any, asking: Asking, found: Sequence[Measured]) -> None:
    from airvec_trainer.eval_figure import draw_pairs

    (pairs,) = (one for one in found if one.spec.kind == "pairs")
    evaluator = pairs.task.evaluator
    scores = scores_of_pairs(evaluator, AskedModel(model, asking))
    draw_pairs(file, scores, evaluator.labels, pairs.spec.title)


def _report(arguments: argparse.Namespace, model: Any, found: Sequence[Measured]) -> dict[str, Any]:
    given = ("variant", "truncate_dim", "precision", "prompt_name", "prompt", "query_prompt", "document_prompt")
    settings = {name: getattr(arguments, name) for name in given if getattr(arguments, name) is not None}
    tasks = [one.record() for one in found]
    return {"model": arguments.model, "kind": model.kind, **settings, "tasks": tasks}


def _ends(name: str, wanted: str) -> bool:
    """cosine_f1 is an f1 of a measure."""
    return name in [f"{measure}_{wanted}" for measure in ("cosine", "dot", "euclidean", "manhattan")]


if __name__ == "__main__":
    sys.exit(main())
