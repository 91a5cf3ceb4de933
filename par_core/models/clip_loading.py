"""What open_clip's architectures differ in before they can be used: the packages that they need, their
preprocessing, and the form of their weights.
"""

import importlib.util
from typing import Any, Final

import open_clip
from huggingface_hub import try_to_load_from_cache
from open_clip.convert import convert_state_dict
from open_clip.model import convert_to_custom_text_state_dict
from torch import Tensor, nn

from par_core.errors import BadConfigError

__all__ = ["fitting_state", "model_config", "preprocessing", "require_parts", "tokenizer"]

_PREPROCESSING: Final = ("mean", "std", "interpolation", "resize_mode")
#: Numbers that OpenAI's archives carry beside the weights, and positions that older transformers kept.
_NO_WEIGHTS: Final = (
    "input_resolution",
    "context_length",
    "vocab_size",
    "text.transformer.embeddings.position_ids",
)


def model_config(name: str) -> dict[str, Any]:
    """Return open_clip's configuration of an architecture, with ``embed_dim``, ``vision_cfg`` and
    ``text_cfg``.

    Raises:
        BadConfigError: open_clip has no such architecture.
    """
    if name not in open_clip.list_models():
        raise BadConfigError(
            f"clip.model: open_clip has no architecture {name!r}; it has, for example, ViT-B-16, ViT-B-32 and"
            " ViT-L-14"
        )
    config: dict[str, Any] = open_clip.get_model_config(name)
    return config


def require_parts(name: str) -> None:
    """Raise where an architecture reads words by a package or a file that this machine does not have.

    Raises:
        BadConfigError: Names the package, or the repository of the Hugging Face hub.
    """
    text = model_config(name)["text_cfg"]
    repositories = [text[key] for key in ("hf_tokenizer_name", "hf_model_name") if text.get(key)]
    if not repositories:
        return
    if importlib.util.find_spec("transformers") is None:
        raise BadConfigError(
            f"clip.model: {name} reads words by the package transformers, which is not installed; install it"
            " (pip install transformers) or choose another architecture, such as ViT-B-16"
        )
    for repository, file in zip(repositories, ("tokenizer_config.json", "config.json"), strict=False):
        if not isinstance(try_to_load_from_cache(repository, file), str):
            raise BadConfigError(
                f"clip.model: {name} reads words by {repository} of the Hugging Face hub, which this machine"
                f" does not have; with a network: hf download {repository}"
            )


def tokenizer(name: str) -> Any:
    """Return the tokenizer of an architecture, with its context length. Nothing is downloaded.

    Raises:
        BadConfigError: A package or the files of the tokenizer are missing; says how to get them.
    """
    require_parts(name)
    of_hub = bool(model_config(name)["text_cfg"].get("hf_tokenizer_name"))
    return open_clip.get_tokenizer(name, **({"local_files_only": True} if of_hub else {}))


def preprocessing(name: str, pretrained: str) -> dict[str, Any]:
    """Return how open_clip prepares pictures for published weights: mean, standard deviation, interpolation,
    and how a picture becomes a square.

    Weights of another name, such as those of your own, get what all published weights of the architecture
    have in common; open_clip itself would give them the values of OpenAI's CLIP, whatever the architecture.
    """
    known = open_clip.get_pretrained_cfg(name, pretrained)
    tags = open_clip.list_pretrained_tags_by_model(name)
    choices = [known] if known else [open_clip.get_pretrained_cfg(name, tag) for tag in tags]
    return {
        key: value
        for key, value in (choices[0] if choices else {}).items()
        if key in _PREPROCESSING and all(choice.get(key) == value for choice in choices)
    }


def fitting_state(model: nn.Module, state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return published weights under the names that a model of today has, as open_clip's ``load_checkpoint``
    does: older layouts, Apple's own names, and scalars of another shape.
    """
    state = dict(convert_state_dict(model, state))
    if "positional_embedding" in state and not hasattr(model, "positional_embedding"):
        state = dict(convert_to_custom_text_state_dict(state))
    for extra in _NO_WEIGHTS:
        state.pop(extra, None)
    own = model.state_dict()
    for scalar in ("logit_scale", "logit_bias"):
        if scalar in state and scalar in own:
            state[scalar] = state[scalar].reshape(own[scalar].shape)
    return state
