"""What a certificate and its files say, read as ``SPEC.md`` says and not as the checker does."""

from __future__ import annotations

import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Context, InvalidOperation
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from proofs import checker
from tests.proofs.checker.second.rationals import Layer, Matrix, Rows, rational

SPECIFICATION = Path(checker.__file__).with_name("SPEC.md")
DTYPES = {"F64": "<f8", "F32": "<f4", "I64": "<i8", "U8": "|u1"}


class Refused(Exception):  # noqa: N818 -- it is an answer
    """What a certificate says is not what the specification asks for."""


def need(condition: object, what: str) -> None:
    """Refuse the certificate unless a condition holds."""
    if not condition:
        raise Refused(what)


# Numbers


def is_count(number: object) -> bool:
    """Return whether a number of a claim is a count."""
    return type(number) is int and number >= 0


def is_decimal(number: object) -> bool:
    if not isinstance(number, str) or not re.fullmatch(r"-?\d+(\.\d+)?(E[+-]\d{1,3})?", number):
        return False
    context = Context(prec=len(number) + 1, Emax=10**6, Emin=-(10**6))
    try:
        return number == str(context.create_decimal(number).normalize(context)) != "-0"
    except InvalidOperation:
        return False


def is_name(number: object) -> bool:
    return isinstance(number, str) and bool(re.fullmatch(r"[A-Za-z0-9_.() -]{1,200}", number))


def is_counts(number: object) -> bool:
    return isinstance(number, list) and all(map(is_count, number))


# Layers


def stack_of(layers: Iterable[tuple[Rows, Rows, Rows, Rows]], sizes: Sequence[int]) -> list[Layer]:
    stack = []
    for parts, (below, above) in zip(layers, pairwise(sizes), strict=True):
        neurons = len(parts[0])
        shapes = ((neurons, below), (neurons, below), (above, neurons), (above, below))
        entries = ([entry for row in part for entry in row] for part in parts)
        stack.append(Layer(*(Matrix(*s, e) for s, e in zip(shapes, entries, strict=True))))
    for layer in stack[:-1]:
        need(layer.linear.table()[0] == [1] + [0] * (layer.linear.ncols() - 1), "constant")
        need(not any(layer.down.table()[0]), "constant")
    return stack


# Files


def strict_json(text: str) -> Any:

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        need(len(dict(found)) == len(found), "a name twice")
        return dict(found)

    def constant(name: str) -> NoReturn:
        raise Refused(name)

    return json.loads(text, object_pairs_hook=pairs, parse_constant=constant)


def arrays_of(path: Path, kind: str) -> tuple[dict[str, npt.NDArray[Any]], dict[str, Any]]:
    """Read a safetensors file: its arrays and its description."""
    data = path.read_bytes()
    length = int.from_bytes(data[:8], "little")
    need(8 + length <= len(data), "header")
    header, body = strict_json(data[8 : 8 + length].decode()), data[8 + length :]
    metadata = header.pop("__metadata__")
    need(metadata.keys() == {"description"}, "metadata")
    description = strict_json(metadata["description"])
    need(description["format"] == f"bilinear-features {kind}", "format")
    arrays, place = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: item[1]["data_offsets"]):
        need(entry.keys() == {"dtype", "shape", "data_offsets"}, "entry")
        dtype, (begin, end) = np.dtype(DTYPES[entry["dtype"]]), entry["data_offsets"]
        need(all(map(is_count, (begin, end, *entry["shape"]))), "entry")
        need((begin, end - begin) == (place, dtype.itemsize * math.prod(entry["shape"])), "offset")
        arrays[name] = np.frombuffer(body[begin:end], dtype).reshape(entry["shape"])
        need(dtype.kind != "f" or np.isfinite(arrays[name]).all(), "finite")
        place = end
    need(place == len(body), "gap")
    return arrays, description


def network_of(path: Path) -> tuple[list[Layer], np.dtype[Any]]:
    """Read a network: its layers, and the dtype of its weights."""
    arrays, _ = arrays_of(path, "network 2")
    left_over, dtypes = dict(arrays), {array.dtype for array in arrays.values()}
    need(len(dtypes) == 1, "dtypes")
    dtype = dtypes.pop()
    need(dtype.kind == "f", "dtype")
    layers, sizes = [], []
    while left_over:
        parts = [left_over.pop(f"{len(layers) + 1}.{part}") for part in LAYER]
        need(all(part.ndim == 2 for part in parts), "axes")
        left, right, mixing, linear = parts
        (above, below), neurons = linear.shape, len(left)
        sizes = sizes or [below]
        need(below == sizes[-1], "sizes")
        need(min(above, below) > 1, "sizes")
        need(left.shape == right.shape == (neurons, below), "readings")
        need(mixing.shape == (above, neurons), "down")
        layers.append(tuple([list(map(rational, row)) for row in p.tolist()] for p in parts))
        sizes.append(above)
    return stack_of(layers, sizes), dtype


