"""What an evaluation leaves for people: a page, the same as Markdown and JSON, and the items for comparisons."""
