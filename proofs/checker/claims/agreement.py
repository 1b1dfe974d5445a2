"""Of how many images a graph's largest exact logit is of the network's class, at least."""

from ..layers import classes
from ..read import Files
from ..verdicts import need
from .kind import Kind


def verify(files: Files, graph: str, images: int, data: str, same: int) -> None:
    """Count the images of one class; what errors leave open is of none."""
    files.counted(images, data)
    stacks = zip(*files.layers(graph), strict=True)
    one, other = (classes(stack, files.images) for stack in stacks)
    found = int(((one == other) & (one >= 0)).sum())
    need(same <= found, f"{found} are the same")


KIND = Kind(
    "agreement",
    "measured",
    None,
    "On the {images} images (data {data}) the {graph} graph's largest exact logit is of the same "
    "class as the network's at least {same} times.",
    verify,
)
