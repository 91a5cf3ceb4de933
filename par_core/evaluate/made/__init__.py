"""Whether made data helps: heads on frozen features, with and without it, under one budget."""
