"""Tasks, which Dask workers or threads carry out: each is one call into par_core.

Only paths, ids, settings and counts cross the boundary, and no task asks a server for anything.
"""
