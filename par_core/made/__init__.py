"""Pictures of people that were made, not taken: recoloured, composed, swapped or brought from elsewhere."""
