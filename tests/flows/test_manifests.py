"""What schemas do not see in ``deployments/``: commands, options, ports and images that do not exist, or that
do not agree with each other.
"""

import configparser
import copy
import functools
import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from par_core.version import __version__

ROOT: Final = Path(__file__).parents[2]
DEPLOYMENTS: Final = ROOT / "deployments"
KUBERNETES: Final = DEPLOYMENTS / "kubernetes"
DOCKERFILE: Final = DEPLOYMENTS / "worker.Dockerfile"
#: Images that are not PAR's own.
OTHERS: Final = {"postgres:17", "chrislusf/seaweedfs:4.48"}


@functools.cache
def help_of(program: str, *verbs: str) -> str:
    typed = [sys.executable, "-m", "flows.cli.main" if program == "par" else program, *verbs, "--help"]
    return subprocess.run(typed, capture_output=True, text=True, check=True).stdout


def unknown_options(command: list[str]) -> list[str]:
    """Options of a command line that its program does not have."""
    program, *arguments = command
    verbs = [each for each in arguments[:2] if re.fullmatch("[a-z]+", each)]
    shown = help_of(Path(program).name, *verbs)
    return [each for each in arguments if each.startswith("--") and not re.search(rf"{each}\b", shown)]


@functools.cache
def documents() -> tuple[dict[str, Any], ...]:
    """All objects of the manifests; nobody may change them."""
    files = [file for file in sorted(KUBERNETES.glob("*.yaml")) if file.name != "kustomization.yaml"]
    return tuple(document for file in files for document in yaml.safe_load_all(file.read_text()))


def of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    return {each["metadata"]["name"]: each for each in documents() if each["kind"] in kinds}


def pods() -> dict[str, dict[str, Any]]:
    """The specification of each pod, by the name of what makes it."""
    return {
        name: each["spec"]["template"]["spec"] for name, each in of_kind("Deployment", "StatefulSet").items()
    }


def containers() -> dict[str, dict[str, Any]]:
    """The one container of each pod."""
    found = {}
    for name, pod in pods().items():
        [found[name]] = pod["containers"]
    return found


def command_of(container: dict[str, Any]) -> list[str]:
    return [*container.get("command", ()), *container.get("args", ())]


def services() -> dict[str, dict[str, Any]]:
    return yaml.safe_load((DEPLOYMENTS / "compose.yaml").read_text())["services"]


def units() -> dict[str, configparser.ConfigParser]:
    found = {}
    for file in sorted((DEPLOYMENTS / "systemd").glob("*.service")):
        unit = configparser.ConfigParser(strict=True, interpolation=None, comment_prefixes="#")
        unit.optionxform = str  # type: ignore[assignment,method-assign]
        unit.read_string(file.read_text())
        found[file.name] = unit
    return found


def test_whatever_runs_for_ever_is_started_again_also_after_exit_code_0() -> None:
    assert len(units()) == 4
    for name, unit in units().items():
        assert unit["Service"]["Restart"] == "always", name
        assert unit["Unit"]["StartLimitIntervalSec"] == "0", "systemd gives up after five restarts otherwise"
    assert {each["restart"] for each in services().values()} == {"always"}
    assert all("restartPolicy" not in pod for pod in pods().values()), "Kubernetes always restarts by itself"


def test_commands_and_options_exist() -> None:
    commands = {name: unit["Service"]["ExecStart"].split() for name, unit in units().items()}
    for program, *_ in commands.values():
        assert (Path(sys.executable).parent / Path(program).name).exists(), program
    for name, service in services().items():
        if service["image"] not in OTHERS:
            commands[f"compose {name}"] = [
                *service.get("entrypoint", ["dask", "worker"]),
                *service["command"],
            ]
    for name, container in containers().items():
        if container["image"] not in OTHERS:
            commands[f"kubernetes {name}"] = command_of(container)
    assert len(commands) == 4 + 4 + 6
    assert {name: unknown for name, each in commands.items() if (unknown := unknown_options(each))} == {}
    assert unknown_options(["dask", "worker", "--nthread", "1"]) == ["--nthread"]


