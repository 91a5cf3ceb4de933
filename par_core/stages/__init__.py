"""The stages of indexing: plan, segment, describe, commit, and the checks."""
