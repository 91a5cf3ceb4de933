"""A cache of the Hugging Face hub that stands in for the repositories that open_clip's text towers name:
their published sizes, and a tokenizer of few words with their special tokens.
"""

import json
from pathlib import Path
from typing import Any, Final

_ROBERTA: Final = {"pad_token_id": 1, "bos_token_id": 0, "eos_token_id": 2, "max_position_embeddings": 514}
_XLM: Final = _ROBERTA | {"model_type": "xlm-roberta", "vocab_size": 250_002, "type_vocab_size": 1}
_MT5: Final = {
    "model_type": "mt5",
    "vocab_size": 250_112,
    "d_kv": 64,
    "feed_forward_proj": "gated-gelu",
    "is_encoder_decoder": True,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "decoder_start_token_id": 0,
}
_NLLB: Final = {
    "model_type": "m2m_100",
    "vocab_size": 256_206,
    "d_model": 1_024,
    "is_encoder_decoder": True,
    "encoder_attention_heads": 16,
    "decoder_attention_heads": 16,
    "max_position_embeddings": 1_024,
    "pad_token_id": 1,
    "bos_token_id": 0,
    "eos_token_id": 2,
    "decoder_start_token_id": 2,
}
#: Configuration of each repository whose network is a text tower, as published (2026).
_NETWORKS: Final[dict[str, dict[str, Any]]] = {
    "roberta-base": _ROBERTA | {"model_type": "roberta", "vocab_size": 50_265, "type_vocab_size": 1},
    "xlm-roberta-base": _XLM,
    "xlm-roberta-large": _XLM
    | {
        "hidden_size": 1_024,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "intermediate_size": 4_096,
    },
    "google/mt5-base": _MT5 | {"d_model": 768, "d_ff": 2_048, "num_layers": 12, "num_heads": 12},
    "google/mt5-xl": _MT5 | {"d_model": 2_048, "d_ff": 5_120, "num_layers": 24, "num_heads": 32},
    "facebook/nllb-200-distilled-600M": _NLLB
    | {
        "encoder_layers": 12,
        "decoder_layers": 12,
        "encoder_ffn_dim": 4_096,
        "decoder_ffn_dim": 4_096,
    },
    "facebook/nllb-200-distilled-1.3B": _NLLB
    | {
        "encoder_layers": 24,
        "decoder_layers": 24,
        "encoder_ffn_dim": 8_192,
        "decoder_ffn_dim": 8_192,
    },
}
_COMMIT: Final = "0" * 40
_WORDS: Final = ["a", "man", "with", "black", "backpack", "woman", "in", "red", "coat"]


def write_hub(folder: Path) -> list[str]:
    """Write the cache of every repository that an architecture names.

    Returns:
        Names of the repositories; none if ``transformers`` is not installed, as nothing reads them then.
    """
    import importlib.util

    import open_clip

    if importlib.util.find_spec("transformers") is None:
        return []
    texts = [open_clip.get_model_config(name)["text_cfg"] for name in open_clip.list_models()]
    keys = ("hf_tokenizer_name", "hf_model_name")
    repositories = sorted({text[key] for text in texts for key in keys if text.get(key)})
    for repository in repositories:
        place = folder / f"models--{repository.replace('/', '--')}"
        (place / "refs").mkdir(parents=True)
        (place / "refs" / "main").write_text(_COMMIT)
        snapshot = place / "snapshots" / _COMMIT
        snapshot.mkdir(parents=True)
        network = _NETWORKS.get(repository, {"model_type": "bert"})
        (snapshot / "config.json").write_text(json.dumps(network))
        _write_tokenizer(snapshot, int(network.get("pad_token_id", 0)))
    return repositories


def _write_tokenizer(snapshot: Path, pad: int) -> None:
    """A tokenizer of words between the special tokens of beginning and end, whose padding has a number."""
    from tokenizers import Tokenizer, models, pre_tokenizers, processors

    special = ["<pad>", "<s>"] if pad == 0 else ["<s>", "<pad>"]
    special += ["</s>", "<unk>", "<mask>"]
    vocabulary = {word: number for number, word in enumerate([*special, *_WORDS])}
    tokenizer = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    ends = [(token, vocabulary[token]) for token in ("<s>", "</s>")]
    tokenizer.post_processor = processors.TemplateProcessing("<s> $A </s>", "<s> $A </s> $B </s>", ends)
    tokenizer.save(str(snapshot / "tokenizer.json"))
    named = {
        "bos": "<s>",
        "cls": "<s>",
        "eos": "</s>",
        "sep": "</s>",
        "unk": "<unk>",
        "pad": "<pad>",
        "mask": "<mask>",
    }
    config = {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": 512}
    (snapshot / "tokenizer_config.json").write_text(
        json.dumps(config | {f"{kind}_token": token for kind, token in named.items()})
    )
