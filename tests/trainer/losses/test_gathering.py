"""Rows of several processes: each has the others' as negatives, and gradients find their way back."""

import os

import pytest
import torch
from torch import Tensor, distributed, multiprocessing

from airvec_trainer.losses import MultipleNegativesRankingLoss
from airvec_trainer.losses.gathering import gathered

PROCESSES, ROWS = 2, 3


def columns() -> list[Tensor]:
    draws = torch.Generator().manual_seed(5)
    return [torch.randn(PROCESSES * ROWS, 4, generator=draws) for _ in range(3)]


def one_process(rank: int, folder: str) -> None:
    os.environ["GLOO_SOCKET_IFNAME"] = "lo"  # not the address that this machine's name happens to have
    store = distributed.FileStore(f"{folder}/store", PROCESSES)
    distributed.init_process_group("gloo", store=store, rank=rank, world_size=PROCESSES)
    mine = [column[rank * ROWS : (rank + 1) * ROWS].clone().requires_grad_() for column in columns()]
    every = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
    value = MultipleNegativesRankingLoss(gather_across_devices=True, directions=every)(mine)
    value.backward()
    torch.save([value.detach(), *(column.grad for column in mine)], f"{folder}/{rank}.pt")
    store.set(f"done by {rank}", "")
    store.wait([f"done by {other}" for other in range(PROCESSES)])  # who leaves first closes the other's connection
    # Python's own end can meet gloo's thread that still drops a Python object: it then aborts, in one run of twenty
    os._exit(0)


def test_one_process_keeps_its_rows():
    rows = torch.eye(2)
    assert gathered(rows) == (rows, 0)


@pytest.mark.slow
def test_two_processes_train_as_one_with_the_batch_of_both(tmp_path):
    multiprocessing.spawn(one_process, args=(str(tmp_path),), nprocs=PROCESSES)
    found = [torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(PROCESSES)]
    whole = [column.requires_grad_() for column in columns()]
    every = ("query_to_doc", "query_to_query", "doc_to_query", "doc_to_doc")
    value = MultipleNegativesRankingLoss(directions=every)(whole)
    value.backward()
    assert torch.allclose(torch.stack([values[0] for values in found]).mean(), value.detach())
    for place, column in enumerate(whole, 1):
        # each process's value is a mean over its own rows, and trainers average the gradients of processes
        assert torch.allclose(torch.cat([values[place] for values in found]) / PROCESSES, column.grad, atol=1e-6)
