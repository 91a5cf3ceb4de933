"""Scores: pure functions over NumPy arrays."""
