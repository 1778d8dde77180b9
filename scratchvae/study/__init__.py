"""For reading the mathematics line by line: `scratchvae trace`, one training step in numbers.

trace          record(): what every executed line of the package computes
derivatives    the complex step through the package's own forward pass
step           one training step of a small VAE, recorded and checked
sheet, graph   the step as text, as JSON, and as a picture

And `scratchvae study`, the notes and the source as web pages.

book                the folder: contents, tables, style, search
part_one, part_two  the notes; the source
frame               what every page has
formulas, prose     Unicode to MathML; docstrings to HTML
pages               the texts of Part I, in English and in Korean
listing, values, evidence   functions and lines; their numbers; their tests and callers
"""
