"""Questions and answers: filters, search, contact sheets."""
