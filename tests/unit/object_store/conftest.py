"""A server that speaks S3, behind a proxy that fails when it is asked to."""

from tests.object_store_fixtures import at_other_server, objects, other_server, proxy, server, url

__all__ = ["at_other_server", "objects", "other_server", "proxy", "server", "url"]
