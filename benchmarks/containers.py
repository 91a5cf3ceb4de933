"""What it costs to read a member of an archive, as the archive grows; on a disk and on a real S3 API.

    PYTHONPATH=. .venv/bin/python benchmarks/containers.py > benchmarks/results/containers.json

Each archive is read whole, in shards of 256 members, each by a call of its own, as workers read it. The
processor's time is that of this process: the S3 API (moto) and the line that counts bytes run in another.
"""

import io
import json
import logging
import multiprocessing
import os
import random
import sys
import tarfile
import tempfile
import time
import zipfile
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import boto3
import fsspec
from moto.server import ThreadedMotoServer

from benchmarks.machine import provenance
from benchmarks.wire import wire_to
from par_core.archive import list_source, read_entries, read_order
from par_core.config import ArchiveConfig

SEED: Final = 0
KINDS: Final = (".tar.gz", ".tar", ".zip")
MEMBERS: Final = (1_000, 5_000, 20_000)
SIZE: Final = 4_000  # bytes of a member
SHARD: Final = 256


def serve(channel: Connection) -> None:
    """Run an S3 API and a line to it; answer each message with what has passed since the last."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    with wire_to(server.get_host_and_port()) as wire:
        channel.send(wire.url)
        while channel.recv():
            channel.send((wire.received, wire.requests))
            wire.reset()
    server.stop()


def write_archive(path: Path, n_members: int) -> None:
    """Members of random bytes, which do not compress, as pictures do not."""
    generator = random.Random(SEED)
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as zipped:
            for number in range(n_members):
                zipped.writestr(f"camera/{number:07}.jpg", generator.randbytes(SIZE))
        return
    with tarfile.open(path, "w:gz" if path.suffix == ".gz" else "w") as tar:
        for number in range(n_members):
            member = tarfile.TarInfo(f"camera/{number:07}.jpg")
            member.size, member.mtime = SIZE, number + 1
            tar.addfile(member, io.BytesIO(generator.randbytes(SIZE)))


def measure(source: str, channel: Connection) -> dict[str, Any]:
    """Cost of listing and of reading, a member."""
    limits = ArchiveConfig()
    passed(channel)
    start = time.process_time()
    entries = read_order(list_source(source).entries)
    listing, (listed_bytes, _) = time.process_time() - start, passed(channel)
    start = time.process_time()
    n_bytes = 0
    for first in range(0, len(entries), SHARD):
        for _, content in read_entries(entries[first : first + SHARD], limits):
            assert isinstance(content, bytes)
            n_bytes += len(content)
    reading, (read_bytes, requests) = time.process_time() - start, passed(channel)
    assert n_bytes == len(entries) * SIZE
    figures = {
        "list_cpu_ms_per_member": round(listing / len(entries) * 1e3, 4),
        "read_cpu_ms_per_member": round(reading / len(entries) * 1e3, 4),
    }
    if "://" in source:
        figures |= {
            "list_transferred_bytes_per_member": round(listed_bytes / len(entries), 1),
            "read_transferred_bytes_per_member": round(read_bytes / len(entries), 1),
            "read_requests": requests,
        }
    return figures


def passed(channel: Connection) -> tuple[int, int]:
    """Bytes and requests since the last call."""
    channel.send(True)
    received: tuple[int, int] = channel.recv()
    return received


def main() -> None:
    context = multiprocessing.get_context("spawn")
    channel, far_end = context.Pipe()
    server = context.Process(target=serve, args=(far_end,), daemon=True)
    server.start()
    url = channel.recv()
    os.environ |= {"FSSPEC_S3_ENDPOINT_URL": url, "FSSPEC_S3_KEY": "test", "FSSPEC_S3_SECRET": "test"}
    fsspec.config.set_conf_env(fsspec.config.conf)
    keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": "us-east-1"}
    client = boto3.client("s3", endpoint_url=url, **keys)
    client.create_bucket(Bucket="archive")
    fsspec.filesystem("s3").ls("archive")  # so that the first archive does not pay for the client
    results: dict[str, Any] = {}
    about = provenance(SEED)
    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            for n_members in MEMBERS:
                path = Path(folder) / f"{n_members}{kind}"
                write_archive(path, n_members)
                client.upload_file(str(path), "archive", path.name)
                for place, source in (("disk", str(path)), ("s3", f"s3://archive/{path.name}")):
                    figures = measure(source, channel)
                    results.setdefault(f"{kind} on {place}", {})[str(n_members)] = figures
                    print(kind, place, n_members, figures, file=sys.stderr, flush=True)
                client.delete_object(Bucket="archive", Key=path.name)
                path.unlink()
    channel.send(False)
    server.join(timeout=10)
    print(json.dumps({**about, "bytes_per_member": SIZE, "shard": SHARD, "results": results}, indent=1))


if __name__ == "__main__":
    main()
