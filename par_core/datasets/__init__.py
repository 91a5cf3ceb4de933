"""Data sets in their published formats, as they are read for evaluation and for training."""
