"""The command line: one file for each group of commands; ``main`` joins them, ``options`` holds the shared
options.
"""
