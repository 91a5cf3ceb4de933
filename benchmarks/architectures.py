"""Which of open_clip's architectures the ``clip`` profile takes. Prints one JSON.

    PYTHONPATH=. python benchmarks/architectures.py > benchmarks/results/architectures.json

Every architecture that ``open_clip.list_models()`` names is built by PAR's own loading path with random
weights, one after another, each in a process of its own with a bound of memory. Up to ``--most-parameters``
the describer and the text encoder of the profile compute a picture and two sentences, and vectors must be
those of open_clip's own calls (``computed``). Larger ones are built and run on shapes alone (``shapes``:
PyTorch's device ``meta``), which takes no memory and no time.

The text towers that need files of the Hugging Face hub get them from a cache that is made here: the sizes
that the repositories publish (``HUB``), and a tokenizer of few words; without the package ``transformers``
these must end with one line that says what to install (``refused``).
"""

import argparse
import importlib.util
import json
import logging
import os
import resource
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from machine import provenance
from stand_in_hub import write_hub

from par_core.version import installed_versions

MEMORY: Final = 4 * 2**30  # bytes of data of one process
SENTENCES: Final = ["a man with a black backpack", "a woman in a red coat"]


@contextmanager
def without_memory() -> Iterator[None]:
    """What is built inside has shapes alone (PyTorch's device ``meta``), and moving it does nothing."""
    import torch

    move = torch.nn.Module.to
    torch.nn.Module.to = lambda module, *_, **__: module  # type: ignore[method-assign]
    try:
        with torch.device("meta"), torch.no_grad():
            yield
    finally:
        torch.nn.Module.to = move  # type: ignore[method-assign]


def shapes(name: str) -> int:
    """Build an architecture, run both towers on shapes, and return the number of parameters; raises where
    something does not fit.
    """
    import torch
    import torch.fx.experimental._config

    from par_core.models.clip import _ImageTower, _TextTower, build_clip
    from par_core.models.clip_loading import model_config, tokenizer

    tokens = torch.as_tensor(tokenizer(name)(SENTENCES))
    with without_memory():
        if importlib.util.find_spec("transformers") is not None:
            import transformers.masking_utils

            # looks at the values of a mask, to leave out one that masks nothing
            transformers.masking_utils._ignore_bidirectional_mask_sdpa = lambda *_, **__: False
        torch.fx.experimental._config.meta_nonzero_assume_all_nonzero = True  # type: ignore[attr-defined]
        model = build_clip(name, "", None, 0)
        side = model.visual.preprocess_cfg["size"]
        height, width = (side, side) if isinstance(side, int) else side
        seen = _ImageTower(model.visual)(torch.zeros(2, 3, height, width))
        read = _TextTower(model)(torch.zeros(tokens.shape, dtype=tokens.dtype))
    size = model_config(name)["embed_dim"]
    assert tuple(seen.shape) == tuple(read.shape) == (2, size), (seen.shape, read.shape, size)
    return sum(parameter.numel() for parameter in model.parameters())


def computed(name: str) -> None:
    """Describe a picture and embed sentences by the profile; raises where open_clip gives other vectors."""
    import numpy as np
    import torch
    from open_clip.transform import PreprocessCfg, image_transform_v2
    from PIL import Image
    from skimage import data

    from par_core.config import load_config
    from par_core.models import profiles
    from par_core.models.clip_loading import tokenizer

    config = load_config(
        profile="clip",
        clip={"random_seed": 0, "model": name},
        machine={"runtime": "torch", "device": "cpu", "precision": "fp32"},
    )
    picture = np.ascontiguousarray(data.astronaut()[:256, 128:384])
    described = profiles.load_describer(config).describe([picture]).embeddings
    texts = profiles.load_text_encoder(config).encode(SENTENCES)
    model = profiles._clip_model(config)
    transform = image_transform_v2(PreprocessCfg(**model.visual.preprocess_cfg), is_train=False)
    with torch.no_grad():
        theirs = model.encode_image(transform(Image.fromarray(picture))[None], normalize=True).numpy()
        their_texts = model.encode_text(torch.as_tensor(tokenizer(name)(SENTENCES)), normalize=True).numpy()
    assert np.abs(described - theirs).max() < 1e-4, "vectors of pictures differ from open_clip's"
    assert np.abs(texts - their_texts).max() < 1e-5, "vectors of texts differ from open_clip's"


