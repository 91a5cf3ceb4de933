#!/usr/bin/env bash
# Nightly archives are often made by "tar --listed-incremental" (-g). GNU tar writes times of access and change into
# their headers where POSIX has the beginning of a long name. Python's tarfile joins these digits to each name as a
# folder, so that no name is that of the archive, other every night, and hard links lead to nothing.
# Seen 2026-11-30 with Python 3.11.7 and GNU tar 1.34. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
mkdir night
echo picture > night/a.jpg
ln night/a.jpg night/b.jpg
tar -g state -cf night.tar night
python3 - <<'PY' > python.txt
import tarfile

with tarfile.open("night.tar") as archive:
    for member in archive:
        if member.islnk():
            try:
                archive.extractfile(member)
            except KeyError as error:
                print("hard link:", error)
        elif member.isreg():
            print(member.name)
PY
echo "GNU tar lists: $(tar -tf night.tar | tr '\n' ' ')"
echo "tarfile lists: $(tr '\n' ' ' < python.txt)"
grep -qE '^[0-9]{11}/night/[ab]\.jpg$' python.txt && grep -q 'hard link' python.txt
