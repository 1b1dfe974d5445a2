"""Features of layers and of stacks of layers, from the weights alone."""
