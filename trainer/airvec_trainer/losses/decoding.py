"""A decoder of one vector: a language model that reads an embedding through cross-attention and writes the text.

Knows nothing of losses.
"""

import logging
from collections.abc import Sequence
from typing import Any

import torch
import transformers
from torch import Tensor, nn

from airvec.errors import ArgumentError
from airvec_exporter.transformer import first_line, quiet_transformers
from airvec_trainer.losses.batch import Features

__all__ = ["Decoder", "make_decoder"]

logger = logging.getLogger(__name__)


class Decoder(nn.Module):
    """A language model with cross-attention, and the tokenizer of what it writes.

    Args:
        model: transformers' causal language model, made as a decoder.
        tokenizer: its own.
        own_tokens: whether it reads other tokens than the encoder, so that texts are tokenised again.
    """

    def __init__(self, model: nn.Module, tokenizer: Any, *, own_tokens: bool) -> None:
        super().__init__()
        self.model: Any = model
        self.tokenizer, self.own_tokens = tokenizer, own_tokens

    @property
    def pad(self) -> int:
        """The id of padding."""
        return self.tokenizer.pad_token_id

    def ids(self, column: Features, texts: Sequence[Any]) -> Tensor:
        """The decoder's ids of a column, (rows, tokens): the encoder's where they read the same tokens."""
        ids = column["input_ids"]
        if not self.own_tokens:
            return ids
        made = self.tokenizer(list(texts), padding=True, truncation="longest_first", return_tensors="pt")
        return made["input_ids"].to(ids.device)

    def forward(self, ids: Tensor, embeddings: Tensor) -> Tensor:
        """(rows, tokens) and (rows, dim) -> the next token's logits, (rows, tokens, vocabulary)."""
        seen = embeddings[:, None]  # (rows, 1, dim): a text of one token
        mask = torch.ones(seen.shape[:2], dtype=torch.long, device=seen.device)
        found = self.model(
            input_ids=ids, encoder_hidden_states=seen, encoder_attention_mask=mask, use_cache=False, return_dict=True
        )
        return found.logits


def make_decoder(model: Any, name: str | None, *, tied: bool) -> Decoder:
    """A decoder for a model's embeddings.

    Args:
        model: a SentenceTransformer that begins with a Transformer.
        name: a folder or a Hub name; None = the encoder's own checkpoint.
        tied: whether both share the weights of the same name, which the encoder then takes from the decoder.

    Raises:
        ArgumentError: no Transformer, no such decoder, or sizes or tokenizers that do not fit.
    """
    body = model[0]
    if not hasattr(body, "auto_model"):
        raise ArgumentError(
            f"DenoisingAutoEncoderLoss: the model begins with {type(body).__name__}, expected a Transformer. "
            "A static model has no decoder that could share its weights."
        )
    encoder, own = body.auto_model, body.auto_model.config._name_or_path  # noqa: SLF001 # transformers has no other name for it
    if tied and name:
        logger.warning(
            "DenoisingAutoEncoderLoss: decoder_name_or_path=%r is not read, since the decoder is tied.", name
        )
    path = own if tied or name is None else name
    tokenizer, decoder = _loaded(path, encoder.dtype)
    _check_fit(encoder, decoder, path)
    decoder.to(encoder.device)  # before they share weights: a shared weight of the CPU would divide the encoder
    other_tokens = not isinstance(model.tokenizer, type(tokenizer))
    if tied:
        if other_tokens:
            raise ArgumentError(
                f"DenoisingAutoEncoderLoss: {path} has a {type(tokenizer).__name__}, expected the encoder's "
                f"{type(model.tokenizer).__name__}, since the decoder is tied. Set tie_encoder_decoder=False."
            )
        if len(tokenizer) != len(model.tokenizer):
            tokenizer = model.tokenizer
            decoder.resize_token_embeddings(len(tokenizer))
        _tie(encoder, getattr(decoder, decoder.base_model_prefix))
    return Decoder(decoder, tokenizer, own_tokens=other_tokens)


def _loaded(path: str, dtype: torch.dtype) -> tuple[Any, Any]:
    """The tokenizer and the language model of a checkpoint, with new cross-attention."""
    try:
        with quiet_transformers():
            tokenizer = transformers.AutoTokenizer.from_pretrained(path, trust_remote_code=False)
            config = transformers.AutoConfig.from_pretrained(path, trust_remote_code=False)
            config.is_decoder = config.add_cross_attention = True
            decoder = transformers.AutoModelForCausalLM.from_pretrained(
                path, config=config, dtype=dtype, trust_remote_code=False
            )
    except (OSError, ValueError, KeyError) as error:
        raise ArgumentError(
            f"DenoisingAutoEncoderLoss: {path!r} is no decoder for transformers: {first_line(error)} "
            "Name a model with a language-modelling head, such as a BERT."
        ) from error
    if tokenizer.pad_token is None:
        tokenizer.pad_token = tokenizer.eos_token
        decoder.config.pad_token_id = decoder.config.eos_token_id
    return tokenizer, decoder


def _check_fit(encoder: Any, decoder: Any, path: str) -> None:
    if encoder.config.hidden_size != decoder.config.hidden_size:
        raise ArgumentError(
            f"DenoisingAutoEncoderLoss: {path} has a width of {decoder.config.hidden_size}, expected the encoder's "
            f"{encoder.config.hidden_size}. Name a decoder of that width."
        )


def _tie(encoder: nn.Module, decoder: nn.Module) -> None:
    """The encoder's weights become the decoder's of the same name; cross-attention has none there."""
    modules = dict(encoder.named_modules())
    tied = 0
    for name, weight in decoder.named_parameters():
        home, _, attribute = name.rpartition(".")
        if hasattr(modules.get(home), attribute):
            setattr(modules[home], attribute, weight)
            tied += 1
    if not tied:
        raise ArgumentError(
            f"DenoisingAutoEncoderLoss: no weight of {type(decoder).__name__} is called as one of "
            f"{type(encoder).__name__}, expected the same architecture. Set tie_encoder_decoder=False."
        )
