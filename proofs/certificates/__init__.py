"""What is claimed about a network, the evidence for it, and the files that hold both."""
