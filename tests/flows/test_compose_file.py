"""What ``deployments/compose.yaml`` promises unstarted: its schema, ports, secrets and volumes."""

import copy
import re
from typing import Any

import pytest
import yaml

from tests.flows.composed import FILE

FOLDERS = FILE.with_name("compose.folders.yaml")


@pytest.fixture(scope="module")
def content() -> dict[str, Any]:
    return yaml.safe_load(FILE.read_text())


def problem(content: dict[str, Any]) -> str | None:
    """What the schema of the Compose Specification has against a file, by the package compose-spec."""
    parse = pytest.importorskip("compose_spec").PyCompose.from_yaml
    try:
        parse(yaml.safe_dump(content)).validate()
    except ValueError as error:
        return str(error)
    return None


def test_the_files_keep_to_the_schema(content: dict[str, Any]) -> None:
    assert problem(content) is None
    assert problem(yaml.safe_load(FOLDERS.read_text())) is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("restart", "sometimes"),
        ("healthchek", {"test": ["CMD", "true"]}),
        ("healthcheck", {"test": ["CMD", "true"], "interval": "five"}),
        ("depends_on", {"postgres": {"condition": "service_happy"}}),
    ],
)
def test_a_mistake_is_found(content: dict[str, Any], key: str, value: object) -> None:
    wrong = copy.deepcopy(content)
    wrong["services"]["objects"][key] = value
    assert problem(wrong) is not None


def test_ports_are_bound_to_this_host(content: dict[str, Any]) -> None:
    ports = {name: each["ports"] for name, each in content["services"].items() if "ports" in each}
    assert ports.keys() == {"prefect", "scheduler", "objects"}
    assert all(port.startswith("127.0.0.1:") for each in ports.values() for port in each)


def test_secrets_come_from_the_environment_and_must_be_set(content: dict[str, Any]) -> None:
    secret = re.compile(r"PASSWORD|SECRET|ACCESS_KEY|CONNECTION_URL")
    found = set()
    for name, service in content["services"].items():
        for key, value in service.get("environment", {}).items():
            if secret.search(key):
                found.add(name)
                assert re.search(r"\$\{PAR_\w+:\?set PAR_\w+\}", value), (name, key)
    assert found == {"postgres", "prefect", "objects", "prefect-worker", "worker"}


def test_the_object_store_keeps_its_data_and_only_its_s3_is_open(content: dict[str, Any]) -> None:
    objects = content["services"]["objects"]
    assert re.fullmatch(r"chrislusf/seaweedfs:\d+\.\d+", objects["image"])
    [volume] = objects["volumes"]
    name, _, place = volume.partition(":")
    assert name in content["volumes"]
    assert f"-dir={place}" in objects["command"]
    assert objects["healthcheck"]["test"][0] == "CMD"
    assert objects["healthcheck"]["test"][-1] == "http://127.0.0.1:8333/healthz"
    assert "-ip.bind=127.0.0.1" in objects["command"], "master, volumes and filer ask nobody for a key"
    assert "-s3.ip.bind=0.0.0.0" in objects["command"]
    assert "-master.telemetry=false" in objects["command"]


def test_who_reads_or_writes_has_the_keys_and_waits_for_the_object_store(content: dict[str, Any]) -> None:
    services = content["services"]
    server = services["objects"]["environment"]
    for name in ("prefect-worker", "worker"):
        given = services[name]["environment"]
        assert given["AWS_ENDPOINT_URL"] == "http://objects:8333"
        assert {key: given[key] for key in server} == server
        assert services[name]["depends_on"]["objects"] == {"condition": "service_healthy"}
    assert "environment" not in services["scheduler"], "the scheduler needs no keys"


def test_workers_share_no_folder_unless_the_other_file_is_added(content: dict[str, Any]) -> None:
    services = content["services"]
    shared = {name: each["volumes"] for name, each in services.items() if "volumes" in each}
    assert shared.keys() == {"postgres", "objects", "prefect-worker"}
    added = yaml.safe_load(FOLDERS.read_text())["services"]
    assert added == {"worker": {"volumes": services["prefect-worker"]["volumes"]}}
