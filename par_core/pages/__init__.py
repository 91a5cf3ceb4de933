"""Shared parts of all pages: rendering of templates, colours, and the frame of pages in files."""

from par_core.pages.environment import page_environment

__all__ = ["page_environment"]
