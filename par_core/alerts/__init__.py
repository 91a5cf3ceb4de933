"""Saved searches: questions that are asked again after each run, and tell which people are new."""
