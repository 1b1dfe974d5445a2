"""Numbers of things in words, as what is printed counts them."""

from __future__ import annotations

from collections.abc import Sequence


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return a number with its noun, in the singular where it is one.

    Args:
        number: of things.
        noun: in the singular.
        plural: of the noun; left out, it ends in s.

    Examples:
        >>> counted(1, "class", "classes"), counted(0, "class", "classes"), counted(1234, "input")
        ('1 class', '0 classes', '1,234 inputs')
    """
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def described(
    inputs: int, layers: Sequence[int], outputs: int, *, noun: str = "neuron", between: str = ""
) -> str:
    """Return how large a network is.

    Args:
        inputs: of the network.
        layers: how much each layer has of what the noun names.
        outputs: of the network.
        noun: in the singular.
        between: what to say after the layers.

    Examples:
        >>> described(784, [5, 0], 10)
        '784 inputs, layers of 5, 0 neurons, 10 outputs'
        >>> described(1, [1], 1, noun="square")
        '1 input, a layer of 1 square, 1 output'
    """
    if len(layers) == 1:
        sizes = f"a layer of {counted(layers[0], noun)}"
    else:
        sizes = f"layers of {', '.join(f'{count:,}' for count in layers)} {noun}s"
    return f"{counted(inputs, 'input')}, {sizes}{between}, {counted(outputs, 'output')}"