def test_settings_of_prefect_and_dask_exist() -> None:
    import distributed  # noqa: F401 - brings the defaults
    from dask import config
    from prefect.settings import Settings
    from prefect.settings.legacy import _get_valid_setting_names

    known = _get_valid_setting_names(Settings)
    names: set[str] = set()
    for service in services().values():
        names |= service.get("environment", {}).keys()
    for container in containers().values():
        names |= {each["name"] for each in container.get("env", ())}
    for document in of_kind("ConfigMap").values():
        names |= document["data"].keys()
    assert [name for name in names if name.startswith("PREFECT_") and name not in known] == []
    absent = object()
    for name in names:
        if name.startswith("DASK_"):
            key = name.removeprefix("DASK_").lower().replace("__", ".")
            assert config.get(key, absent) is not absent, name
    assert {name.split("_")[0] for name in names} <= {"PREFECT", "DASK", "POSTGRES", "PGDATA", "AWS"}


def test_dask_answers_http_to_its_own_machine_or_about_its_health_alone() -> None:
    """Without an address it answers on all of them, with pages about tasks, also with --no-dashboard."""
    at_home = [unit["Service"]["ExecStart"].split() for unit in units().values()]
    at_home += [service["command"] for service in services().values() if "command" in service]
    lines = [line for line in at_home if "--no-dashboard" in line]
    assert len(lines) == 4
    for line in lines:
        assert line[line.index("--dashboard-address") + 1].startswith("127.0.0.1:")
    routes = {key: text for key, text in of_kind("ConfigMap")["dask-tls"]["data"].items() if "ROUTES" in key}
    assert len(routes) == 2
    assert set(routes.values()) == {'["distributed.http.health"]'}


def test_dask_speaks_tls_by_the_same_variables_on_machines_and_in_pods() -> None:
    lines = (DEPLOYMENTS / "systemd" / "par.env").read_text().splitlines()
    offered = dict(line.removeprefix("#").split("=", 1) for line in lines if re.match("#(DASK|PAR)_", line))
    assert offered.pop("PAR_DASK_PROTOCOL") == "tls"
    in_pods = {
        name: value.replace("/etc/dask-tls/", "/etc/par/dask/")
        for name, value in of_kind("ConfigMap")["dask-tls"]["data"].items()
        if "__COMM__" in name
    }
    assert offered == in_pods
    for unit in (units()["par-scheduler.service"], units()["par-worker@.service"]):
        assert unit["Service"]["Environment"] == "PAR_DASK_PROTOCOL=tcp"
        assert "${PAR_DASK_PROTOCOL}" in unit["Service"]["ExecStart"]


def test_images_are_those_that_compose_builds_in_this_version() -> None:
    used = {each["image"] for each in containers().values()} - OTHERS
    assert used == {f"par-worker:{__version__}", f"par-worker-gpu:{__version__}"}
    assert {each["image"] for each in services().values()} - OTHERS == {f"par-worker:{__version__}"}
    said = DOCKERFILE.read_text()
    assert all(f"-t {image} " in said.replace("\n", " ") for image in used)
    user = re.search(r"useradd .*--uid (\d+) par$", said, re.MULTILINE)
    assert user is not None
    for name, pod in pods().items():
        if pod["containers"][0]["image"] not in OTHERS:
            assert pod["securityContext"]["runAsUser"] == int(user[1]), name


