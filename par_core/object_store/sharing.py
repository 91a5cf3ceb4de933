"""Files of a writer's copy for workers elsewhere, before they are committed."""

from collections.abc import Sequence

from par_core.object_store.catalogue import Part
from par_core.object_store.copy_state import Mark
from par_core.object_store.local_files import files_below
from par_core.object_store.transfer import upload
from par_core.object_store.working_copy import WorkingCopy

__all__ = ["shared"]


def shared(copy: WorkingCopy, names: Sequence[str] = (), groups: Sequence[str] = ()) -> dict[str, list[Part]]:
    """Return the parts of files, for workers elsewhere to read. What this host has changed is written into
    objects first, and adopted. Only while the store is held.

    Args:
        copy: The writer's copy.
        names: Files in the root of the store.
        groups: Folders of shards, see ``group_of``.

    Returns:
        The parts of those that there are, in the folder or in the version.

    Raises:
        TransientError: The object store cannot be reached.
    """
    here = {name: Mark.of((copy.root / name).stat()) for name in names if (copy.root / name).is_file()}
    here |= {path: mark for group in groups for path, mark in files_below(copy.root, group)}
    known = copy.state.parts_of(names)
    known |= {path: parts for group in groups for path, parts in copy.state.of_group(group).items()}
    held = copy.state.held_of({*here, *known})
    fresh = [path for path, mark in here.items() if held.get(path) != mark]
    if fresh:
        uploaded = upload(copy.objects, copy.root, fresh, known, copy.held_head.epoch)
        now = {path: parts for path, (parts, _) in uploaded.items()}
        copy.adopt({path: parts for path, parts in now.items() if known.get(path) != parts})
        with copy.state.changing() as changes:
            for path, (parts, mark) in uploaded.items():
                changes.hold(path, parts, mark)
        known |= now
    return {path: parts for path, parts in known.items() if path in here or path not in held}
