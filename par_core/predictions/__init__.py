"""Predictions of the models on data sets: computed shard by shard, kept, and read by evaluations."""
