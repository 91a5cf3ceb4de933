"""Models behind small Protocols, chosen by profile; the only room, with training, that knows torch."""
