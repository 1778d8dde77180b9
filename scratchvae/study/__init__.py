"""For reading the mathematics line by line: `scratchvae trace`, one training step in numbers.

trace          record(): what every executed line of the package computes
derivatives    the complex step through the package's own forward pass
step           one training step of a small VAE, recorded and checked
sheet, graph   the step as text, as JSON, and as a picture
"""
