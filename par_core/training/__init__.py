"""Recipes that made the shipped weights."""
