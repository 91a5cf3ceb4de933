"""Evaluation as a gate: a new version of the index is searched only once it has passed."""
