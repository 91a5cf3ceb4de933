"""Downloads from a real server on this machine: digests are checked, and a failure leaves nothing behind."""

import hashlib
import http.server
import os
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.atomic import partial_name
from par_core.errors import WeightsError
from par_core.models.published import Published, cache, check, clip_weights, fetch, find, segmenter_weights

CONTENT = b"weights" * 1000
DIGEST = hashlib.sha256(CONTENT).hexdigest()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    (tmp_path / "served").mkdir()
    (tmp_path / "served" / "file.pth").write_bytes(CONTENT)
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "served"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}"
        serving.shutdown()
        thread.join()


def test_a_file_is_fetched_once_checked_and_noted(server: str, tmp_path: Path) -> None:
    wanted = Published("test", "segmenter", "file.pth", f"{server}/file.pth", DIGEST[:8])
    left, at_work = (partial_name(tmp_path / "weights" / "file.pth") for _ in range(2))
    left.parent.mkdir()
    left.touch()
    at_work.touch()
    os.utime(left, (0, 0))
    path = fetch(wanted, tmp_path / "weights", progress=False)
    assert path.read_bytes() == CONTENT
    assert not left.exists(), "a killed download left it"
    assert at_work.exists()
    assert f"{DIGEST}  file.pth" in (tmp_path / "weights" / "SHA256SUMS").read_text()
    (tmp_path / "served" / "file.pth").unlink()
    assert fetch(wanted, tmp_path / "weights", progress=False) == path
    assert check(wanted, path) == "the published digest"
    path.write_bytes(b"other")
    with pytest.raises(WeightsError, match=r"SHA-256 is .* expected"):
        check(wanted, path)


@pytest.mark.parametrize(
    ("name", "digest", "message"),
    [("file.pth", "00000000", "not the file that was expected"), ("none.pth", "", "cannot be reached")],
)
def test_a_wrong_or_missing_file_leaves_nothing_behind(
    server: str, tmp_path: Path, name: str, digest: str, message: str
) -> None:
    with pytest.raises(WeightsError, match=message) as caught:
        fetch(
            Published("test", "segmenter", "file.pth", f"{server}/{name}", digest),
            tmp_path / "weights",
            progress=False,
        )
    assert "\n" not in str(caught.value)
    assert list((tmp_path / "weights").iterdir()) == []


def test_the_users_folder_comes_before_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    cache().mkdir(parents=True)
    (cache() / "a.pth").write_bytes(b"cache")
    (tmp_path / "a.pth").write_bytes(b"mine")
    assert find("a.pth", "segmenter", None) == cache() / "a.pth"
    assert find("a.pth", "segmenter", tmp_path) == tmp_path / "a.pth"


def test_published_names_addresses_and_digests() -> None:
    openai = clip_weights("ViT-B-16", "openai")
    assert (openai.file, len(openai.sha256)) == ("ViT-B-16.pt", 64)
    assert openai.source.startswith("https://openaipublic")
    laion = clip_weights("ViT-L-14", "laion2b_s32b_b82k")
    assert (laion.file, laion.source) == (
        "ViT-L-14.laion2b_s32b_b82k.safetensors",
        "hub:laion/CLIP-ViT-L-14-laion2B-s32B-b82K/open_clip_model.safetensors",
    )
    assert clip_weights("ViT-B-16", "mine").source == ""
    v2 = segmenter_weights("resnet50-fpn-v2")
    assert v2.sha256 in v2.file


def test_the_command_lists_verifies_shows_and_refuses(tmp_path: Path) -> None:
    run = CliRunner().invoke
    listed = run(app, ["models", "list", "--weights-dir", str(tmp_path)])
    assert listed.exit_code == 0
    assert "segmenter-compact" in listed.stdout
    assert "missing: ViT-B-16.pt" in listed.stdout
    assert run(app, ["models", "verify"]).exit_code == 0
    (tmp_path / "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth").write_bytes(b"not it")
    verified = run(app, ["models", "verify", "--weights-dir", str(tmp_path)])
    assert verified.exit_code == 1
    assert "WRONG maskrcnn-resnet50-fpn:" in verified.stdout
    assert "Recipe" in run(app, ["models", "show", "describer-compact"]).stdout
