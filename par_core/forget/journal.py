"""The journal: ``forgetting.json`` exists while an erasure is under way, and only then.

It is the one file that names what is erased: after a kill, nothing else may know what is left to do. It is
written before anything is erased and deleted last; ``par verify`` reports it.
"""

import base64
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from par_core.atomic import write_atomic
from par_core.errors import StoreError
from par_core.forget.request import Request
from par_core.forget.subject import Subject
from par_core.forget.traces import Traces
from par_core.store.layout import Store
from par_core.store.suppression import SuppressedPerson, SuppressionList

__all__ = ["Journal", "close_journal", "load_journal", "mark_index", "save_journal"]


@dataclass(frozen=True, slots=True)
class Journal:
    """An erasure that is under way.

    Attributes:
        certificate_id: Name of the certificate to be written; random.
        begun_at: ISO time (UTC).
        before: Counts of the store when it began.
        versions: Versions of the index when it began.
        subject: The subject that is erased. That of an earlier version of PAR names no shards; it is erased
            thoroughly.
    """

    certificate_id: str
    begun_at: str
    before: Mapping[str, int]
    versions: tuple[int, ...]
    subject: Subject


def load_journal(store: Store) -> Journal | None:
    """Return the journal, or None if no erasure is under way.

    Raises:
        StoreError: The journal is damaged.
    """
    path = store.forgetting_path
    try:
        stored: dict[str, Any] = json.loads(path.read_bytes())
        # the release before called it "tombstones"
        suppressed = stored.get("suppression_list") or stored["tombstones"]
        people = tuple(
            SuppressedPerson(**{**person, "box": tuple(person["box"])}) for person in suppressed["people"]
        )
        suppression_list = SuppressionList(
            suppressed["salt"],
            frozenset(suppressed["places"]),
            frozenset(suppressed["files"]),
            frozenset(suppressed["images"]),
            people,
        )
        stored_traces = stored["traces"]
        vectors = tuple(base64.b64decode(vector) for vector in stored_traces["vectors"])
        traces = Traces(
            tuple(stored_traces["ids"]),
            tuple(stored_traces["uris"]),
            tuple(stored_traces["uris_by_value"]),
            vectors,
            stored_traces["shared_vectors"],
        )
        sets = {name: frozenset(stored[name]) for name in ("uris", "image_ids", "person_ids", "partly")}
        sets |= {name: frozenset(stored.get(name, ())) for name in ("names", "shards")}
        files = frozenset((uri, size, version) for uri, size, version in stored.get("files", ()))
        request = Request(stored["request"]["kind"], tuple(stored["request"]["values"]))
        subject = Subject(
            request,
            **sets,
            files=files,
            suppression_list=suppression_list,
            traces=traces,
            thorough=stored.get("thorough", True),
        )
        return Journal(
            stored.get("certificate_id") or stored["receipt_id"],
            stored["begun_at"],
            stored["before"],
            tuple(stored["versions"]),
            subject,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); delete it and ask again for what was to be forgotten"
        ) from error


def save_journal(store: Store, journal: Journal) -> None:
    """Write the journal, before anything is erased."""
    subject, traces, suppressed = journal.subject, journal.subject.traces, journal.subject.suppression_list
    content: dict[str, Any] = {
        "certificate_id": journal.certificate_id,
        "begun_at": journal.begun_at,
        "before": dict(journal.before),
        "versions": journal.versions,
    }
    content |= {
        "request": asdict(subject.request),
        "suppression_list": {
            "salt": suppressed.salt,
            "people": [asdict(person) for person in suppressed.people],
        },
    }
    content["suppression_list"] |= {
        name: sorted(getattr(suppressed, name)) for name in ("places", "files", "images")
    }
    content |= {
        name: sorted(getattr(subject, name))
        for name in ("uris", "files", "image_ids", "person_ids", "partly", "names", "shards")
    }
    content["thorough"] = subject.thorough
    content["traces"] = asdict(traces) | {
        "vectors": [base64.b64encode(vector).decode() for vector in traces.vectors]
    }
    write_atomic(store.forgetting_path, json.dumps(content).encode())


def mark_index(store: Store) -> None:
    """Set the time of the journal's file to now, when the rewriting of the index begins: no file of the index
    may be older in the end.
    """
    os.utime(store.forgetting_path)


def marked_index(store: Store) -> int:
    """Return the time at which the rewriting of the index began, nanoseconds on the file system's clock."""
    return Path(store.forgetting_path).stat().st_mtime_ns


def close_journal(store: Store) -> None:
    """Delete the journal at the end of an erasure."""
    store.forgetting_path.unlink()
