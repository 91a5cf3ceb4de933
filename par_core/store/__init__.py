"""The store: tables, manifests, the ledger of files, and the LanceDB index."""
