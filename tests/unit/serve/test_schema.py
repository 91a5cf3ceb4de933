"""Requests made up from the OpenAPI document: whatever is sent, the answer keeps to what is documented, and
is never a 500.
"""

from collections.abc import Iterator

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.specs.openapi.checks import positive_data_acceptance

from par_core.access import Access, Role
from par_core.serve.settings import ServeSettings
from tests.serving import client_of, small_store

OPERATIONS = [
    ("GET", "/api/search"),
    ("GET", "/api/people/{person_id}"),
    ("GET", "/api/people/{person_id}/crop"),
    ("GET", "/api/people/{person_id}/outline"),
    ("GET", "/api/image/{image_id}"),
    ("GET", "/api/image/{image_id}/people"),
    ("GET", "/api/suggest"),
    ("GET", "/api/facets"),
    ("GET", "/api/groups"),
    ("GET", "/api/searches"),
    ("POST", "/api/searches"),
    ("GET", "/api/searches/{name}"),
    ("DELETE", "/api/searches/{name}"),
    ("GET", "/api/tags"),
    ("POST", "/api/tags"),
    ("GET", "/api/people/{person_id}/tags"),
    ("GET", "/api/compare"),
    ("POST", "/api/forget"),
    ("GET", "/api/forget/{name}"),
    ("GET", "/api/status"),
    ("GET", "/api/audit"),
    ("POST", "/api/picture"),
]


@pytest.fixture(scope="module")
def schema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[schemathesis.BaseSchema]:
    store = small_store(tmp_path_factory.mktemp("schema"))
    token = Access.open(store).tokens.add("made-up", Role.ADMIN)
    with client_of(store, ServeSettings(requests_per_minute=1_000_000)) as client:
        client.app.state.shown = {"Authorization": f"Bearer {token}", "Host": "localhost"}
        yield schemathesis.openapi.from_asgi("/api/openapi.json", client.app, headers={"Host": "localhost"})


def test_no_operation_is_left_out(schema: schemathesis.BaseSchema) -> None:
    described = [operation.ok() for operation in schema.get_all_operations()]
    assert {(operation.method.upper(), operation.path) for operation in described} == set(OPERATIONS)


@pytest.mark.parametrize("valid", [True, False], ids=["valid", "invalid"])
@pytest.mark.parametrize(("method", "path"), OPERATIONS)
def test_every_answer_is_as_documented(
    schema: schemathesis.BaseSchema, method: str, path: str, valid: bool
) -> None:
    # a status takes nothing
    mode = (
        schemathesis.GenerationMode.POSITIVE
        if valid or path == "/api/status"
        else schemathesis.GenerationMode.NEGATIVE
    )

    @settings(max_examples=15, suppress_health_check=list(HealthCheck))
    @given(schema[path][method].as_strategy(generation_mode=mode))
    def ask(case: schemathesis.Case) -> None:
        # not every text is a question
        case.call_and_validate(headers=schema.app.state.shown, excluded_checks=[positive_data_acceptance])

    ask()