LAYER = ("left", "right", "down", "linear")
INPUT, FEATURE, FORM, LOGIT, RESIDUAL = range(5)
PARTS = ("direction", "direction_low", "weight", "weight_low")


def graph_of(path: Path) -> list[Layer]:
    arrays, description = arrays_of(path, "graph 1")
    sizes, depth = description["graph"]["sizes"], len(description["graph"]["sizes"]) - 1
    need(depth >= 1 and all(is_count(size) and 1 < size <= 2**20 for size in sizes), "sizes")
    need(arrays.keys() == {"nodes", "edges", *PARTS, *(f"{p}.rows" for p in PARTS)}, "arrays")
    need(all(array.dtype == ("<f8" if n in PARTS else "<i8") for n, array in arrays.items()), "")
    nodes, edges = (list(map(tuple, arrays[name].tolist())) for name in ("nodes", "edges"))
    need(len({*nodes}) == len(nodes) and len({*edges}) == len(edges), "repetition")
    cut = _cut(nodes, edges, description, depth)
    given: dict[str, dict[int, Any]] = {}
    for name in PARTS:
        rows, values = arrays[f"{name}.rows"].tolist(), arrays[name]
        width = (sizes[0],) if name.startswith("direction") else ()
        need(len({*rows}) == len(rows) and values.shape == (len(rows), *width), "rows")
        given[name] = dict(zip(rows, values.tolist(), strict=True))
    features = [
        {node: at for at, node in enumerate(n for n in nodes if n[:2] == (FEATURE, level))}
        for level in range(1, depth + 1)
    ]
    stack: list[tuple[Rows, Rows, Rows]] = []
    for found, (below, above) in zip(features, pairwise(sizes), strict=True):
        shapes = ((len(found), below), (above, len(found)), (above, below))
        one, two, three = (Matrix(*shape).table() for shape in shapes)
        stack.append((one, two, three))
    for place, (start, end) in enumerate(edges):
        need(min(start, end) >= 0, "edge")
        source, target = nodes[start], nodes[end]
        if RESIDUAL in (source[0], target[0]) or cut & {source, target}:
            continue
        level = depth if target[0] == LOGIT else target[1]
        need(target[0] in (FEATURE, FORM, LOGIT) and 1 <= level <= depth, "target")
        need(target[0] == FEATURE or (target[0] == LOGIT) == (level == depth), "target")
        readings, mixing, linear = stack[level - 1]
        rows, row = linear, target[1] + 1 if target[0] == LOGIT else target[2]
        if target[0] == FEATURE:
            rows, row = readings, features[level - 1][target]
        need(row >= 0, "row")
        if source[0] == FEATURE:
            need(target[0] != FEATURE and source[1] == level, "edge")
            mixing[row][features[level - 1][source]] = rational(given["weight"][place])
        elif source[0] == FORM:
            need(source[1] == level - 1 >= 1 and source[2] >= 0, "edge")
            low = given["weight_low"].get(place, 0.0) if rows is readings else 0.0
            rows[row][source[2]] = rational(given["weight"][place]) + rational(low)
        else:
            need(source[0] == INPUT and level == 1 and given["weight"][place] == 1, "edge")
            low = given["direction_low"].get(end) if rows is readings else None
            pairs = zip(given["direction"][end], low or [0.0] * sizes[0], strict=True)
            rows[row] = [rational(one) + rational(other) for one, other in pairs]
    return stack_of([(layer[0], *layer) for layer in stack], sizes)


