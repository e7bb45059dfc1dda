"""The losses, under sentence-transformers' names; rerankers' are in `losses.rerank`, since four names clash.

    from airvec_trainer.losses import MultipleNegativesRankingLoss

A file is a room: the losses of one shape of data. The import is the registry: one new file adds one.
Knows nothing of trainers.
"""
