"""Homework from the source: `make` blanks chosen functions of this package, `grade` marks them.

The guide is README.md here. The package's source is the only source: it has no solution
markers, and there is no second copy of it.
"""
