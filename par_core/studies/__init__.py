"""Studies: one call carries out an evaluation, an audit or an analysis from beginning to end and writes its
folder.
"""
