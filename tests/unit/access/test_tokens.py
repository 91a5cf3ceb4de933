import hmac
import json
import os
import stat
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from flows.cli.main import app
from par_core.access import Access, Role, TokenFile
from par_core.errors import BadConfigError, StoreError
from par_core.store.layout import Store


@pytest.fixture
def tokens(tmp_path: Path) -> TokenFile:
    return Access.open(Store.create(tmp_path / "store").root).tokens


def par(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def end(tokens: TokenFile, name: str, moment: datetime) -> None:
    """Set the time at which a token expires."""
    content = json.loads(tokens.path.read_text())
    for entry in content["tokens"]:
        entry["expires_at"] = moment.isoformat() if entry["name"] == name else entry["expires_at"]
    tokens.path.write_text(json.dumps(content))


def test_a_token_is_random_shown_once_and_kept_as_a_digest_that_only_the_owner_reads(
    tokens: TokenFile,
) -> None:
    first, second = tokens.add("anna", Role.SEARCH), tokens.add("ben", Role.ADMIN, expires_in_days=2)
    assert first != second
    assert len(first.removeprefix("par_")) == 43  # 256 bits in base64
    kept = tokens.path.read_text()
    assert first not in kept
    assert first.removeprefix("par_") not in kept
    assert stat.S_IMODE(tokens.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(tokens.path.parent.stat().st_mode) == 0o700
    entry = tokens.find(second)
    assert entry is not None
    assert (entry.name, entry.role) == ("ben", Role.ADMIN)


@pytest.mark.parametrize("wrong", ["", "par_", "x", "par_" + "A" * 43, "\udcff", "ä" * 43])
def test_an_unknown_token_has_no_caller(tokens: TokenFile, wrong: str) -> None:
    tokens.add("anna", Role.SEARCH)
    assert Access(tokens.path.parents[1]).caller_of(wrong) is None


def test_every_token_is_compared_in_constant_time_whichever_is_shown(
    tokens: TokenFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets = [tokens.add(f"t{i}", Role.SEARCH) for i in range(5)]
    compared = []

    def counted(a: str, b: str) -> bool:
        compared.append((a, b))
        return hmac.compare_digest(a, b)

    class Counting:
        compare_digest = staticmethod(counted)

    monkeypatch.setattr("par_core.access.tokens.hmac", Counting)
    for secret in (secrets[0], secrets[-1], "par_wrong"):
        compared.clear()
        tokens.find(secret)
        assert len(compared) == 5
        assert {len(a) for pair in compared for a in pair} == {64}


def test_expired_and_revoked_tokens_are_refused_and_a_running_server_sees_it_at_once(
    tokens: TokenFile,
) -> None:
    server = Access(tokens.path.parents[1])
    anna, ben = tokens.add("anna", Role.REVIEWER, expires_in_days=1), tokens.add("ben", Role.SEARCH)
    assert server.caller_of(anna) is not None
    end(tokens, "anna", datetime.now(UTC) + timedelta(seconds=60))
    assert server.caller_of(anna) is not None
    end(tokens, "anna", datetime.now(UTC) - timedelta(seconds=1))
    assert server.caller_of(anna) is None
    assert server.caller_of(ben) is not None
    tokens.revoke("ben")
    assert server.caller_of(ben) is None


def test_revoking_the_last_token_lets_no_caller_in(tokens: TokenFile) -> None:
    access = Access(tokens.path.parents[1])
    assert not access.has_tokens()
    tokens.add("anna", Role.SEARCH)
    tokens.revoke("anna")
    assert access.has_tokens()
    assert access.tokens.all() == ()


def test_a_broken_link_counts_as_a_file_of_tokens(tokens: TokenFile) -> None:
    tokens.path.parent.mkdir(exist_ok=True)
    tokens.path.symlink_to(tokens.path.parent / "elsewhere" / "tokens.json")
    assert tokens.exists()


def test_a_damaged_file_or_one_that_others_may_write_lets_no_caller_in(tokens: TokenFile) -> None:
    secret = tokens.add("anna", Role.SEARCH)
    tokens.path.chmod(0o620)
    with pytest.raises(StoreError, match="chmod 600"):
        tokens.find(secret)
    tokens.path.chmod(0o600)
    for content in (
        "{}",
        "no json",
        '{"tokens": [{"name": "x"}]}',
        '{"tokens": [{"name":"x","role":"king","created_at":"","expires_at":null,"sha256":""}]}',
    ):
        tokens.path.write_text(content)
        with pytest.raises(StoreError, match="nobody is let in"):
            tokens.find(secret)


def test_files_that_the_system_refuses_are_one_clear_line(tokens: TokenFile) -> None:
    tokens.path.parent.write_text("a file where the folder should be")
    for refused in (
        tokens.all,
        lambda: tokens.find("par_x"),
        lambda: tokens.add("anna", Role.SEARCH),
        lambda: tokens.revoke("anna"),
    ):
        with pytest.raises(StoreError, match="out of reach"):
            refused()


def test_tokens_added_by_many_at_once_are_all_kept(tokens: TokenFile) -> None:
    threads = [
        threading.Thread(target=TokenFile(tokens.path).add, args=(f"t{i}", Role.SEARCH)) for i in range(12)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(tokens.all()) == 12
    assert not [name for name in os.listdir(tokens.path.parent) if name.endswith(".partial")]


@pytest.mark.parametrize("name", ["", " ", "a b", "a\nb", "../x", "-x", "x" * 65, "ä"])
def test_names_that_could_confuse_a_log_are_refused(tokens: TokenFile, name: str) -> None:
    with pytest.raises(BadConfigError, match="no name for a token"):
        tokens.add(name, Role.SEARCH)


def test_each_role_may_what_the_one_before_it_may_and_more(tokens: TokenFile) -> None:
    access = Access(tokens.path.parents[1])
    allowed = {}
    for role in Role:
        caller = access.caller_of(tokens.add(role.value, role))
        assert caller is not None
        allowed[role.value] = [needed.value for needed in Role if caller.may(needed.value)]
    assert allowed == {
        "metrics": ["metrics"],
        "search": ["metrics", "search"],
        "reviewer": ["metrics", "search", "reviewer"],
        "admin": ["metrics", "search", "reviewer", "admin"],
    }
    with pytest.raises(BadConfigError, match="there are: metrics, search, reviewer, admin"):
        caller.may("root")


def test_the_commands_add_list_and_revoke(tokens: TokenFile) -> None:
    store = tokens.path.parents[1]
    made = par("tokens", "add", "anna", "--role", "reviewer", "--store", store, "--expires-days", 3)
    assert made.exit_code == 0, made.output
    secret = made.stdout.strip()
    assert tokens.find(secret) is not None
    listed = par("tokens", "list", "--store", store)
    assert "anna\treviewer\tmade " in listed.stdout
    assert secret not in listed.stdout
    (entry,) = json.loads(par("tokens", "list", "--store", store, "--json").stdout)
    assert entry["name"] == "anna"
    assert "sha256" not in entry
    with pytest.raises(BadConfigError, match="revoke it first"):
        CliRunner().invoke(app, ["tokens", "add", "anna", "--store", str(store)], catch_exceptions=False)
    assert par("tokens", "revoke", "anna", "--store", store).exit_code == 0
    assert tokens.find(secret) is None
    log = par("audit-log", "--store", store)
    assert [line.split("\t")[4] for line in log.stdout.splitlines()] == ["add_token", "revoke_token"]
    assert secret not in log.stdout


@pytest.mark.parametrize("command", [["tokens", "list"], ["audit-log"], ["tokens", "add", "x"]])
def test_without_a_store_nothing_is_made(tmp_path: Path, command: list[str]) -> None:
    with pytest.raises(BadConfigError, match="no store at"):
        CliRunner().invoke(app, [*command, "--store", str(tmp_path / "none")], catch_exceptions=False)
    assert not (tmp_path / "none").exists()
