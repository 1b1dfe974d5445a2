"""Studies: claims about features and networks, measured, with what speaks against them."""
