"""Predictions of the models on data sets: computed shard by shard, kept, and read again by every evaluation."""
