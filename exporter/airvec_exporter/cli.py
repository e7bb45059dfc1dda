"""`airvec-export CHECKPOINT OUT`, which is also `airvec export`.

Knows nothing of how an export is done.
"""

import argparse
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from airvec.errors import AirvecError, ArgumentError
from airvec_exporter.errors import ExportError

OK, FAILED, MISUSED, INTERRUPTED = 0, 1, 2, 130
KINDS = ("dense", "sparse", "rerank")
DTYPES = ("float32", "float16", "bfloat16")
EXAMPLES = """\
examples:
  airvec-export ./all-MiniLM-L6-v2 ./all-MiniLM-L6-v2-onnx
  airvec-export sentence-transformers/all-MiniLM-L6-v2 ./all-MiniLM-L6-v2    from the Hub
  airvec-export ./ms-marco-MiniLM-L6-v2 ./reranker        a cross-encoder, for airvec.CrossEncoder
  airvec-export ./checkpoint ./out --variants fp32,fused,int8,openvino     several graphs in one folder
  airvec-export ./splade ./splade-onnx --fused            a SPLADE model, with its head inside a second graph
  airvec-export ./bert-splade ./out --as sparse           a plain …ForMaskedLM checkpoint that is a SPLADE model
  airvec-export ./checkpoint ./out --no-weights           half the size: for packages that never see torch
  airvec-export ./checkpoint ./out --texts mine.txt       verify on your own texts, one a line
  airvec-export ./checkpoint ./out --push ORG/MODEL       upload it once it is verified
  airvec-export ./checkpoint ./out --overwrite --quiet    for scripts: exit code 0 or a message on stderr

The checkpoint is a sentence-transformers, plain transformers or model2vec model: a folder, or a name on the Hub. What
it is for is what it says: sentence-transformers' settings, or the architecture of a plain checkpoint, where
…ForSequenceClassification is a reranker and all others are dense. Exit codes: 0 written and verified, 1 the
checkpoint cannot be exported or the result is not right, 2 a wrong argument. Unless it is 0, nothing was written; or,
where only --push failed, nothing was uploaded.
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command; errors go to stderr.

    Args:
        argv: arguments without the program's name; None = those of this process.

    Returns:
        The exit code: 0 written and verified, 1 failed, 2 wrong arguments.
    """
    arguments = _parser().parse_args(argv)
    try:
        _check_push(arguments)
        with _ended_by_sigterm():
            report = _export(arguments)
    except (ArgumentError, FileNotFoundError) as error:
        return _tell(error, MISUSED)
    except (AirvecError, OSError) as error:
        return _tell(error, FAILED)
    except KeyboardInterrupt:
        return _tell(ExportError("interrupted; nothing was written"), INTERRUPTED)
    if not arguments.quiet:
        print(report)
    return _push(arguments) if arguments.push is not None else OK


