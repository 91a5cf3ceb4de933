"""Reports of an evaluation: a page, the same as Markdown and JSON, and the items for comparisons."""
