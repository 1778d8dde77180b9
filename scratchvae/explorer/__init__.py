"""The latent space in the browser: one HTML file, without a network or a server.

weights.py      the weights in 8 or 16 bits, rounded so that the networks change little
page.py         the file: explorer.html, with the script, the weights and test images in it
explorer.html   the panels and their style
explorer.js     the forward pass of both networks in plain JavaScript, and the panels
cli.py          the command `scratchvae explore`
"""
