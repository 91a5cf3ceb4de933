"""Scores and quality of people in a store, without running a model."""
