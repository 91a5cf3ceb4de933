"""Flows: they compose tasks, choose where these run, and speak to people."""
