"""Metrics: pure functions, and states that add up. docs/metrics.md has every formula, convention and edge
case.
"""
