"""The shipped networks are not measured on a new machine, and what is known of them is true."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from par_core.models.hardware import cpu_computes_bf16, cpu_computes_int8
from par_core.models.known_measurements import KNOWN
from par_core.models.measuring import TOLERANCE

LOAD = (
    "from par_core.config import load_config;"
    " from par_core.models.profiles import load_describer, load_segmenter;"
    " config = load_config(machine={'device': 'cpu', 'runtime': 'openvino', 'precision': '%s'});"
    " load_segmenter(config); load_describer(config)"
)


def measured(cache: Path, precision: str, before: str = "") -> dict[str, dict[str, Any]]:
    """What a process with an empty cache measures to load the models of ``compact``, by key."""
    environment = os.environ | {"XDG_CACHE_HOME": str(cache)}
    subprocess.run([sys.executable, "-P", "-c", before + LOAD % precision], env=environment, check=True)
    found = [json.loads(file.read_text()) for file in (cache / "par" / "measured").glob("*.json")]
    return {each["key"]: each for each in found}


@pytest.mark.parametrize(
    "precision",
    [
        "auto",
        pytest.param("int8", marks=pytest.mark.skipif(not cpu_computes_int8(), reason="no VNNI here")),
    ],
)
def test_nothing_is_measured_to_load_the_shipped_models(precision: str, tmp_path: Path) -> None:
    found = measured(tmp_path, precision)
    assert found == {}, "networks have new fingerprints: write what is measured into KNOWN"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("precision", "kinds"),
    [
        pytest.param(
            "auto",
            ("precision", "batch"),
            marks=pytest.mark.skipif(not cpu_computes_bf16(), reason="this processor computes no bf16"),
        ),
        pytest.param(
            "int8",
            ("int8", "batch"),
            marks=pytest.mark.skipif(not cpu_computes_int8(), reason="this processor computes no int8"),
        ),
    ],
)
def test_what_is_known_is_what_this_machine_measures(
    precision: str, kinds: tuple[str, ...], tmp_path: Path
) -> None:
    before = "from par_core.models import measuring; measuring.KNOWN = {}; "
    found = measured(tmp_path, precision, before)
    expected = {key: known for key, known in KNOWN.items() if key.split("/")[0] in kinds}
    assert found.keys() == expected.keys()
    for key, known in expected.items():
        if "deviation" in known:
            assert found[key]["deviation"] == pytest.approx(known["deviation"], rel=0.5)
            assert found[key]["deviation"] < TOLERANCE
            assert known["int8_s" if precision == "int8" else "bf16_s"] < known["fp32_s"]
