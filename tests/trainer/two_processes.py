"""A training in two processes on the CPU, resumed: `torchrun --nproc-per-node 2 two_processes.py MODEL OUT`."""

import json
import shutil
import sys
from pathlib import Path

from airvec_trainer.losses import CoSENTLoss, MultipleNegativesRankingLoss
from tests.trainer.trainings import losses_of, pairs, scored, trainer


def main(model: Path, out: Path) -> None:
    """Train four steps, then go on from the second again; write what each process has."""
    options = {"save_strategy": "steps", "save_steps": 2, "ddp_find_unused_parameters": True}
    found = []
    for resumed in (False, True):
        made = trainer(
            model, out, data={"a": pairs(32), "b": scored(32)}, options=options,
            loss={"a": MultipleNegativesRankingLoss(gather_across_devices=True), "b": CoSENTLoss()},
        )  # fmt: skip
        made.train(resume_from_checkpoint=resumed)
        weights = sum(weight.detach().double().sum().item() for weight in made.model.parameters())
        found.append({"processes": made.args.world_size, "losses": losses_of(made), "weights": weights})
        if made.args.process_index == 0:
            shutil.rmtree(out / "checkpoint-4")
        made.accelerator.wait_for_everyone()
    (out / f"process-{made.args.process_index}.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
