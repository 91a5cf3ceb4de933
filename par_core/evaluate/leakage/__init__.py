"""Whether test people are also in train: by identity, digest, perceptual hash or embedding."""
