"""docs/api.md and docs/cli.md say what docstrings and help say now."""

import importlib.util
from collections.abc import Callable
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
_SPEC = importlib.util.spec_from_file_location("generate", DOCS / "generate.py")
assert _SPEC is not None
assert _SPEC.loader is not None
generate = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(generate)


@pytest.mark.parametrize(("page", "written"), [("api.md", generate.api), ("cli.md", generate.cli)])
def test_the_page_is_up_to_date(page: str, written: Callable[[], str]) -> None:
    assert (DOCS / page).read_text() == written(), f"docs/{page} is stale; write it again with: make docs"
