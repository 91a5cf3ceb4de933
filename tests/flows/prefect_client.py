"""Prefect's REST API, asked directly, so that tests see what operators see."""

import json
import urllib.request
from typing import Any


class PrefectClient:
    """Asks the server of an environment."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._url = environment["PREFECT_API_URL"]

    def post(self, path: str, **body: Any) -> Any:
        request = urllib.request.Request(
            f"{self._url}/{path}", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read() or b"null")

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(f"{self._url}/{path}", timeout=30) as answer:
            return json.loads(answer.read())

    def deployments(self) -> list[dict[str, Any]]:
        return self.post("deployments/filter")

    def flow_runs(self, flow: str, **states: Any) -> list[dict[str, Any]]:
        return self.post(
            "flow_runs/filter", flows={"name": {"any_": [flow]}}, sort="START_TIME_DESC", **states
        )

    def runs_of(self, deployment: str, *types: str) -> list[dict[str, Any]]:
        chosen = {"state": {"type": {"any_": list(types)}}} if types else {}
        return self.post(
            "flow_runs/filter",
            deployments={"id": {"any_": [deployment]}},
            flow_runs=chosen,
            sort="START_TIME_DESC",
        )

    def log(self, flow_run: str) -> list[str]:
        return [
            each["message"]
            for each in self.post(
                "logs/filter", logs={"flow_run_id": {"any_": [flow_run]}}, sort="TIMESTAMP_ASC"
            )
        ]

    def artifacts(self, flow_run: str) -> list[dict[str, Any]]:
        return self.post("artifacts/filter", artifacts={"flow_run_id": {"any_": [flow_run]}})
