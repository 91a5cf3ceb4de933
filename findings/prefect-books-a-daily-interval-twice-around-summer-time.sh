#!/usr/bin/env bash
# Prefect's scheduler books the next runs of a schedule again and again, each time from the present moment. For a daily interval in a zone with summer
# time the answer depends on that moment: asked before a change, the runs of the days after it are an hour away from those that are booked when it is
# asked on these days, and what was booked stays, so that nights start twice. A cron line has one answer, but one of 02:30 is started at 01:30 on the day in spring
# on which 02:30 does not exist, while a cron daemon starts it after the gap.
# Seen 2026-11-30 with Prefect 3.8.8, Python 3.11: 2 runs on 2027-11-01 (22:00 and 23:00), and 01:30 on 2027-03-28. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet prefect==3.8.8 fastapi==0.150.0 sqlalchemy==2.0.58
cat > "$work/ask.py" <<'PY'
import asyncio
import sys
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from prefect.server.schemas.schedules import CronSchedule, IntervalSchedule

ZONE = ZoneInfo("Europe/Berlin")


def booked(schedule, day):
    """Every time of a day that the scheduler books when it is asked on the two days before it and on that day."""
    asked = (day + timedelta(hours=hours) for hours in range(-48, 18, 6))
    found = (moment for start in asked for moment in asyncio.run(schedule.get_dates(3, start=start)))
    return sorted({f"{moment.astimezone(ZONE):%H:%M}" for moment in found if moment.astimezone(ZONE).date() == day.date()})


anchor = datetime(2027, 1, 1, 22, tzinfo=ZONE)
interval = IntervalSchedule(interval=timedelta(days=1), anchor_date=anchor, timezone="Europe/Berlin")
cron = CronSchedule(cron="30 2 * * *", timezone="Europe/Berlin")
twice = booked(interval, datetime(2027, 11, 1, tzinfo=ZONE))
usual = booked(interval, datetime(2027, 10, 20, tzinfo=ZONE))
spring = booked(cron, datetime(2027, 3, 28, tzinfo=ZONE))
print(f"daily interval from 22:00: {usual} on a usual day, {twice} on 2027-11-01; cron 30 2 on 2027-03-28: {spring}")
sys.exit(not (len(usual) == 1 and len(twice) == 2 and spring == ["01:30"]))
PY
PREFECT_HOME="$work/home" DO_NOT_TRACK=1 "$work/venv/bin/python" "$work/ask.py"
