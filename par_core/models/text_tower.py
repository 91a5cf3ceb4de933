"""The network of the compact text tower, and the tokenizer of its training, of open_clip's own parts."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Int64
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import TextTransformer

from par_core.models.shipped import FILES, FOLDER
from par_core.models.text import CONTEXT_LENGTH
from par_core.models.tokenizer import END
from par_core.models.weights import load_state, read_shipped

__all__ = ["OpenClipTokenizer", "build_text_tower", "learning_tokenizer", "shipped_text_tower"]


class OpenClipTokenizer:
    """A tokenizer of open_clip that gives arrays.

    Args:
        tokenizer: The tokenizer; it knows its context length.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.context_length = int(tokenizer.context_length)

    def __call__(
        self, texts: Sequence[str], context_length: int | None = None
    ) -> Int64[np.ndarray, "n context"]:
        """Return the ids of texts, filled up; ``context_length`` overrides the tokenizer's own."""
        ids = self._tokenizer(list(texts), context_length=context_length).numpy()
        return ids.astype(np.int64)


def learning_tokenizer() -> OpenClipTokenizer:
    """Return the tokenizer of training: CLIP's, which has ids for every text."""
    return OpenClipTokenizer(SimpleTokenizer(context_length=CONTEXT_LENGTH))


def build_text_tower(embedding_size: int) -> TextTransformer:
    """Build the small text tower with random weights: three blocks of width 128."""
    return TextTransformer(
        context_length=CONTEXT_LENGTH,
        vocab_size=END + 1,
        width=128,
        heads=4,
        layers=3,
        output_dim=embedding_size,
    )


def shipped_text_tower(folder: Path = FOLDER) -> tuple[TextTransformer, float]:
    """Return the shipped text tower, and the factor on its cosines.

    Raises:
        WeightsError: The shipped file is missing or damaged.
    """
    state, metadata = read_shipped(FILES[2], folder)
    tower = build_text_tower(state["text_projection"].shape[1])
    load_state(tower, state, FILES[2])
    return tower, float(json.loads(metadata["logit_scale"]))
