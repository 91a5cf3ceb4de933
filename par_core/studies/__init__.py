"""Studies: one call runs an evaluation, an audit or an analysis from start to end and writes its folder."""