@contextmanager
def _ended_by_sigterm() -> Iterator[None]:
    """SIGTERM ends an export as Ctrl-C does, so that nothing half-written stays."""
    if threading.current_thread() is not threading.main_thread():  # Python lets no other set a handler
        yield
        return

    def interrupt(number: int, _: object) -> None:
        raise KeyboardInterrupt(f"signal {number}")

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="airvec-export",
        description="Turn a torch checkpoint into a model folder that runs without torch, and verify it against torch.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("checkpoint", metavar="CHECKPOINT", help="the model in torch: a folder, or a name on the Hub")
    parser.add_argument("out", metavar="OUT", type=Path, help="folder to make")
    parser.add_argument(
        "--as", dest="kind", choices=KINDS, help="what the model is for, where the checkpoint is silent"
    )
    parser.add_argument("--base", metavar="MODEL", help="the model that an adapter changes (default: as it says)")
    parser.add_argument(
        "--variants", metavar="A,B,…", default="fp32",
        help="graphs to make: fp32 (always), fused, int8, int8-x86, int8-vnni, int8-arm64, int8-dynamic, int4, "
        "openvino, openvino-int8, O1, O2, O3, O4",
    )  # fmt: skip
    parser.add_argument("--fused", action="store_true", help="the same as fused among --variants")
    parser.add_argument("--calibration", metavar="FILE", type=Path, help="texts for int8, one a line (default: ours)")
    parser.add_argument("--dtype", choices=DTYPES, help="round the weights to it when they are loaded")
    parser.add_argument("--max-seq-length", metavar="N", type=int, help="longest text in tokens (default: as it says)")
    parser.add_argument("--revision", metavar="REV", help="branch, tag or commit on the Hub")
    parser.add_argument("--no-weights", action="store_true", help="leave torch's weights out of the folder")
    parser.add_argument("--texts", metavar="FILE", type=Path, help="texts to verify on, one a line (default: 240 own)")
    parser.add_argument("--labels", metavar="PATH", type=Path, help="score each graph: TSV of pairs or BEIR folder")
    parser.add_argument("--no-speed", action="store_true", help="do not measure how fast the graphs are")
    parser.add_argument("--accept-worse", action="store_true", help="write graphs beyond their bound all the same")
    parser.add_argument("--overwrite", action="store_true", help="replace OUT if it is a model folder")
    parser.add_argument(
        "--max-delta", metavar="X", type=float,
        help="bound on unit vectors (1e-05), or on sparse values or logits relative to the largest (0.0001)",
    )  # fmt: skip
    parser.add_argument("--push", metavar="NAME", help="upload OUT to this repository on the Hub, once it is verified")
    parser.add_argument("--private", action="store_true", help="a repository that --push makes is private")
    parser.add_argument("--quiet", action="store_true", help="no progress, no report")
    return parser


def _export(arguments: argparse.Namespace) -> object:
    # Late: torch takes seconds to import, and --help and wrong arguments need none of it.
    from airvec_exporter.pipeline import export

    return export(
        arguments.checkpoint,
        arguments.out,
        kind=arguments.kind,
        base=arguments.base,
        variants=[name.strip() for name in arguments.variants.split(",")],
        fused=arguments.fused,
        weights=not arguments.no_weights,
        dtype=arguments.dtype,
        max_seq_length=arguments.max_seq_length,
        calibration=_lines("--calibration", arguments.calibration),
        texts=_lines("--texts", arguments.texts),
        labels=arguments.labels,
        max_delta=arguments.max_delta,
        accept_worse=arguments.accept_worse,
        speed=not arguments.no_speed,
        overwrite=arguments.overwrite,
        revision=arguments.revision,
        show_progress_bar=False if arguments.quiet else None,
    )


def _check_push(arguments: argparse.Namespace) -> None:
    """Refuse a wrong name before the export's minutes of work."""
    if arguments.push is not None:
        from airvec_exporter.pushing import check_name

        check_name(arguments.push)
    elif arguments.private:
        raise ArgumentError(f"--private: {arguments.private}, but no --push NAME, expected both. Say where to push.")


def _push(arguments: argparse.Namespace) -> int:
    """Upload what was written and verified; where that fails, it stays."""
    from airvec_exporter.pushing import push

    try:
        address = push(arguments.out, arguments.push, private=True if arguments.private else None)
    except (AirvecError, OSError) as error:
        return _tell(error, FAILED)
    except KeyboardInterrupt:
        return _tell(ExportError(f"interrupted; {arguments.out} was written, and nothing was pushed"), INTERRUPTED)
    if not arguments.quiet:
        print(f"{arguments.push} → {address}")
    return OK


def _lines(option: str, path: Path | None) -> list[str] | None:
    """The texts of a file, one a line; blank lines are left out."""
    if path is None:
        return None
    try:
        found = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise ArgumentError(f"{option} {path}: not UTF-8 ({error}). Convert it.") from error
    except OSError as error:
        raise ArgumentError(f"{option} {path}: cannot be read ({error.strerror}). Check the path.") from error
    if len(found) < 2:
        raise ArgumentError(f"{option} {path}: {len(found)} texts, expected two or more, one a line. Add some.")
    return found


def _tell(error: BaseException, code: int) -> int:
    print(f"airvec-export: {error}", file=sys.stderr)
    return code


if __name__ == "__main__":
    sys.exit(main())
