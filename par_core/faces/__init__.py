"""Readers of faces: gender and age from a face, the baseline of the paper's section 6.1. PAR identifies
nobody: networks of recognition, race and emotion are not read.
"""
