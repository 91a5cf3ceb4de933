"""The network of the compact text tower, of open_clip's own parts."""

import json
from pathlib import Path

from open_clip.transformer import TextTransformer

from par_core.models.shipped import FILES, FOLDER
from par_core.models.text import CONTEXT_LENGTH
from par_core.models.tokenizer import VOCABULARY
from par_core.models.weights import load_state, read_shipped

__all__ = ["build_text_tower", "shipped_text_tower"]


def build_text_tower(embedding_size: int) -> TextTransformer:
    """Build the small text tower with random weights: three blocks of width 128."""
    return TextTransformer(
        context_length=CONTEXT_LENGTH,
        vocab_size=VOCABULARY,
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
