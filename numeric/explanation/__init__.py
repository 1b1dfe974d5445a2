"""What a graph computes on an image, and what changes when a part of it does."""
