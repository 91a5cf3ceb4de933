"""The LanceDB table ``people``: a derived index with one writer. The only room that knows LanceDB.

people_index   opens the table, reads its rows and writes them
index_info     what a table was made with
table_version  how one version is searched
history        which versions there are, which one is live, how long they are kept
indexing       which columns are indexed, and how
"""

import os

# read once, when the library is loaded: it warns of every table that is new
os.environ.setdefault("LANCEDB_LOG", "error")
from par_core.store.lance.index_info import IndexInfo
from par_core.store.lance.people_index import PeopleIndex

__all__ = ["IndexInfo", "PeopleIndex"]
