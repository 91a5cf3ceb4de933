"""What all pages share: how templates are filled, the colours, and the frame of every page that is written to
a file.
"""

from par_core.pages.environment import page_environment

__all__ = ["page_environment"]
