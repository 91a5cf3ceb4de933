"""The journal: ``forgetting.json`` is there while something is being forgotten, and only then.

It is the one file that names what is erased, because a run that is killed must know what is left to do when
nothing else does any more. It is written before anything is erased and deleted last; ``par verify`` says so
when it is there.
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
from par_core.forget.subject import Request, Subject, Traces
from par_core.store.layout import Store
from par_core.store.suppression import SuppressedPerson, SuppressionList

__all__ = ["Journal", "close_journal", "load_journal", "mark_index", "save_journal"]


@dataclass(frozen=True, slots=True)
class Journal:
    """What is under way.

    Attributes:
        certificate_id: Name of the certificate to be written; random.
        begun_at: ISO time (UTC).
        before: Counts of the store when it began.
        versions: Of the index, when it began.
        subject: What is erased.
    """

    certificate_id: str
    begun_at: str
    before: Mapping[str, int]
    versions: tuple[int, ...]
    subject: Subject


def load_journal(store: Store) -> Journal | None:
    """What is under way, or None.

    Raises:
        StoreError: The journal is damaged.
    """
    path = store.forgetting_path
    try:
        told: dict[str, Any] = json.loads(path.read_bytes())
        stones = told["suppression_list"]
        people = tuple(
            SuppressedPerson(**{**person, "box": tuple(person["box"])}) for person in stones["people"]
        )
        suppression_list = SuppressionList(
            stones["salt"],
            frozenset(stones["places"]),
            frozenset(stones["files"]),
            frozenset(stones["images"]),
            people,
        )
        traces = told["traces"]
        vectors = tuple(base64.b64decode(vector) for vector in traces["vectors"])
        found = Traces(
            tuple(traces["ids"]),
            tuple(traces["uris"]),
            tuple(traces["uris_by_value"]),
            vectors,
            traces["shared_vectors"],
        )
        sets = {name: frozenset(told[name]) for name in ("uris", "image_ids", "person_ids", "partly")}
        request = Request(told["request"]["kind"], tuple(told["request"]["values"]))
        subject = Subject(request, **sets, suppression_list=suppression_list, traces=found)
        return Journal(
            told.get("certificate_id") or told["receipt_id"],
            told["begun_at"],
            told["before"],
            tuple(told["versions"]),
            subject,
        )
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{path} is damaged ({error}); delete it and ask again for what was to be forgotten"
        ) from error


def save_journal(store: Store, journal: Journal) -> None:
    """Write down what is about to be erased."""
    subject, traces, stones = journal.subject, journal.subject.traces, journal.subject.suppression_list
    told: dict[str, Any] = {
        "certificate_id": journal.certificate_id,
        "begun_at": journal.begun_at,
        "before": dict(journal.before),
        "versions": journal.versions,
    }
    told |= {
        "request": asdict(subject.request),
        "suppression_list": {"salt": stones.salt, "people": [asdict(person) for person in stones.people]},
    }
    told["suppression_list"] |= {
        name: sorted(getattr(stones, name)) for name in ("places", "files", "images")
    }
    told |= {name: sorted(getattr(subject, name)) for name in ("uris", "image_ids", "person_ids", "partly")}
    told["traces"] = asdict(traces) | {
        "vectors": [base64.b64encode(vector).decode() for vector in traces.vectors]
    }
    write_atomic(store.forgetting_path, json.dumps(told).encode())


def mark_index(store: Store) -> None:
    """Remember, as the journal's own time, when the index began to be rewritten: nothing of it may be older
    in the end.
    """
    os.utime(store.forgetting_path)


def marked_index(store: Store) -> int:
    """When the index began to be rewritten, nanoseconds on the file system's clock."""
    return Path(store.forgetting_path).stat().st_mtime_ns


def close_journal(store: Store) -> None:
    """Delete the journal: all is done."""
    store.forgetting_path.unlink()
