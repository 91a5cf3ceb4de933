"""The archive over HTTP: a service, an API, a page, and a client for Python."""
