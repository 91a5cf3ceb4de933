"""What Prefect accepts and what fails in the night is found before."""

import asyncio
import copy
import zoneinfo
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from flows.cli.main import app
from flows.deployment_check import (
    DEPLOYMENT_KEYS,
    FILE_KEYS,
    SCHEDULE_KEYS,
    check_deployments,
    read_deployments,
)
from flows.schedule_check import changes_of, next_runs, schedule_problems
from par_core.errors import BadConfigError

FILE = Path(__file__).parents[2] / "deployments" / "prefect.yaml"
NOW = datetime(2027, 1, 1, tzinfo=UTC)


def problems(schedule: dict[str, Any]) -> list[str]:
    return list(schedule_problems(schedule, NOW))


def nightly(**changes: Any) -> dict[str, Any]:
    """The shipped file with changes to its first deployment; None takes a key away."""
    content = copy.deepcopy(read_deployments(FILE))
    content["deployments"] = content["deployments"][:1]
    for key, value in changes.items():
        content["deployments"][0].pop(key, None)
        if value is not None:
            content["deployments"][0][key] = value
    return content


def found(content: dict[str, Any]) -> list[str]:
    return [problem for each in check_deployments(content, NOW) for problem in each.problems]


def test_the_shipped_file_is_well_and_its_hours_are_safe_in_every_zone() -> None:
    content = read_deployments(FILE)
    assert found(content) == []
    schedules = [one for each in content["deployments"] for one in each["schedules"]]
    assert len(schedules) == 3
    zones = zoneinfo.available_timezones()
    until = NOW + timedelta(days=400)
    changes = [change for name in zones for change in changes_of(zoneinfo.ZoneInfo(name), NOW, until)]
    assert len(changes) > 100
    for schedule in schedules:
        assert schedule["timezone"]
        hour, minute = int(schedule["cron"].split()[1]), int(schedule["cron"].split()[0])
        assert 4 <= hour <= 20
        for change in changes:
            days = (change.first.date(), change.end.date())
            for at in (datetime(day.year, day.month, day.day, hour, minute) for day in days):
                assert not change.first <= at < change.end, change


@pytest.mark.parametrize(
    ("zone", "cron", "day", "word", "then"),
    [
        ("Europe/Berlin", "30 2 * * *", "2027-03-28", "does not exist", "01:30 CET"),
        ("Europe/Berlin", "30 2 * * *", "2027-10-31", "exists twice", "02:30 CEST"),
        ("Europe/London", "0 1 * * *", "2027-03-28", "does not exist", ""),
        ("America/New_York", "15 1 * * 0", "2027-11-07", "exists twice", ""),
        ("Australia/Lord_Howe", "15 2 * * *", "2027-10-03", "does not exist", ""),
    ],
)
def test_hours_that_are_left_out_or_repeated_are_named_with_what_prefect_does(
    zone: str, cron: str, day: str, word: str, then: str
) -> None:
    said = [line for line in problems({"cron": cron, "timezone": zone}) if day in line]
    assert len(said) == 1
    assert word in said[0]
    assert then in said[0]


@pytest.mark.parametrize(
    "schedule",
    [
        {"cron": "0 4 * * *", "timezone": "Europe/Berlin"},
        {"cron": "0 2 * * *", "timezone": "Etc/UTC"},
        {"cron": "30 2 * * 1-5", "timezone": "Europe/Berlin"},  # changes are on Sundays
        {"cron": "*/15 * * * *", "timezone": "Europe/Berlin"},  # every hour
        {"interval": 86_400, "timezone": "Etc/UTC", "anchor_date": "2027-01-01T22:00:00+00:00"},
        {"rrule": "FREQ=DAILY;BYHOUR=5;BYMINUTE=0", "timezone": "Europe/Berlin"},
    ],
)
def test_schedules_that_are_well(schedule: dict[str, Any]) -> None:
    assert problems(schedule) == []


def test_a_daily_interval_is_booked_twice_around_a_change() -> None:
    anchor = "2027-01-01T22:00:00+01:00"
    schedule = {"interval": 86_400, "timezone": "Europe/Berlin", "anchor_date": anchor}
    said = [line for line in problems(schedule) if "2027-11-01" in line]
    assert len(said) == 1
    assert "starts twice" in said[0]
    # the same from Prefect itself: what it books depends on when it is asked
    from prefect.server.schemas.schedules import IntervalSchedule

    made = IntervalSchedule(
        interval=timedelta(days=1), timezone="Europe/Berlin", anchor_date=datetime.fromisoformat(anchor)
    )
    zone = zoneinfo.ZoneInfo("Europe/Berlin")
    booked = {
        f"{moment.astimezone(zone):%H:%M}"
        for start in (datetime(2027, 10, 30, 12, tzinfo=UTC), datetime(2027, 11, 1, 12, tzinfo=UTC))
        for moment in asyncio.run(made.get_dates(3, start=start))
        if f"{moment.astimezone(zone):%Y-%m-%d}" == "2027-11-01"
    }
    assert booked == {"22:00", "23:00"}


