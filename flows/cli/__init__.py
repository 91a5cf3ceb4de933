"""The command line: one file a group of commands, ``main`` puts them together, ``options`` holds what they
share.
"""