def tried(name: str, most_parameters: int) -> dict[str, Any]:
    """What becomes of one architecture."""
    from par_core.errors import ParError

    result: dict[str, Any] = {"architecture": name}
    try:
        count = shapes(name)
        result |= {"million_parameters": round(count / 1e6, 1), "outcome": "shapes"}
        if count <= most_parameters:
            try:
                computed(name)
                result["outcome"] = "computed"
            except (MemoryError, RuntimeError) as error:
                if "allocate memory" not in str(error):
                    raise
                result["line"] = f"shapes alone: more than {MEMORY // 2**30} GiB"
    except ParError as error:
        one_line = "\n" not in str(error)
        result |= {"outcome": "refused" if one_line else "fails", "line": str(error)}
    except Exception as error:  # noqa: BLE001 - whatever a library raises is the finding
        place = traceback.extract_tb(error.__traceback__)[-1]
        line = f"{type(error).__name__}: {error}".splitlines()[0][:200]
        result |= {"outcome": "fails", "line": f"{line} ({Path(place.filename).name}:{place.lineno})"}
    return result


def in_a_child(name: str, most_parameters: int) -> dict[str, Any]:
    """Try an architecture in a forked process with a bound of memory."""
    reading, writing = os.pipe()
    start = time.monotonic()
    child = os.fork()
    if child == 0:
        os.close(reading)
        resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))
        with os.fdopen(writing, "w") as out:
            json.dump(tried(name, most_parameters), out)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        answer = told.read()
    _, status, usage = os.wait4(child, 0)
    result = (
        json.loads(answer)
        if answer
        else {"architecture": name, "outcome": "fails", "line": f"ended by {status}"}
    )
    return result | {
        "seconds": round(time.monotonic() - start, 1),
        "resident_mb": round(usage.ru_maxrss / 1024),
    }


def results_of(file: Path) -> tuple[dict[str, dict[str, Any]], dict[str, Any] | None]:
    """Results by architecture, and the provenance of the run that they are from, if the file has it."""
    text = file.read_text()
    try:
        whole = json.loads(text)
        return {result["architecture"]: result for result in whole["architectures"]}, whole["about"]
    except json.JSONDecodeError:  # lines
        results = [json.loads(line) for line in text.splitlines()]
        return {result["architecture"]: result for result in results}, None


def main() -> None:
    """Try every architecture."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--most-parameters", type=float, default=370e6, help="of which vectors are computed")
    parser.add_argument("--computed", nargs="*", default=[], help="whatever their size")
    parser.add_argument(
        "--done",
        type=Path,
        help="an earlier result, or lines that a killed run printed; kept, and named as such",
    )
    parser.add_argument("--only", nargs="*", help="architectures; default: all")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        os.environ |= {"HF_HOME": folder, "HF_HUB_OFFLINE": "1", "XDG_CACHE_HOME": folder}
        hub = write_hub(Path(folder) / "hub")
        import open_clip

        logging.disable(logging.WARNING)  # that weights are random
        import par_core.models.profiles  # noqa: F401 - imported once, for all children

        done, earlier = results_of(options.done) if options.done else ({}, None)
        results = []
        for name in options.only or open_clip.list_models():
            most = sys.maxsize if name in options.computed else int(options.most_parameters)
            results.append(done.get(name) or in_a_child(name, most))
            print(json.dumps(results[-1]), file=sys.stderr)
    outcomes = Counter(result["outcome"] for result in results)
    print(
        json.dumps(
            {
                "outcomes": dict(outcomes),
                "most_parameters": int(options.most_parameters),
                "taken_from_an_earlier_run": {"architectures": sorted(done), "about": earlier}
                if done
                else None,
                "hub": hub,
                "architectures": results,
                "towers": installed_versions(("transformers", "tokenizers")),
                "about": provenance(0),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