def test_the_image_gets_every_package_and_the_builder_is_sent_nothing_else() -> None:
    copied: set[str] = set()
    for line in re.findall(r"^COPY (.*)$", DOCKERFILE.read_text(), re.MULTILINE):
        *sources, _ = line.split()
        copied.update(sources)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = {each.rstrip("*") for each in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    files = {"pyproject.toml", project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == packages | files | {"constraints.txt"}
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in lines
    assert {line[1:] for line in lines if line.startswith("!")} == copied


def test_no_pod_is_root_writes_to_its_image_or_holds_a_secret_of_its_own() -> None:
    for name, pod in pods().items():
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["securityContext"]["runAsNonRoot"] is True, name
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}, name
        for container in pod["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }, name
            assert container["resources"]["limits"]["memory"], name
            assert container["resources"]["requests"]["cpu"], name
            mounted = {each["mountPath"] for each in container["volumeMounts"]}
            assert "/tmp" in mounted, name
            for variable in container.get("env", ()):
                if re.search("PASSWORD|AUTH|CONNECTION_URL", variable["name"]):
                    assert variable.keys() == {"name", "valueFrom"}, variable["name"]
    assert of_kind("Secret") == {}


def test_services_are_within_the_cluster_and_their_ports_lead_to_pods() -> None:
    for name, service in of_kind("Service").items():
        assert service["spec"]["type"] == "ClusterIP", name
        [port] = service["spec"]["ports"]
        chosen = [pod for pod in of_kind("Deployment", "StatefulSet").values() if selected(service, pod)]
        assert len(chosen) == 1, name
        [container] = chosen[0]["spec"]["template"]["spec"]["containers"]
        ports = {each["name"]: each["containerPort"] for each in container["ports"]}
        assert ports[port["targetPort"]] == port["port"], name
        if container["image"] not in OTHERS:
            assert str(port["port"]) in command_of(container), name
    assert not of_kind("Ingress")


def selected(service: dict[str, Any], owner: dict[str, Any]) -> bool:
    labels = owner["spec"]["template"]["metadata"]["labels"]
    return service["spec"]["selector"].items() <= labels.items()


def test_addresses_name_services_and_ports_that_policies_open() -> None:
    ports = {
        name: service["spec"]["ports"][0]["port"] for name, service in (*of_kind("Service").items(), *[])
    }
    text = "\n".join(file.read_text() for file in KUBERNETES.glob("*.yaml"))
    named = re.findall(r"(?:tls|http|postgresql\+asyncpg)://(?:[^@\s/]*@)?([a-z]+):(\d+)", text)
    assert {host for host, _ in named} == {"prefect", "scheduler", "postgres"}
    assert all(ports[host] == int(port) for host, port in named)
    policies = of_kind("NetworkPolicy")
    everything = {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert policies["nothing-else"]["spec"] == everything
    opened: dict[str, set[int]] = {}
    for policy in policies.values():
        app = policy["spec"]["podSelector"].get("matchLabels", {}).get("app")
        for rule in policy["spec"].get("ingress", ()):
            assert rule["from"], "an empty list means everybody"
            opened.setdefault(app, set()).update(each["port"] for each in rule["ports"])
    for owner in of_kind("Deployment", "StatefulSet").values():
        template = owner["spec"]["template"]
        [container] = template["spec"]["containers"]
        offered = {each["containerPort"] for each in container.get("ports", ()) if each["name"] != "health"}
        assert opened.get(template["metadata"]["labels"]["app"], set()) == offered, owner["metadata"]["name"]
    asked = {
        (
            policy["spec"]["podSelector"]["matchLabels"]["app"],
            target["podSelector"]["matchLabels"]["app"],
            port["port"],
        )
        for policy in policies.values()
        for rule in policy["spec"].get("egress", ())
        for target in rule["to"]
        if "podSelector" in target
        for port in rule["ports"]
    }
    let_in = {
        (
            source["podSelector"]["matchLabels"].get("app"),
            policy["spec"]["podSelector"]["matchLabels"]["app"],
            port["port"],
        )
        for policy in policies.values()
        for rule in policy["spec"].get("ingress", ())
        for source in rule["from"]
        for port in rule["ports"]
    }
    assert asked == {each for each in let_in if each[0] is not None}, (
        "what may leave one pod must be let into the other"
    )


def test_volumes_are_declared_and_all_files_belong_to_the_kustomization() -> None:
    claims = of_kind("PersistentVolumeClaim")
    for name, pod in pods().items():
        own = of_kind("StatefulSet").get(name, {"spec": {}})["spec"].get("volumeClaimTemplates", ())
        declared = {each["name"] for each in (*pod.get("volumes", ()), *(claim["metadata"] for claim in own))}
        assert {each["name"] for each in pod["containers"][0]["volumeMounts"]} == declared, name
        for volume in pod.get("volumes", ()):
            if "persistentVolumeClaim" in volume:
                assert volume["persistentVolumeClaim"]["claimName"] in claims
    listed = yaml.safe_load((KUBERNETES / "kustomization.yaml").read_text())["resources"]
    assert sorted([*listed, "kustomization.yaml"]) == sorted(file.name for file in KUBERNETES.glob("*.yaml"))


def test_manifests_keep_to_the_schemas_of_kubernetes() -> None:
    validate = pytest.importorskip("kubernetes_validate")
    newest = validate.latest_version()
    for document in documents():
        validate.validate(document, newest, strict=True)
    wrong = copy.deepcopy(of_kind("Deployment")["serve"])
    wrong["spec"]["template"]["spec"]["containers"][0]["imagePullPolcy"] = "Always"
    with pytest.raises(validate.ValidationError):
        validate.validate(wrong, newest, strict=True)
