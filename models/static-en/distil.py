r"""Makes the embedded default model out of the teacher, as static.toml says: the one command of this folder.

    python models/static-en/distil.py --checkpoint .cache/checkpoints/all-MiniLM-L6-v2 --data DATA \
        --descriptions descriptions.txt --cache CACHE --out runtime/airvec/default_model

DATA holds `snli/`, `tatoeba/`, `clinc150/` and `medquad/`; descriptions.txt is made as counts.py says. CACHE keeps the
teacher's vectors, so that a run that was interrupted goes on.

With --check nothing is written: the result is compared with what lies there, and the exit status is 1 if it differs.
Knows nothing of quality: score.py measures that.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

import counts
import numpy as np
import package
import teacher
import texts
import torch
import vectors
from tokenizers import Tokenizer

from airvec.deploy.tokenizer import write_compact
from airvec_trainer.distillation import static, teacher_vectors

HERE = Path(__file__).resolve().parent


def read_recipe() -> dict[str, Any]:
    """The constants and inputs."""
    return tomllib.loads((HERE / "static.toml").read_text(encoding="utf-8"))


def check_inputs(recipe: dict[str, Any], options: argparse.Namespace) -> None:
    """Refuses to start from anything but the files whose sha256 the recipe states."""
    teacher.check_sha256(options.checkpoint / "model.safetensors", recipe["source"]["weights_sha256"])
    teacher.check_sha256(options.checkpoint / "tokenizer.json", recipe["source"]["tokenizer_sha256"])
    teacher.check_sha256(options.descriptions, recipe["texts"]["descriptions_sha256"])
    for name, expected in recipe["data"].items():
        teacher.check_sha256(options.data / name, expected)
    teacher.check_sha256(HERE / recipe["counts"]["file"], recipe["counts"]["sha256"])


def telling_words(tokens: list[str], recipe: dict[str, Any]) -> np.ndarray:
    """(tokens,) how often each token decides what a text is about: its share of all text by its weight."""
    table, settings = counts.read_counts(HERE / recipe["counts"]["file"]), recipe["frequency"]
    counted = np.array([table.get(token, 0) for token in tokens], dtype=np.float64)
    share = vectors.shares(counted, settings["rank_share"], settings["rank_shift"])
    return share * vectors.frequency_weights(share, settings["coefficient"])


def distil(recipe: dict[str, Any], options: argparse.Namespace, folder: Path) -> None:
    """Writes the model into an empty folder."""
    check_inputs(recipe, options)
    tokenizer = json.loads((options.checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = package.kept_tokens(tokenizer, recipe["frequency"]["first_ranked_token"])
    spoken = tokens[len(package.SILENT_TOKENS) :]
    gathered = texts.gather(
        options.data, options.descriptions, (spoken, telling_words(spoken, recipe)), recipe["texts"]
    )
    student = package.static_tokenizer(tokenizer, tokens)
    table = learn(recipe, options, gathered, Tokenizer.from_str(json.dumps(student)))
    for epoch, losses in enumerate(table.losses):
        print(f"epoch {epoch}: " + ", ".join(f"{name} {loss:.5f}" for name, loss in losses.items()))
    package.write(folder, *table.int8(), student, (HERE / "notice.md").read_text(encoding="utf-8"))
    write_compact(folder / "tokenizer.json")


def learn(
    recipe: dict[str, Any], options: argparse.Namespace, gathered: list[str], student: Tokenizer
) -> static.StaticTable:
    """The teacher's vectors of the texts, each asked for once, then the training."""
    reader = teacher.Teacher(options.checkpoint, recipe["teacher"]["longest"], recipe["teacher"]["batch_tokens"])
    places = {text: place for place, text in enumerate(dict.fromkeys(gathered))}
    made = teacher_vectors(
        reader, list(places), cache_folder=options.cache, dtype="float16",
        shard_size=recipe["teacher"]["shard"], show_progress_bar=not options.quiet,
    )  # fmt: skip
    return static.distil_static(
        reader, gathered, dimensions=recipe["student"]["dimensions"], tokenizer=student,
        vectors=made[[places[text] for text in gathered]],
        settings=static.StaticSettings(**recipe["training"]), show_progress_bar=not options.quiet,
    )  # fmt: skip


def check_size(folder: Path, largest: int) -> int:
    """Bytes of the whole folder.

    Raises:
        ValueError: It is larger than the recipe allows.
    """
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size > largest:
        raise ValueError(
            f"{folder.name}: {size:,} bytes, at most {largest:,} allowed. Lower `dimensions` in static.toml."
        )
    return size


def run(options: argparse.Namespace) -> int:
    """Makes the model beside its place, then compares or renames; the exit status."""
    recipe = read_recipe()
    # More threads add in another order, and so may change a last bit.
    torch.set_num_threads(1)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # A rename needs the same file system; a check leaves no trace in the package, not even for a moment.
    beside = None if options.check else options.out.parent
    with tempfile.TemporaryDirectory(dir=beside, prefix=".distil-") as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        distil(recipe, options, made)
        size = check_size(made, recipe["output"]["largest_bytes"])
        if options.check:
            found = package.differences(made, options.out)
            print("\n".join(found) or f"{options.out}: the same, {size:,} bytes")
            return 1 if found else 0
        package.put_in_place(made, options.out)
    print(f"{options.out}: {size:,} bytes")
    for name, digest in package.digests(options.out).items():
        print(f"  {digest}  {name}")
    return 0


def main() -> int:
    """Command line; the exit status."""
    parser = argparse.ArgumentParser(description="Distil the embedded default model.")
    parser.add_argument("--checkpoint", type=Path, default=Path(".cache/checkpoints/all-MiniLM-L6-v2"))
    parser.add_argument("--data", type=Path, required=True, help="folder with the texts that card.md lists")
    parser.add_argument("--descriptions", type=Path, required=True, help="Debian's, unpacked as counts.py says")
    parser.add_argument("--cache", type=Path, help="where the teacher's vectors are kept")
    parser.add_argument("--out", type=Path, default=Path("runtime/airvec/default_model"))
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 if what lies there differs")
    parser.add_argument("--quiet", action="store_true", help="no progress bar")
    options = parser.parse_args()
    try:
        return run(options)
    except (OSError, ValueError) as problem:
        print(problem, file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
