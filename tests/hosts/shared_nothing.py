"""A night on hosts that share no folder: archive and store on S3, each host with a home, a cache and a
temporary folder of its own, in which it cannot see those of the others.
"""

import json
import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.network_hosts import answers
from par_core.atomic import write_atomic
from par_core.errors import ParError
from par_core.object_store.places import close_copies
from par_core.stages.check import verify_store
from par_core.stages.status import store_status
from par_core.store.layout import Store
from tests.hosts.conftest import BIN, GROUPS, PEOPLE, TABLE, Night
from tests.indexing import content
from tests.object_stores import BUCKET, client_of, make_bucket

ARCHIVE = f"s3://{BUCKET}/archive"
STORE = f"s3://{BUCKET}/store"
HIDDEN = 'for folder in $PAR_TEST_HIDDEN; do mount -t tmpfs none "$folder" || exit 9; done; exec "$@"'
OF_A_HOST = (
    *("HOME", "XDG_CACHE_HOME", "TMPDIR", "AWS_ENDPOINT_URL", "FSSPEC_S3_ENDPOINT_URL"),
    *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"),
)
PROXY = str(Path(__file__).parents[2] / "benchmarks" / "faulty_proxy.py")
OTHERS = ("driver", "one", "two", "scheduler", "server")


@dataclass
class SharedNothing(Night):
    """A night as above. Everything that is not on S3 is in the folder of one host."""

    @property
    def server_url(self) -> str:
        return f"http://{self.hosts.address('server')}:5000"

    def home(self, host: str) -> Path:
        folder = self.hosts.folder / f"home-{host}"
        (folder / "tmp").mkdir(parents=True, exist_ok=True)
        return folder

    def own(self, host: str) -> dict[str, Any]:
        """Environment and working folder of what runs on a host."""
        home = self.home(host)
        environment = {
            **self.hosts.environment,
            "HOME": str(home),
            "XDG_CACHE_HOME": str(home / "cache"),
            "TMPDIR": str(home / "tmp"),
            "AWS_ENDPOINT_URL": self.server_url,
            "FSSPEC_S3_ENDPOINT_URL": self.server_url,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
            "PAR_TEST_HIDDEN": " ".join(str(self.home(other)) for other in OTHERS if other != host),
        }
        return {"env": environment, "cwd": home}

    def start(self, host: str, command: list[str], **more: Any) -> "subprocess.Popen[str]":
        return self.hosts.start(host, ["sh", "-c", HIDDEN, "own", *command], **self.own(host), **more)

    def cluster(self) -> None:
        self.start("server", [str(BIN / "moto_server"), "-H", "127.0.0.1", "-p", "5001"])
        self.until(lambda: self.hosts.inside("server", lambda: answers("http://127.0.0.1:5001")), 60)
        ends = ("--listen", "0.0.0.0:5000", "--target", "127.0.0.1:5001", "--orders", str(self._orders))
        self.start("server", [sys.executable, "-P", PROXY, *ends])
        self.until(lambda: self.hosts.inside("driver", lambda: answers(self.server_url)), 60)
        self.hosts.inside("driver", self._fill)
        self.hosts.environment.pop("PREFECT_API_URL", None)
        super().cluster()

    def _fill(self) -> None:
        make_bucket(self.server_url)
        client = client_of(self.server_url)
        for path in sorted(self.photos.iterdir()):
            client.put_object(Bucket=BUCKET, Key=f"archive/{path.name}", Body=path.read_bytes())
            path.unlink()

    @property
    def _orders(self) -> Path:
        return self.home("server") / "orders.json"

    def trouble(self, **orders: float) -> None:
        """Let the proxy before the object store make trouble (``benchmarks/faulty_proxy.py``) from now on."""
        write_atomic(self._orders, json.dumps(orders).encode())

    @property
    def places(self) -> tuple[str, str]:
        return ARCHIVE, STORE

    def check_and_finish(self, fault: str, took: str, code: int) -> None:
        self.trouble()
        described, searchable = self.described(), self.searchable()
        assert "Traceback" not in self.said, self.said
        again = self.run([*self.command[:-2], "--runner", "threads"])
        said = again.communicate(timeout=300)[1]
        assert again.returncode == 0, said
        problems, people, counted, left = self.hosts.inside("server", self._held)
        TABLE.append(
            (
                f"nothing shared, S3: {fault}",
                took,
                str(code),
                f"{described} of {len(GROUPS)} images",
                str(searchable),
                f"{people} of {PEOPLE} people, {len(problems)} problems, {len(left)} objects too many",
            )
        )
        assert problems == ()
        assert people == PEOPLE, "a person is missing, or counts twice"
        assert counted.holds
        assert (counted.pending, counted.failed) == (0, 0)
        assert left == set()
        for host in ("one", "two"):
            assert not (self.home(host) / "cache" / "par").exists(), "a worker has a copy of the store"

    def _held(self) -> tuple[Any, ...]:
        store = self._reader()
        assert store.copy is not None
        named = {part.key for parts in store.copy.state.files().values() for part in parts}
        kept = {item.key for item in store.copy.objects.listed("")}
        left = {key for key in kept - named if not key.startswith(("head", "catalogue/"))}
        problems = verify_store(store, thorough=True).problems
        return problems, len(content(Path(STORE))), store_status(store).accounting, left

    def _reader(self) -> Store:
        """The store as a host sees it that reads; call it with the network of a host."""
        os.environ.update({name: self.own("server")["env"][name] for name in OF_A_HOST})
        Store(Path(STORE)).refresh()  # there may have been no store when it was opened
        store = Store.open(Path(STORE))
        close_copies()
        return store

    def described(self) -> int:
        """Images whose people are described, by the manifests on the object store."""
        return self.hosts.inside("server", self._described)

    def _described(self) -> int:
        client = client_of(self.server_url)
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix="store/files/")
        keys = [item["Key"] for page in pages for item in page.get("Contents", [])]
        found = {stage: self._manifests(keys, stage) for stage in ("segment", "describe")}
        total = 0
        for shard in found["describe"].keys() & found["segment"].keys():
            read = client.get_object(Bucket=BUCKET, Key=found["segment"][shard])["Body"].read()
            total += json.loads(read)["info"]["entries"]
        return total

    @staticmethod
    def _manifests(keys: list[str], stage: str) -> dict[str, str]:
        named = re.compile(rf"store/files/{stage}/[^/]+/([^/]+)/manifest.json@")
        return {match[1]: key for key in keys if (match := named.match(key))}

    def searchable(self) -> int:
        def people() -> int:
            store = self._reader()
            return len(content(Path(STORE))) if store.index_path.exists() else 0

        try:
            return int(self.hosts.inside("server", people))
        except (ParError, OSError) as error:  # before the first commit there is no store to read
            print(f"no store yet: {error}", file=sys.stderr)
            return 0
