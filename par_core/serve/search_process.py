"""A process that answers questions for a server; ``search_processes.py`` starts it.

python -P -m par_core.serve.search_process SOCKET [PEOPLE]

SOCKET and PEOPLE are descriptors: a connection to the server, and the people in memory that it has read. The
process takes questions from the connection, one at a time, and gives answers or errors. It ends when the
connection or its standard input ends.
"""

import pickle
import sys
from multiprocessing.connection import Connection
from typing import Any

from par_core.child_process import end_with_input
from par_core.query.from_store import Question, Searcher
from par_core.store.lance import read_shared


def main() -> None:
    """Answer questions until the connection ends."""
    end_with_input()
    descriptor, *people = map(int, sys.argv[1:])
    connection = Connection(descriptor)
    store_root, config, identity = connection.recv()
    searcher = Searcher(store_root, config)
    searcher.warm()
    index = searcher.index()
    if not people:  # few enough to read them here
        index.read_resident()
    elif index.read_identity == identity:
        index.resident = read_shared(people[0])
    connection.send("ready")
    while True:
        try:
            question: Question = connection.recv()
        except EOFError:
            return
        connection.send_bytes(_answered(searcher, question))


def _answered(searcher: Searcher, question: Question) -> bytes:
    """Return the pickle of an answer, or of its error."""
    answer: Any
    try:
        answer = searcher.ask(question)
    except Exception as error:  # noqa: BLE001 - the server raises it
        answer = error
    try:
        content = pickle.dumps(answer)
        pickle.loads(content) if isinstance(answer, Exception) else None  # noqa: S301 - its own
    except Exception:  # noqa: BLE001 - errors of other libraries may not survive it
        content = pickle.dumps(RuntimeError(f"{type(answer).__name__}: {answer}"))
    return content


if __name__ == "__main__":
    main()
