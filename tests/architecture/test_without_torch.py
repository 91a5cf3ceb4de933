"""The compact profile needs no torch: real commands on real photographs, in processes that have none."""

import json
import shlex
import shutil
import subprocess
from importlib.resources import files
from pathlib import Path

import httpx
import pytest

from tests.without_torch import WithoutTorch

PHOTOS = ("astronaut.png", "camera.png", "chelsea.png")
INSTALL = "needs PyTorch: pip install 'par-search[torch]'"


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> WithoutTorch:
    return WithoutTorch(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def store(machine: WithoutTorch, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two photographs of people and one of a cat."""
    folder = tmp_path_factory.mktemp("archive")
    (folder / "photos").mkdir()
    for name in PHOTOS:
        shutil.copy(str(files("skimage").joinpath(f"data/{name}")), folder / "photos")
    done = machine.run("index", str(folder / "photos"), "--store", str(folder / "store"), "--quiet")
    assert done.returncode == 0, done.stderr
    assert machine.asked() == []
    return folder / "store"


def test_a_store_is_made_searched_and_shown_without_torch(machine: WithoutTorch, store: Path) -> None:
    assert found(machine, store, "a person")[:1]
    picture = str(store.parent / "photos" / "astronaut.png")
    assert Path(found(machine, store, "--image", picture)[0]).name == "astronaut.png"


@pytest.mark.parametrize(
    "typed",
    [
        "search 'a woman' --where hat<0.9 --explain",
        "describe PHOTO -p 'a woman' -p 'a man'",
        "export coco --out OUT",
        "review 'a woman' --json",
        "status",
        "verify --thorough",
        "models list",
        "models verify",
    ],
)
def test_a_command_needs_no_torch(machine: WithoutTorch, store: Path, tmp_path: Path, typed: str) -> None:
    places = {"PHOTO": str(store.parent / "photos" / "astronaut.png"), "OUT": str(tmp_path / "out")}
    words = [places.get(word, word) for word in shlex.split(typed)]
    of_store = [] if words[0] in ("describe", "models") else ["--store", str(store)]
    done = machine.run(*words, *of_store)
    assert done.returncode == 0, done.stderr
    assert done.stdout
    assert machine.asked() == []


def test_a_server_answers_texts_and_pictures_without_torch(machine: WithoutTorch, store: Path) -> None:
    command = machine.command("serve", "--store", str(store), "--port", "0")
    with subprocess.Popen(command, env=machine.environment, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            address = next(
                word for line in server.stdout for word in line.split() if word.startswith("http://")
            ).rstrip("/.")
            with httpx.Client(base_url=address, timeout=120, headers={"Origin": address}) as client:
                answer = client.get("/api/search", params={"q": "a woman"}).raise_for_status().json()
                assert answer["results"]
                assert "/people/" in client.get("/", params={"q": "a woman"}).raise_for_status().text
                picture = (store.parent / "photos" / "astronaut.png").read_bytes()
                client.post("/api/picture", files={"picture": picture}).raise_for_status()
        finally:
            server.terminate()
            server.wait(60)
    assert machine.asked() == []


@pytest.mark.parametrize(
    "typed",
    [
        "index PHOTOS --store NEW --profile clip",
        "describe PHOTOS/astronaut.png -p hat --profile clip",
        "index PHOTOS --store NEW --device cuda",
        "index PHOTOS --store NEW --runtime torch",
        "train segmenter --root PHOTOS --out NEW",
        "train attributes --dataset csv --root PHOTOS --out NEW",
        "train embedder --root PHOTOS --out NEW --start compact",
        "evaluate made NEW --dataset ccp --root PHOTOS --start NEW --out NEW",
        "models fetch",
    ],
)
def test_who_asks_for_more_is_told_what_to_install(
    machine: WithoutTorch, store: Path, tmp_path: Path, typed: str
) -> None:
    new, photos = tmp_path / "new", store.parent / "photos"
    words = [word.replace("PHOTOS", str(photos)).replace("NEW", str(new)) for word in typed.split()]
    done = machine.run(*words)
    assert done.returncode == 2, done.stderr
    assert done.stderr.splitlines()[-1].startswith("par: ")
    assert done.stderr.splitlines()[-1].endswith(INSTALL)
    assert len(done.stderr.splitlines()) == 1
    machine.asked()


def test_a_report_names_the_versions_that_are_there(machine: WithoutTorch) -> None:
    code = (
        "from par_core.studies.evaluation import machine_and_versions;"
        " print(*machine_and_versions()['versions'])"
    )
    run = machine.python(code)
    assert run.stdout.split() == ["python", "openvino", "numpy", "scipy"]
    assert machine.asked() == []


def test_the_check_itself_can_fail(machine: WithoutTorch, tmp_path: Path) -> None:
    code = "try: import torch.nn\nexcept ImportError: print('hidden')"
    run = machine.python(code)
    assert run.stdout == "hidden\n"
    assert [line.split(" by ")[0] for line in machine.asked()] == ["torch.nn", "torch"]


def found(machine: WithoutTorch, store: Path, *question: str) -> list[str]:
    done = machine.run("search", *question, "--store", str(store), "--json")
    assert done.returncode == 0, done.stderr
    assert machine.asked() == []
    return [hit["uri"] for hit in json.loads(done.stdout)["results"]]
