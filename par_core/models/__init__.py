"""Models behind small Protocols, chosen by profile; with training the only room that imports torch."""
