"""What a Dask worker or a thread carries out: one call into par_core a task.

Only paths, ids, settings and counts cross the boundary, and no task asks a server for anything.
"""
