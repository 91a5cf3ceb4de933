"""A PostgreSQL server of its own, as the image of the same name starts one."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.flows.processes import free_port, stop

__all__ = ["Postgres", "postgres_programs"]


def postgres_programs() -> Path | None:
    """Return the folder with PostgreSQL's own programs; Debian keeps them outside PATH."""
    found = shutil.which("initdb")
    if found is not None:
        return Path(found).resolve().parent
    versions = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda each: int(each.parts[-3]))
    return versions[-1].parent if versions else None


class Postgres:
    """A server on 127.0.0.1 that asks everybody for a password. User and database are those of the variables
    that the image takes: ``POSTGRES_USER``, ``POSTGRES_PASSWORD``, ``POSTGRES_DB``.
    """

    def __init__(self, programs: Path, variables: Mapping[str, str]) -> None:
        self.port = free_port()
        self._programs = programs
        self._folder = Path(tempfile.mkdtemp(prefix="par-postgres-"))
        self._environment = {
            "PATH": os.environ["PATH"],
            "PGPASSWORD": variables["POSTGRES_PASSWORD"],
            "LC_ALL": "C",
        }
        # PostgreSQL refuses to run as root
        self._user = "nobody" if os.geteuid() == 0 else None
        if self._user is not None:
            shutil.chown(self._folder, self._user)
        password = self._folder / "password"
        password.write_text(variables["POSTGRES_PASSWORD"])
        password.chmod(0o644)
        user = variables["POSTGRES_USER"]
        data = str(self._folder / "data")
        self._runs(
            "initdb",
            "--pgdata",
            data,
            "--username",
            user,
            "--pwfile",
            str(password),
            "--auth",
            "scram-sha-256",
        )
        settings = (f"unix_socket_directories={self._folder}", "listen_addresses=127.0.0.1", "fsync=off")
        typed = [
            "postgres",
            "-D",
            data,
            "-p",
            str(self.port),
            *(part for each in settings for part in ("-c", each)),
        ]
        with (self._folder / "log").open("wb") as log:
            self._server = subprocess.Popen(
                [str(programs / typed[0]), *typed[1:]],
                env=self._environment,
                cwd=self._folder,
                user=self._user,
                stdout=log,
                stderr=log,
            )
        try:
            self._await(user)
            place = ("--host", "127.0.0.1", "--port", str(self.port), "--username", user)
            self._runs("createdb", *place, variables["POSTGRES_DB"])
        except BaseException:
            self.end()
            raise

    def asks(self, user: str, database: str, query: str) -> str:
        """Return what psql prints for a query, without headings."""
        place = ("--host", "127.0.0.1", "--port", str(self.port), "--username", user, "--dbname", database)
        return self._runs("psql", *place, "--tuples-only", "--no-align", "--command", query).strip()

    def end(self) -> None:
        stop(self._server)
        shutil.rmtree(self._folder)

    def _await(self, user: str) -> None:
        ends = time.monotonic() + 30
        ready = [str(self._programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(self.port), "-U", user]
        while subprocess.run(ready, capture_output=True).returncode:
            if self._server.poll() is not None or time.monotonic() > ends:
                raise RuntimeError(f"PostgreSQL does not start: {(self._folder / 'log').read_text()[-2000:]}")
            time.sleep(0.1)

    def _runs(self, program: str, *arguments: str) -> str:
        done = subprocess.run(
            [str(self._programs / program), *arguments],
            env=self._environment,
            cwd=self._folder,
            user=self._user,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
