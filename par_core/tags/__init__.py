"""Tags and notes that reviewers give to people of a store. They are derived from nothing, so no command makes
them again; ``par forget`` erases them with the person.

names    what a tag and a note may be
record   tags and note of one person
files    where they are kept
of_index who has which tag in a version of the index
change   adding and removing
"""