def _cut(nodes: list[Any], edges: list[Any], description: Any, depth: int) -> set[Any]:
    """Return the features that are cut, if every node is one and every word is about one."""
    for name, all_ in (("nodes", nodes), ("edges", edges)):
        need(description[name].keys() <= set(map(str, range(len(all_)))), "words of nothing")
        need(not any(said.keys() & {*PARTS} for said in description[name].values()), "words")
    for kind, one, two in nodes:
        least, most = {FEATURE: (1, depth + 1), FORM: (1, depth)}.get(kind, (0, 2**63))
        need(kind in range(5) and least <= one < most and two >= 0, "node")
        need(two == 0 or kind in (FEATURE, FORM), "node")
        need(kind != INPUT or one == 0, "node")
    cut = set()
    for at, said in description["nodes"].items():
        need(type(said.get("cut", False)) is bool, "cut")
        if said.get("cut") and nodes[int(at)][0] == FEATURE:
            cut.add(nodes[int(at)])
    return cut


# Certificates


@dataclass(frozen=True)
class Evidence:
    network: list[Layer]
    dtype: np.dtype[Any]
    graphs: Mapping[str, list[Layer]]
    arrays: Mapping[str, npt.NDArray[Any]]
    pixels: npt.NDArray[Any]
    data: str


@cache
def statements() -> dict[str, tuple[str, str | None, str]]:
    text = SPECIFICATION.read_text(encoding="utf-8")
    found = re.findall(
        r"^- \*([a-z ]+)\* \((\w+)(?:; (\w+))?\): “(.*?)”$", text, re.MULTILINE | re.DOTALL
    )
    return {kind: (level, name or None, " ".join(s.split())) for kind, level, name, s in found}


def read(path: Path) -> tuple[Evidence, list[tuple[str, dict[str, Any]]]]:
    """Read a certificate: what its files hold, and its claims as kinds and numbers."""
    text = path.read_bytes().decode()
    said = strict_json(text)
    need(text == json.dumps(said, indent=1, ensure_ascii=False) + "\n", "layout")
    more = {"remarks", "subject", "versions"}
    need(said.keys() - more == {"format", "files", "claims", "sha256"}, "document")
    need(said["format"] == "bilinear-features certificate 3", "format")
    own = {name: part for name, part in said.items() if name != "sha256"}
    digest = hashlib.sha256(json.dumps(own, sort_keys=True).encode()).hexdigest()
    need(digest == said["sha256"], "own hash")
    need(isinstance(said["claims"], list) and said["claims"], "claims")
    files = said["files"]
    need(files.keys() == {"model", "witnesses", "graphs"}, "files")

    def named(item: dict[str, str]) -> Path:
        need(item.keys() == {"name", "sha256"}, "file")
        found = path.parent / item["name"]
        need(hashlib.sha256(found.read_bytes()).hexdigest() == item["sha256"], "hash")
        return found

    network, dtype = network_of(named(files["model"]))
    graphs = {name: graph_of(named(item)) for name, item in files["graphs"].items()}
    arrays, _ = arrays_of(named(files["witnesses"]), "witnesses 1")
    images = arrays["images"]
    hashed = hashlib.sha256()
    for array in [images, *([arrays["labels"]] if "labels" in arrays else [])]:
        hashed.update(f"{array.dtype.str} {array.shape}\n".encode() + array.tobytes())
    pixels = images if images.dtype.kind == "f" else np.float32(images) / np.float32(255)
    _preconditions(network, graphs, arrays)
    found = Evidence(network, dtype, graphs, arrays, pixels, hashed.hexdigest()[:32])
    for claim in said["claims"]:
        need(claim.keys() == {"kind", "level", "theorem", "statement", "numbers"}, "claim")
        level, theorem, sentence = statements()[claim["kind"]]
        need((claim["level"], claim["theorem"]) == (level, theorem), "level")
        need(claim["statement"] == sentence.format(**claim["numbers"]), "statement")
    return found, [(claim["kind"], claim["numbers"]) for claim in said["claims"]]


def _preconditions(
    network: list[Layer],
    graphs: Mapping[str, list[Layer]],
    arrays: Mapping[str, npt.NDArray[Any]],
) -> None:
    ends = (network[0].linear.ncols(), network[-1].linear.nrows(), len(network))
    for graph in graphs.values():
        need((graph[0].linear.ncols(), graph[-1].linear.nrows(), len(graph)) == ends, "graph")
    images, labels = arrays["images"], arrays.get("labels")
    need(images.dtype in ("<f8", "<f4", "|u1") and images.ndim == 2, "images")
    need(images.shape[1] == ends[0] - 1 and len(images), "images")
    if labels is not None:
        need(labels.dtype == "<i8" and labels.shape == (len(images),), "labels")
        need((labels >= 0).all(), "labels")
