"""Networks: the form that all are brought to, and the ways there."""
