r"""Makes the embedded default model out of the teacher, as recipe.toml says: the one command of this folder.

    python models/static-en/distil.py --checkpoint .cache/checkpoints/all-MiniLM-L6-v2 \
        --out runtime/airvec/default_model

With --check nothing is written: the result is compared with what lies there, and the exit status is 1 if it differs.
Knows nothing of quality: score.py measures that.
"""

import argparse
import json
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import bags
import counts
import numpy as np
import package
import teacher
import torch
import vectors
from tqdm import tqdm

from airvec.deploy.tokenizer import write_compact

HERE = Path(__file__).resolve().parent


def read_recipe() -> dict[str, Any]:
    """The constants and inputs."""
    return tomllib.loads((HERE / "recipe.toml").read_text(encoding="utf-8"))


def check_inputs(recipe: dict[str, Any], checkpoint: Path) -> None:
    """Refuses to start from anything but the files whose sha256 the recipe states."""
    teacher.check_sha256(checkpoint / "model.safetensors", recipe["source"]["weights_sha256"])
    teacher.check_sha256(checkpoint / "tokenizer.json", recipe["source"]["tokenizer_sha256"])
    teacher.check_sha256(HERE / recipe["counts"]["file"], recipe["counts"]["sha256"])


def shares_of(tokens: list[str], recipe: dict[str, Any]) -> np.ndarray:
    """(tokens,) how common each token is, in the order of the vocabulary."""
    table = counts.read_counts(HERE / recipe["counts"]["file"])
    counted = np.array([table.get(token, 0) for token in tokens], dtype=np.float64)
    return vectors.shares(counted, recipe["frequency"]["rank_share"], recipe["frequency"]["rank_shift"])


def distil(recipe: dict[str, Any], checkpoint: Path, folder: Path, progress: teacher.Progress) -> None:
    """Writes the model into an empty folder."""
    check_inputs(recipe, checkpoint)
    tokenizer = json.loads((checkpoint / "tokenizer.json").read_text(encoding="utf-8"))
    tokens = package.kept_tokens(tokenizer, recipe["frequency"]["first_ranked_token"])
    spoken = tokens[len(package.SILENT_TOKENS) :]
    ids = np.array([tokenizer["model"]["vocab"][token] for token in spoken])
    share = shares_of(spoken, recipe)
    weight = vectors.frequency_weights(share, recipe["frequency"]["coefficient"])
    states = ask_teacher(recipe, checkpoint, ids, (share, weight), progress)  # (spoken, hidden)
    projection = recipe["projection"]
    axes = vectors.project(states, projection["dimensions"], projection["variance_power"])  # (spoken, dimensions)
    silent = np.zeros((len(package.SILENT_TOKENS), axes.shape[1]))
    rows, scales = vectors.quantize(np.concatenate([silent, axes * weight[:, None]]))
    readme = (HERE / "notice.md").read_text(encoding="utf-8")
    package.write(folder, rows, scales, package.static_tokenizer(tokenizer, tokens), readme)
    write_compact(folder / "tokenizer.json")


def ask_teacher(
    recipe: dict[str, Any],
    checkpoint: Path,
    ids: np.ndarray,
    frequency: tuple[np.ndarray, np.ndarray],
    progress: teacher.Progress,
) -> np.ndarray:
    """(tokens, hidden) one vector a token id: one-token passes, refined with bags; `frequency` is (share, weight)."""
    model, batch, settings = teacher.load(checkpoint), recipe["teacher"]["batch"], recipe["bags"]
    states = teacher.read_tokens(model, ids, batch, progress)
    drawn = bags.draw(*frequency, settings, range(settings["shortest"], settings["longest"] + 1))
    targets = teacher.read_bags(model, [ids[bag.numpy()] for bag in drawn], batch, progress)
    return bags.refine(states, drawn, targets, settings["pull"], settings["steps"])


def check_size(folder: Path, largest: int) -> int:
    """Bytes of the whole folder.

    Raises:
        ValueError: It is larger than the recipe allows.
    """
    size = sum(file.stat().st_size for file in folder.iterdir())
    if size > largest:
        raise ValueError(
            f"{folder.name}: {size:,} bytes, at most {largest:,} allowed. Lower `dimensions` in recipe.toml."
        )
    return size


def run(options: argparse.Namespace) -> int:
    """Makes the model beside its place, then compares or renames; the exit status."""

    def progress(steps: Iterable[int], what: str) -> Iterable[int]:
        return tqdm(steps, desc=what, disable=options.quiet)

    recipe = read_recipe()
    # More threads add in another order, and so may change a last bit.
    torch.set_num_threads(1)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    # A rename needs the same file system; a check leaves no trace in the package, not even for a moment.
    beside = None if options.check else options.out.parent
    with tempfile.TemporaryDirectory(dir=beside, prefix=".distil-") as scratch:
        made = Path(scratch) / "model"
        made.mkdir()
        distil(recipe, options.checkpoint, made, progress)
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
