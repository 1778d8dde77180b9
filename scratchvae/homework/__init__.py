"""Homework from the source: `make` blanks chosen functions of this package, `grade` marks what comes back. The guide is README.md here.

The reference source is the only source: there are no solution markers in it and no second copy of it.
"""
