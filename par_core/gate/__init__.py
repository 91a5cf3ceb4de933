"""Quality gate: searches read a new version of the index only once it has passed."""
