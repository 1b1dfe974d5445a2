"""Images with labels: MNIST, and what comes in its form."""
