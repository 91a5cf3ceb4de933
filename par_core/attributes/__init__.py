"""Descriptions of people: the vocabulary of attributes and the colours of garments."""
