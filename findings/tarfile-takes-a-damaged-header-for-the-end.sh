#!/usr/bin/env bash
# Shards of training data and night archives are often tars. Where one header in the middle is damaged, Python's
# tarfile raises nothing: iteration ends there as at the end of the archive, and all members behind it are missing
# without a word, while GNU tar reports the damage and reads on. Only a damaged first header raises ReadError.
# Seen 2026-11-30 with Python 3.11.7 and GNU tar 1.35 on a tar of three members. Exits 1 if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
for name in a b c; do head -c 700 /dev/zero | tr '\0' "$name" > "$name.jpg"; done
tar --format=ustar -cf whole.tar a.jpg b.jpg c.jpg
cp whole.tar damaged.tar
# the header of b.jpg is behind a.jpg: one block of header, two of content
head -c 100 /dev/zero | tr '\0' '?' | dd of=damaged.tar bs=1 seek=$((3 * 512)) conv=notrunc status=none
python3 - <<'PY' > python.txt
import tarfile

with tarfile.open("damaged.tar") as archive:
    print(*(member.name for member in archive))
PY
tar -tf damaged.tar > gnu.txt 2> gnu-errors.txt && gnu=0 || gnu=$?
echo "tarfile lists, without an error: $(cat python.txt)"
echo "GNU tar lists: $(tr '\n' ' ' < gnu.txt)and says: $(head -1 gnu-errors.txt) (exit code $gnu)"
[ "$(cat python.txt)" = "a.jpg" ] && grep -q c.jpg gnu.txt && [ "$gnu" -ne 0 ]
