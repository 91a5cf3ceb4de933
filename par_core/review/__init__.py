"""Reviews for rare attributes: PAR proposes people, somebody judges them, and PAR learns whom to propose next
and how many are left.
"""
