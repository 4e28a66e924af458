"""The commands, one module each; what several of them share is in ``parts``, and ``main`` next door lists them."""
