"""Sheets of exercises by hand, with numbers for each student, and their keys.

`question.py` says what a question is. The templates stand in one file for each section of
the notes, `section_*.py`. `choose.py` puts a sheet together, `page.py` prints it, `mark.py`
marks the answers, `write.py` writes the files.

Of `homework/` they use what reads names and gradebooks: `names.py`, `rows.py`, `gradebook.py`.
These know nothing of sheets. `homework/cli.py` stands above both, and adds the commands.
"""
