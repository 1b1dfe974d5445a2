"""The page about one network."""