def test_intervals_that_move_and_zones_that_are_not_there() -> None:
    assert "without anchor_date" in problems({"interval": 86_400, "timezone": "Etc/UTC"})[0]
    seven = {"interval": 7 * 3600, "timezone": "Etc/UTC", "anchor_date": "2027-01-01T22:00:00+00:00"}
    assert "other hours each day" in problems(seven)[0]
    assert "states no timezone" in problems({"cron": "0 4 * * *"})[0]
    assert "no timezone 'Europe/Wien'" in problems({"cron": "0 4 * * *", "timezone": "Europe/Wien"})[0]
    assert "refuses" in problems({"cron": "0 25 * * *", "timezone": "Etc/UTC"})[0]
    assert "one of" in problems({"timezone": "Etc/UTC"})[0]


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"paramters": {}}, "no key 'paramters'"),
        ({"entrypoint": "flows.deployed.indx"}, "no flow flows.deployed.indx"),
        ({"parameters": {"store": "/s"}}, "without sources"),
        ({"parameters": {"sources": ["/a"], "store": "/s", "retry": True}}, "no parameter 'retry'"),
        ({"parameters": {"sources": "/a", "store": "/s"}}, "sources: Input should be a valid list"),
        ({"parameters": {"sources": ["/a"], "store": "s"}}, "s is a relative path"),
        (
            {"parameters": {"sources": ["/a"], "store": "/s", "settings": {"machine": {"worker": 2}}}},
            "did you mean machine.workers",
        ),
        (
            {"parameters": {"sources": ["/a"], "store": "/s", "settings": {"metrics": {"file": "p.prom"}}}},
            "p.prom is a relative path",
        ),
        ({"schedules": [{"cron": "0 4 * * *", "time_zone": "Etc/UTC"}]}, "no key of a schedule 'time_zone'"),
        (
            {"schedules": [{"cron": "0 4 * * *", "timezone": "Etc/UTC", "parameters": {"stor": "/t"}}]},
            "no parameter 'stor'",
        ),
    ],
)
def test_what_is_wrong_in_a_deployment_is_named(changes: dict[str, Any], hint: str) -> None:
    said = found(nightly(**changes))
    assert any(hint in problem for problem in said), said


def test_golden_queries_on_this_machine_are_read_and_others_are_a_note(tmp_path: Path) -> None:
    [far] = check_deployments(nightly(), NOW)
    assert far.problems == ()
    assert "not on this machine" in far.notes[0]
    golden = tmp_path / "golden.yaml"
    golden.write_text("queris: []")
    given = {"sources": ["/a"], "store": "/s", "golden": str(golden)}
    assert any(line.startswith("golden: ") for line in found(nightly(parameters=given)))


def test_the_keys_are_those_of_this_version_of_prefect() -> None:
    from prefect.cli.deploy._models import DeploymentConfig, PrefectYamlModel, RawScheduleConfig

    assert DeploymentConfig.model_fields.keys() == DEPLOYMENT_KEYS
    assert RawScheduleConfig.model_fields.keys() == SCHEDULE_KEYS
    names = {field.alias or name for name, field in PrefectYamlModel.model_fields.items()}
    assert names | {"definitions"} == FILE_KEYS


def test_the_command_names_problems_and_next_runs(tmp_path: Path) -> None:
    def check(file: Path, *more: str) -> Any:
        return CliRunner().invoke(app, ["deployments", "check", str(file), *more])

    well = check(FILE)
    assert well.exit_code == 0, well.output
    assert "nightly: next runs: 20" in well.stdout
    assert well.stdout.endswith("5 deployments, 3 schedules: all is well\n")
    file = tmp_path / "prefect.yaml"
    file.write_text(yaml.safe_dump(nightly(schedules=[{"cron": "30 2 * * *", "timezone": "Europe/Berlin"}])))
    wrong = check(file)
    assert wrong.exit_code == 1
    assert "nightly: problem: cron" in wrong.stdout
    assert check(file, "--json").stdout.startswith("[")
    file.write_text("deployments: 3")
    assert isinstance(check(file).exception, BadConfigError)
    assert isinstance(check(tmp_path / "none.yaml").exception, BadConfigError)


def test_next_runs_are_in_the_zone_of_the_schedule() -> None:
    first, second = next_runs({"cron": "0 4 * * *", "timezone": "Europe/Berlin"}, NOW, 2)
    assert (first.hour, first.utcoffset(), second - first) == (4, timedelta(hours=1), timedelta(days=1))


def test_urls_without_their_slashes_are_found() -> None:
    parameters = {"sources": ["s3:people/archive"], "store": "s3:people/store"}
    said = found(nightly(parameters=parameters))
    assert [problem.partition(":")[0] for problem in said] == ["sources", "store"]
    assert all("has no // after the colon: write s3://people/" in problem for problem in said)
    right = {"sources": ["s3://people/archive"], "store": "s3://people/store"}
    assert found(nightly(parameters=right)) == []
