"""A server that speaks S3, behind a proxy that fails when it is asked to."""

from tests.object_store_fixtures import objects, proxy, server, url

__all__ = ["objects", "proxy", "server", "url"]
