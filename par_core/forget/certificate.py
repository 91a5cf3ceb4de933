"""The erasure certificate, ``certificates/<time>-<id>.json``: what was erased and searched, without names.

Ids and names stand in it as SHA-256 with a salt that only this certificate has. A person who knows an id can
check that the certificate is about it:

    sha256(salt as bytes + id as text), first 32 digits, is in ``digests``
"""

import hashlib
import json
import secrets
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from par_core.atomic import write_atomic
from par_core.forget.journal import Journal
from par_core.forget.proof import Proof
from par_core.store.layout import Store
from par_core.version import __version__

__all__ = ["digest_in_certificate", "write_certificate"]

_BEYOND: Final = (
    "Out of PAR's reach: backups, snapshots of file systems, copies of the store, exports, saved contact"
    " sheets, free blocks of the disk, the archive itself, and what running servers hold in memory until they"
    " are restarted."
)


def digest_in_certificate(salt: str, name: str) -> str:
    """Return the digest that stands for an id or a name in a certificate.

    Args:
        salt: Salt of the certificate, hexadecimal.
        name: An id, or the uri of a file.
    """
    return hashlib.sha256(bytes.fromhex(salt) + name.encode("utf-8", "surrogateescape")).hexdigest()[:32]


def write_certificate(store: Store, journal: Journal, after: Mapping[str, int], proof: Proof) -> Path:
    """Write the certificate of an erasure; one of the same journal is replaced."""
    subject, salt = journal.subject, secrets.token_hex(16)
    names = {
        *subject.request.values,
        *subject.traces.ids,
        *subject.uris,
        *subject.traces.uris,
        *subject.traces.uris_by_value,
    }
    content: dict[str, Any] = {
        "certificate": journal.certificate_id,
        "created_by": f"par {__version__}",
        "begun_at": journal.begun_at,
        "done_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": subject.request.kind,
        "salt": salt,
        "asked_for": [digest_in_certificate(salt, value) for value in subject.request.values],
        "digests": sorted(digest_in_certificate(salt, name) for name in names),
        "before": dict(journal.before),
        "after": dict(after),
        "index_versions_deleted": list(journal.versions),
        "searched": asdict(proof),
        "vectors_that_others_have_too": subject.traces.shared_vectors,
        "nothing_left": not proof.found_in,
        "beyond": _BEYOND,
    }
    path = store.certificates_path / f"{journal.begun_at[:10]}-{journal.certificate_id}.json"
    write_atomic(path, json.dumps(content, indent=1).encode())
    return path
