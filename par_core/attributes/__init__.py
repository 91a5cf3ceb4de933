"""What is said of people: the vocabulary and the colours of garments."""
