"""Forgets an image and kills itself (SIGKILL) at a given file operation, so that a test can stop it anywhere.

python -m tests.faults.run_forget STORE IMAGE_ID NUMBER
    kill at the NUMBERth file that is opened for writing, renamed or deleted; 0 is never
python -m tests.faults.run_forget STORE IMAGE_ID index:0.01
    kill so many seconds after the rewriting of the index begins
"""

import os
import signal
import sys
import threading
from pathlib import Path

from par_core.forget import Request, find_subject, forget
from par_core.store.layout import Store


def kill() -> None:
    """End this process as a power cut would."""
    os.kill(os.getpid(), signal.SIGKILL)


def main(root: Path, image_id: str, moment: str) -> None:
    """Forget an image, and die at the chosen moment; else print the number of file operations."""
    store = Store.open(root)
    step, _, seconds = moment.rpartition(":")
    operations = 0

    def count(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal operations
        if event in ("os.rename", "os.remove", "os.rmdir", "shutil.rmtree") or (
            event == "open" and str(arguments[1]).startswith(("w", "a"))
        ):
            operations += 1
            if not step and operations == int(moment):
                kill()

    def begins(now: str) -> None:
        if now == step:
            threading.Timer(float(seconds), kill).start()

    with store.exclusive():
        subject = find_subject(store, Request("image", (image_id,)))
        sys.addaudithook(count)
        forget(store, subject, begins)
    print(operations)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
