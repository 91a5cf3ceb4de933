"""Preloaded into Dask workers by tests: they say another version of PAR, as after an update of half of the
nodes.
"""

import par_core

par_core.__version__ = "0.0.9"
