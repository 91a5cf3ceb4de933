"""What a store says of people, against labels and by quality, without running a model."""
