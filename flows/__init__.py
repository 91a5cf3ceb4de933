"""Flows: compose tasks, choose where they run, and talk to the user."""
