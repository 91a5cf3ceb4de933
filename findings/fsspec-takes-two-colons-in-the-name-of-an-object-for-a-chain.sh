#!/usr/bin/env bash
# The name of an object on S3 may hold "::", as in exports of camera systems ("0::cam.jpg"). fsspec takes it for a
# chain of file systems, in which the part behind the colons is read through the part before: the file system that
# url_to_fs returns for such an object has options of a chain and ends each request in a TypeError of the S3 client.
# Code that opens a file system from the first of many objects so loses all of them. fsspec.filesystem("s3"), given the path alone, reads the name as it is.
# Seen 2026-11-30 with fsspec 2026.9.0 and s3fs 2026.9.0, Python 3.11; nothing is connected to. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet fsspec==2026.9.0 s3fs==2026.9.0
cat > "$work/ask.py" <<'PY'
import sys

import fsspec

url = "s3://bucket/night/0::cam.jpg"
files, path = fsspec.core.url_to_fs(url)
print("url_to_fs: path", repr(path), "and options", files.storage_options)
try:
    files.info(path)
    outcome = "no error"
except TypeError as error:
    outcome = f"TypeError: {error}"
print("asked for the object:", outcome)
plain = fsspec.get_filesystem_class("s3")._strip_protocol(url)
print("the path by the file system itself:", repr(plain))
sys.exit(not ("target_options" in outcome and plain == "bucket/night/0::cam.jpg"))
PY
"$work/venv/bin/python" "$work/ask.py"
