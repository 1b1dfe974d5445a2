"""Composition graphs: made of networks, kept, pruned, measured and made networks again."""
