"""Reviews: active search for rare attributes with a recall estimate. PAR proposes people, a reviewer judges
them, and PAR learns from the answers which people to propose next and how many are left.
"""
