"""A store whose index holds people of ``crowd.py``, made by the build that is imported.

    python benchmarks/crowd_store.py CHECKOUT STORE PEOPLE

``light.py`` runs it in the environment of each build that it compares.
"""

import sys
from pathlib import Path


def main() -> None:
    """Write the store."""
    checkout, root, people = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    sys.path.insert(0, str(checkout / "benchmarks"))
    from crowd import NAMES, SIZE, crowd, rows

    from par_core.config import load_config
    from par_core.models import profiles
    from par_core.store.lance import IndexInfo, PeopleIndex
    from par_core.store.layout import Store
    from par_core.store.schemas import index_schema

    store, config = Store.create(root), load_config()
    fingerprint = profiles.embedding_fingerprint(config)
    info = IndexInfo("s", "d", fingerprint, config.profile, tuple(NAMES), (0.5,) * len(NAMES))
    index = PeopleIndex.create(store.index_path, index_schema(NAMES, SIZE), info)
    write = index.upsert if hasattr(index, "upsert") else index.add  # its name before and after c23fcd2
    for part in rows(crowd(people, seed=0)):
        write(part)
    index.optimize()


if __name__ == "__main__":
    main()
