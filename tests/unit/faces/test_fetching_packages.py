"""Packages of npm from a real server on this machine: only files of the right digest come out of them."""

import hashlib
import http.server
import io
import tarfile
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from flows.cli.main import app
from par_core.errors import WeightsError
from par_core.faces.npm_packages import FACE_API, NpmPackage, fetch_face_api, find_face_api

CONTENT = {"net.json": b"[]", "net.bin": b"bytes", "face_recognition_model.bin": b"who is it?"}


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def tarball(**changed: bytes) -> bytes:
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w:gz") as archive:
        for name, content in {**CONTENT, **changed}.items():
            member = tarfile.TarInfo(f"package/model/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture
def package() -> NpmPackage:
    files = {name: sha256(CONTENT[name]) for name in ("net.json", "net.bin")}
    return NpmPackage("@makers/nets", "1.0.0", "MIT", "", "package/model", files)


def of(package: NpmPackage, content: bytes) -> NpmPackage:
    return NpmPackage(package.name, "1.0.0", "MIT", sha256(content), package.folder, package.files)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[str]:
    handler = partial(http.server.SimpleHTTPRequestHandler, directory=str(tmp_path / "registry"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as serving:
        thread = threading.Thread(target=serving.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{serving.server_address[1]}/"
        serving.shutdown()
        thread.join()


def serve(tmp_path: Path, content: bytes) -> Path:
    place = tmp_path / "registry" / "@makers" / "nets" / "-" / "nets-1.0.0.tgz"
    place.parent.mkdir(parents=True)
    place.write_bytes(content)
    return place


def test_named_files_come_out_of_the_package_and_no_others(
    tmp_path: Path, registry: str, package: NpmPackage
) -> None:
    place = serve(tmp_path, tarball())
    wanted = [of(package, place.read_bytes())]
    folder = fetch_face_api(tmp_path / "weights", registry=registry, packages=wanted)
    assert folder == tmp_path / "weights" / "face-api"
    assert sorted(path.name for path in folder.iterdir()) == ["net.bin", "net.json"]
    place.unlink()
    assert fetch_face_api(tmp_path / "weights", registry=registry, packages=wanted) == folder, "there already"
    (folder / "net.bin").unlink()
    with pytest.raises(WeightsError, match=r"cannot be reached .*npm pack @makers/nets@1\.0\.0.*--from DIR"):
        fetch_face_api(tmp_path / "weights", registry=registry, packages=wanted)


def test_another_tarball_or_another_file_in_it_leaves_nothing_behind(
    tmp_path: Path, registry: str, package: NpmPackage
) -> None:
    other = tarball(**{"net.bin": b"other"})
    serve(tmp_path, other)
    for wanted in (of(package, tarball()), of(package, other)):
        with pytest.raises(WeightsError, match="is refused: its SHA-256"):
            fetch_face_api(tmp_path / "weights", registry=registry, packages=[wanted])
    assert not (tmp_path / "weights").exists()


def test_a_folder_serves_instead_of_a_download(tmp_path: Path, package: NpmPackage) -> None:
    given = tmp_path / "given"
    given.mkdir()
    with pytest.raises(WeightsError, match=r"holds neither makers-nets-1\.0\.0\.tgz nor net\.json"):
        fetch_face_api(tmp_path / "weights", given=given, packages=[package])
    (given / "makers-nets-1.0.0.tgz").write_bytes(tarball())
    wanted = of(package, tarball())
    folder = fetch_face_api(tmp_path / "packed", given=given, packages=[wanted])
    assert (folder / "net.bin").read_bytes() == b"bytes"
    unpacked = tmp_path / "unpacked" / "model"
    unpacked.mkdir(parents=True)
    for name in ("net.json", "net.bin"):
        (unpacked / name).write_bytes(CONTENT[name])
    fetch_face_api(tmp_path / "loose", given=tmp_path / "unpacked", packages=[wanted])
    (unpacked / "net.bin").write_bytes(b"other")
    with pytest.raises(WeightsError, match=r"net\.bin is refused"):
        fetch_face_api(tmp_path / "wrong", given=tmp_path / "unpacked", packages=[wanted])


def test_missing_and_incomplete_weights_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=f"par models fetch face-api --to {tmp_path}"):
        find_face_api(tmp_path)
    (tmp_path / "face-api").mkdir()
    with pytest.raises(WeightsError, match=r"lacks age_gender_model-weights_manifest\.json, "):
        find_face_api(tmp_path)


def test_the_command_lists_and_shows_them_and_refuses_other_networks(tmp_path: Path) -> None:
    run = CliRunner().invoke
    assert (
        f"face-api from {FACE_API[0].url('https://registry.npmjs.org')}"
        in run(app, ["models", "list"]).stdout
    )
    assert FACE_API[1].sha256 in run(app, ["models", "show", "face-api"]).stdout
    for name in ("face_recognition", "facial_expression_model", "race_model"):
        refused = run(app, ["models", "fetch", name])
        assert isinstance(refused.exception, WeightsError), name
        assert "PAR identifies nobody" in str(refused.exception)
    fetched = run(app, ["models", "fetch", "face-api", "--from", str(tmp_path), "--to", str(tmp_path / "w")])
    assert "holds neither vladmandic-face-api-1.7.15.tgz nor" in str(fetched.exception)
    mixed = run(app, ["models", "fetch", "face-api", "vit-b-32-imagenet", "--from", str(tmp_path)])
    assert "--from is for face-api alone" in str(mixed.exception)
    (tmp_path / "w" / "face-api").mkdir(parents=True)
    (tmp_path / "w" / "face-api" / "age_gender_model.bin").write_bytes(b"other")
    verified = run(app, ["models", "verify", "--weights-dir", str(tmp_path / "w")])
    assert (verified.exit_code, "WRONG face-api" in verified.stdout) == (1, True)
