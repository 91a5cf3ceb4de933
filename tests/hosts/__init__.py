"""Several hosts on one machine: what happens to a night when one of them is cut off, killed or away."""
