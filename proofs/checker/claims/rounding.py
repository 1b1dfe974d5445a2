"""No computed logit differs from the exact one by more than a bound, on the images."""

from fractions import Fraction

import numpy as np

from ..balls import UNITS, UP, Array, exact, extended, joined, summed
from ..layers import Layer
from ..read import Files
from ..verdicts import need
from .kind import Kind

_LOST = 2.0**-1000  # more than underflow takes from a bound


def verify(files: Files, images: int, data: str, dtype: str, bound: Fraction) -> None:
    """Bound the rounding of a forward pass, whose sums have biases and residual as terms."""
    files.counted(images, data)
    need(dtype in UNITS, f"there is no arithmetic {dtype}")
    single = files.single and np.array_equal(files.images, files.images.astype(np.float32))
    need(dtype == "float64" or single, "network and images are not in float32")
    parts = np.array_split(files.images, 1 + images // 250)
    worst = np.max([furthest(files.model, part, dtype) for part in parts])
    need(np.isfinite(worst) and Fraction(worst) <= bound, f"a logit may differ by {worst:.6g}")


def furthest(stack: list[Layer], images: Array, dtype: str) -> float:
    """Bound how far a computed logit of any of some images lies from the exact one."""
    unit, tiny, limit = UNITS[dtype]
    state, off, lost = extended(images), np.zeros((len(images), 1 + images.shape[1])), []
    for layer in stack:
        # 1. A state is computed as h + e, its readings as L(h + e) + l and R(h + e) + r. Bounds
        #    stand for all of these but h, Lh and Rh, which are balls.
        sizes, readings = UP * (state.most + off), []
        for side in (layer.left, layer.right):
            reading, less = state @ exact(side.T), summed(sizes, side, dtype)
            moved = UP * (off @ abs(side).T) + _LOST if off.any() else np.zeros_like(less)
            readings.append((reading, moved, UP * (reading.most + moved), less))
        (left, pulled, lefts, less), (right, pushed, rights, fewer) = readings
        # 2. Their product is off by l (R(h + e)) + r (L(h + e)) + l r and by its own rounding;
        #    2 tiny, four times η, pays for a product that is flushed, and for float64 here.
        products = UP * (lefts + less) * (rights + fewer)
        own = unit * products + tiny * (lefts + less + rights + fewer + 2)
        made = less * rights + fewer * lefts + less * fewer + own
        # 3. It moves by (Lh)(Re) + (Rh)(Le), the derivative, and by (Le)(Re).
        straight, beyond = left.most * pushed + right.most * pulled, UP * (pulled * pushed + made)
        # 4. All products and the linear part are in one sum, as they may be added in any order.
        weights = np.concatenate([layer.down, layer.linear], axis=1)
        numbers = np.concatenate([UP * (products + own), sizes], axis=1)
        need(numbers < limit, "numbers leave the range of floats")
        rest = summed(numbers, weights[1:], dtype)
        lost.append((layer, left, right, beyond, rest))
        moved = np.concatenate([UP * (straight + beyond), off], axis=1) @ abs(weights[1:]).T
        off = np.column_stack([np.zeros(len(images)), UP * (moved + rest) + _LOST])
        state = joined([left * right, state], 1) @ exact(weights.T)
    # 5. With b and s for what is beyond the derivative J at the exact state and for what the sum
    #    loses, the next e is J e + down b + s, 0 in the constant, which is not computed: at the
    #    logits arrives Σ G (down b + s), with G, the derivative of all layers above, in balls.
    one, worst = np.eye(len(stack[-1].down) - 1), np.zeros((1, 1))
    slope = exact(np.broadcast_to(one, (len(images), *one.shape)))
    for layer, left, right, beyond, rest in reversed(lost):
        weighed = slope @ exact(layer.down[1:])
        handed = weighed.most @ beyond[:, :, None] + slope.most @ rest[:, :, None]
        worst = UP * (worst + handed[:, :, 0])
        if layer is not stack[0]:
            slope = slope @ exact(layer.linear[1:, 1:])
            slope += (weighed * left[:, None]) @ exact(layer.right[:, 1:])
            slope += (weighed * right[:, None]) @ exact(layer.left[:, 1:])
    return float(worst.max() + _LOST)


KIND = Kind(
    "rounding",
    "bounded",
    "rounding_bound",
    "On the {images} images (data {data}) no logit that is computed in {dtype}, in whatever order "
    "sums are taken and whether or not numbers near zero are flushed to it, differs from the "
    "network's exact one by more than {bound}.",
    verify,
)
