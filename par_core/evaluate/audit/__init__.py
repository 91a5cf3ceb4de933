"""Which labels of a data set are likely wrong."""
