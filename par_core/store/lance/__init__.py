"""The LanceDB table ``people``: a derived index with one writer. The only room that knows LanceDB.

people_index   reads the table's rows and writes them
opening        opens the table at a version
index_info     configuration and models of a table
table_version  searches of one version
resident_people  what searches need of one version, in memory
resident_times  the same people in the order of capture
resident_places  where their pictures are
resident_file  the same in memory that processes share
resident_process  the process that reads it
stored_vectors vectors read straight from LanceDB's files
history        versions of a table, the one that is live, and for how long they are kept
indexing       indexes on columns and vectors
upkeep         fragments, indexes and old versions, by Lance itself
erasing        rows that leave no bytes behind
rest_classes   what lancedb need not import
unchecked_overrides  nor check
"""

import os

# read once, when each library is loaded; they would warn of every new table and every empty partition
os.environ.setdefault("LANCEDB_LOG", "error")
os.environ.setdefault("LANCE_LOG", "error")
from par_core.store.lance.rest_classes import rest_classes_on_demand
from par_core.store.lance.unchecked_overrides import overrides_unchecked

with rest_classes_on_demand(), overrides_unchecked():
    from par_core.store.lance.index_info import IndexInfo
    from par_core.store.lance.people_index import PeopleIndex
    from par_core.store.lance.resident_file import read_shared
    from par_core.store.lance.resident_people import POSITION, Allowed, ResidentPeople
    from par_core.store.lance.resident_places import folder_of, folders_in, in_places
    from par_core.store.lance.resident_times import Moment, time_order

__all__ = [
    "POSITION",
    "Allowed",
    "IndexInfo",
    "Moment",
    "PeopleIndex",
    "ResidentPeople",
    "folder_of",
    "folders_in",
    "in_places",
    "read_shared",
    "time_order",
]
