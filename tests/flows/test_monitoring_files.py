"""The dashboard and the alert rules ask for metrics and labels that PAR has."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from flows.index import run_index
from par_core.config import load_config
from tests.pictures import archive
from tests.serving import client_of

MONITORING = Path(__file__).parents[2] / "deployments" / "monitoring"
RUNBOOK = Path(__file__).parents[2] / "docs" / "operations.md"
#: Labels that Prometheus adds, and the name of a metric.
OF_PROMETHEUS = {"job", "instance", "__name__"}


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """The labels of each metric that a run and a server export, by its name."""
    folder = tmp_path_factory.mktemp("exported")
    photos = archive(folder / "photos", [("red",), ("green", "blue"), ()])
    (photos / "letter.png").write_bytes(b"no picture")
    file = folder / "par.prom"
    under_way: list[str] = []
    config = load_config(
        profile="fake", metrics={"file": file, "every_s": 0.01}, machine={"runner": "threads", "workers": 1}
    )
    with pytest.MonkeyPatch.context() as patch:
        from flows.shard_job import ShardJob

        done = ShardJob.done

        def looked(job: ShardJob, part: Any) -> None:
            for _ in range(1_000):
                text = file.read_text()
                if "par_run_workers{" in text:
                    under_way.append(text)
                    break
            done(job, part)

        patch.setattr(ShardJob, "done", looked)
        run_index([str(photos)], folder / "s", config, quiet=True)
    with client_of(folder / "s") as client:
        client.post("/reviews", data={"text": "red"})
        client.post("/reviews/red/answers", data={"judged": "rest"})
        texts = [under_way[0], file.read_text(), client.get("/metrics").text]
    labels: dict[str, set[str]] = {}
    for text in texts:
        for family in text_string_to_metric_families(text):
            for sample in family.samples:
                labels.setdefault(sample.name, set()).update(sample.labels)
    return labels


def expressions() -> Iterator[tuple[str, str]]:
    """Every expression of the dashboard and of the rules, with its place."""
    dashboard = json.loads((MONITORING / "par-dashboard.json").read_text())
    for panel in dashboard["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]
    for variable in dashboard["templating"]["list"]:
        if variable["type"] == "query":
            name, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["definition"]).groups()
            yield variable["name"], f"sum by ({label}) ({name})"
    for annotation in dashboard["annotations"]["list"]:
        yield annotation["name"], annotation["expr"]
    for rule in rules():
        yield rule["alert"], rule["expr"]


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((MONITORING / "alerts.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def wrong_names(expression: str, exported: dict[str, set[str]]) -> list[str]:
    names = re.findall(r"\b(?:par|process)_[a-z_]+\b", re.sub(r'"[^"]*"', '""', expression))
    wrong = [name for name in names if name not in exported]
    for name, matchers in re.findall(r"\b((?:par|process)_[a-z_]+)\{([^}]*)\}", expression):
        used = set(re.findall(r"(\w+)\s*(?:=~|!~|!=|=)", matchers))
        wrong += [f"{name}{{{label}}}" for label in used - exported.get(name, set()) - OF_PROMETHEUS]
    known = set().union(*(exported.get(name, set()) for name in names), OF_PROMETHEUS)
    grouped = re.findall(r"\b(?:by|without|ignoring|on)\s*\(([^)]*)\)", expression)
    wrong += [label for labels in grouped for label in re.findall(r"\w+", labels) if label not in known]
    return wrong


def test_each_metric_and_label_that_is_asked_for_is_exported(exported: dict[str, set[str]]) -> None:
    asked = list(expressions())
    assert len(asked) > 40
    for place, expression in asked:
        assert wrong_names(expression, exported) == [], f"{place}: {expression}"


def test_each_expression_is_promql() -> None:
    promql = pytest.importorskip("promql_parser")
    for _, expression in expressions():
        promql.parse(expression.replace("$__rate_interval", "1m"))
    with pytest.raises(ValueError, match="expected type matrix"):
        promql.parse("rate(par_http_requests_total)")


def test_the_check_finds_what_is_wrong(exported: dict[str, set[str]]) -> None:
    assert wrong_names("par_no_such_total > 0", exported) == ["par_no_such_total"]
    assert wrong_names('par_store_files{kind="x"}', exported) == ["par_store_files{kind}"]
    assert wrong_names("sum by (path) (par_http_requests_total)", exported) == ["path"]


def test_each_metric_of_par_has_a_place_in_the_documents(exported: dict[str, set[str]]) -> None:
    said = RUNBOOK.read_text() + (RUNBOOK.parent / "serving.md").read_text()
    names = {name for name in exported if name.startswith("par_")}
    families = {re.sub(r"_(bucket|count|sum)$|_created$", "", name) for name in names}
    assert [name for name in sorted(families) if name not in said and f"{name}_total" not in said] == []


def test_each_alarm_is_explained_in_the_run_book() -> None:
    said = RUNBOOK.read_text()
    assert [rule["alert"] for rule in rules() if f"`{rule['alert']}`" not in said] == []


@pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool of Debian's package prometheus")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "alerts.yml"),
        ("test", "rules", "alerts.test.yml"),
    ],
)
def test_promtool_accepts_the_files_and_each_alarm_rings_when_it_should(arguments: tuple[str, ...]) -> None:
    done = subprocess.run(["promtool", *arguments], cwd=MONITORING, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
