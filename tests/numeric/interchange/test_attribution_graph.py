"""Attribution graphs: what viewers find in them is what the composition graph computes."""

from __future__ import annotations

import base64
import io
import json
import math
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import numpy.typing as npt
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import rc_context
from matplotlib.image import imread

from numeric import BilinearNetwork, NumericError, prune, rewrite, trace
from numeric.explanation.flow import Flow
from numeric.interchange.attribution_format import (
    FIELDS,
    LIST,
    check_attribution_graph,
    load_attribution_graph,
)
from numeric.interchange.attribution_graph import (
    SECOND,
    save_attribution_graph,
    to_attribution_graph,
)
from tests.graphs import edited_graphs

Graph = Any


def a_graph() -> nx.DiGraph[Any]:
    network = BilinearNetwork(4, 2, depth=2, width=2, hidden=3)
    for parameter in network.double().parameters():
        parameter.data /= 3  # so that there are low parts
    return trace(network, "polarized")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("attribution")


@pytest.fixture(name="image")
def _image() -> npt.NDArray[np.float64]:
    return np.random.default_rng(3).normal(size=(2, 2))


def put(*path: Any) -> Callable[[Any], Any]:
    """Return what sets the entry at a path to its last item."""

    def alter(data: Any) -> None:
        for key in path[:-2]:
            data = data[key]
        data[path[-2]] = path[-1]

    return alter


def rows(data: Any) -> dict[str, Any]:
    return {node["node_id"]: node for node in data["nodes"]}


def test_an_attribution_graph_comes_back(tmp_path: Path, image: npt.NDArray[Any]) -> None:
    graph = a_graph()
    save_attribution_graph(graph, tmp_path / "three.json", image=image, prompt="a three")
    loaded = load_attribution_graph(tmp_path / "three.json")
    data = to_attribution_graph(graph, "three", image=image, prompt="a three")
    assert loaded.graph == {"metadata": data["metadata"], "qParams": data["qParams"]}
    assert [{"node_id": n} | d for n, d in loaded.nodes(data=True)] == [
        {"node_id": node.pop("node_id")} | node for node in data["nodes"]
    ]
    names = {n: tuple(d["node"]) for n, d in loaded.nodes(data=True)}
    flow = Flow.of(graph, image.ravel())
    assert list(names.values()) == list(graph)
    assert {names[n]: d["activation"] for n, d in loaded.nodes(data=True)} == {
        ("input",): None,
        **flow.values,
    }
    assert {
        (names[u], names[v]): w for u, v, w in loaded.edges(data="weight")
    } == flow.contributions()
    assert loaded.graph["metadata"]["prompt_tokens"] == ["a three", SECOND]
    assert loaded.graph["metadata"]["links"] == "contributions"


def dropped(data: Any) -> set[str]:
    """Return the nodes that viewers drop, by the rule of circuit-tracer's and Neuronpedia's.

    They count nodes by layer and feature, those of errors for each token, and drop what occurs in
    more than two thirds of the tokens (``formatData`` in circuit-tracer's ``util-cg.js``).
    """

    def counted_as(node: Any) -> tuple[Any, ...]:
        error = "error" in node["feature_type"]
        return node["layer"], node["feature"], node["ctx_idx"] if error else None

    counts = Counter(map(counted_as, data["nodes"]))
    most = len(data["metadata"]["prompt_tokens"]) * 2 / 3
    return {node["node_id"] for node in data["nodes"] if counts[counted_as(node)] > most}


@pytest.mark.parametrize("settings", [{}, {"image": np.ones(4), "most": 3}], ids=["all", "most"])
def test_viewers_drop_no_node_as_one_that_occurs_everywhere(settings: dict[str, Any]) -> None:
    data = to_attribution_graph(a_graph(), "graph", **settings)
    assert dropped(data) == set()
    assert len({node["jsNodeId"] for node in data["nodes"]}) == len(data["nodes"])
    places = {tuple(node["node"]): node["ctx_idx"] for node in data["nodes"]}
    assert places.pop(("input",)) == 0
    assert set(places.values()) == {1}
    assert ("rest" in {name for name, *_ in places}) == bool(settings)
    # With one token, as the files once were, nothing would be left.
    for node in data["nodes"]:
        node["ctx_idx"] = 0
    del data["metadata"]["prompt_tokens"][1:]
    assert dropped(data) == rows(data).keys()


def test_the_list_of_a_folder_has_the_newest_graph_of_every_slug(tmp_path: Path) -> None:
    """As ``add_graph_metadata`` of circuit-tracer keeps it; its page asks for ``<slug>.json``."""
    others = [{"slug": "theirs", "scan": "a"}, {"slug": "three", "scan": "b"}]
    (tmp_path / LIST).write_text(json.dumps({"graphs": others, "kept": 1}))
    for name, slug in (("three", None), ("four", "four"), ("five", "other")):
        save_attribution_graph(a_graph(), tmp_path / f"{name}.json", slug)
    listed = json.loads((tmp_path / LIST).read_text())
    assert listed["kept"] == 1
    assert [graph["slug"] for graph in listed["graphs"]] == ["theirs", "three", "four"]
    assert listed["graphs"][0] == others[0]
    for graph in listed["graphs"][1:]:
        data = json.loads((tmp_path / f"{graph['slug']}.json").read_text())
        assert graph == data["metadata"]


@pytest.mark.parametrize("text", ["[]", '{"graphs": {}}', '{"graphs": ["three"]}', "graphs"])
def test_what_is_no_list_of_graphs_is_left_alone(tmp_path: Path, text: str) -> None:
    (tmp_path / LIST).write_text(text)
    with pytest.raises(NumericError, match=r"metadata.json to list graphs as|to be JSON, got"):
        save_attribution_graph(a_graph(), tmp_path / "three.json")
    with pytest.raises(NumericError, match=f"expected a name other than {LIST}"):
        save_attribution_graph(a_graph(), tmp_path / LIST)
    assert [(file.name, file.read_text()) for file in tmp_path.iterdir()] == [(LIST, text)]


def test_logits_are_the_rewritten_network_s(image: npt.NDArray[Any]) -> None:
    graph = a_graph()
    logits = rewrite(graph)(torch.from_numpy(image.ravel()))
    probabilities = logits.softmax(-1).tolist()
    nodes = rows(to_attribution_graph(graph, "three", image=image))
    for c, probability in enumerate(probabilities):
        node = nodes[f"4_{c}_1"]
        assert math.isclose(node["activation"], logits[c], rel_tol=1e-12)
        assert math.isclose(node["token_prob"], probability, rel_tol=1e-12)
        assert node["is_target_logit"] == (probability == max(probabilities))
        # As viewers take it apart: the token between quotes, the probability after (p=.
        assert node["clerp"].split('"')[1] == str(c)
        assert float(node["clerp"].split("(p=")[1].split(")")[0]) == round(probability, 3)


@pytest.mark.parametrize("shown", [True, False], ids=["image", "weights"])
def test_features_that_were_cut_and_residuals_take_no_part(
    image: npt.NDArray[Any], shown: bool
) -> None:
    graph, without = a_graph(), a_graph()
    for k in (1, 2):
        graph.nodes["feature", 1, k]["cut"] = True
        without.remove_node(("feature", 1, k))
    graph.add_node(("residual", 1), bound=0.25)
    graph.add_edge(("residual", 1), ("logit", 1), weight=1.0)
    nodes = graph.number_of_nodes()
    settings = {"image": image} if shown else {}
    data = to_attribution_graph(graph, "cut", **settings)
    expected = to_attribution_graph(without, "cut", **settings)
    assert (data["metadata"].pop("features_cut"), graph.number_of_nodes()) == (2, nodes)
    assert expected["metadata"].pop("features_cut") == 0
    assert data == expected


def test_logits_of_a_pruned_graph_are_those_without_its_residuals(
    image: npt.NDArray[Any],
) -> None:
    graph, point = prune(a_graph(), features=5), torch.from_numpy(image.ravel())
    data = to_attribution_graph(graph, "pruned", image=image, most=3)
    found = [rows(data)[f"4_{c}_1"]["activation"] for c in (0, 1)]
    assert found == pytest.approx(rewrite(graph)(point).tolist(), rel=1e-12)
    assert found != pytest.approx(rewrite(graph, residuals=True)(point).tolist(), rel=1e-3)
    assert (data["metadata"]["features_cut"], data["metadata"]["features_left_out"]) == (7, 2)
    rest = [node for node in data["nodes"] if node["node"][0] == "rest"]
    assert rest
    gone = {node for node, cut in graph.nodes(data="cut", default=False) if cut}
    assert not gone & {tuple(node["node"]) for node in data["nodes"]}


def test_without_an_image_links_are_the_graph_s_weights() -> None:
    graph = a_graph()
    data = to_attribution_graph(graph, "weights")
    names = {node["node_id"]: tuple(node["node"]) for node in data["nodes"]}
    assert {
        (names[link["source"]], names[link["target"]]): link["weight"] for link in data["links"]
    } == {(u, v): weight for u, v, weight in graph.edges(data="weight")}
    assert {node["activation"] for node in data["nodes"]} == {None}
    assert data["metadata"]["links"] == "weights"
    assert [node["token_prob"] for node in data["nodes"] if node["feature_type"] == "logit"] == [
        0.5,
        0.5,
    ]
    assert all("(p=" in node["clerp"] for node in data["nodes"] if node["layer"] == "4")


def test_layers_rise_and_features_are_paired_as_viewers_undo_it() -> None:
    for node in to_attribution_graph(a_graph(), "graph")["nodes"]:
        kind, *places = node["node"]
        if kind in ("feature", "form"):
            layer, index = 2 * places[0] - (kind == "feature"), places[1]
            assert (node["layer"], node["node_id"]) == (str(layer), f"{layer}_{index}_1")
            # Neuronpedia's getLayerFromCantorValue and getIndexFromCantorValue.
            w = math.floor((math.sqrt(8 * node["feature"] + 1) - 1) / 2)
            y = node["feature"] - (w * w + w) // 2
            assert (w - y, y) == (layer, index)


@pytest.mark.parametrize("most", [0, 1, 5, 100])
def test_features_beyond_most_are_counted_and_their_sums_kept(
    image: npt.NDArray[Any], most: int
) -> None:
    graph = a_graph()
    whole = to_attribution_graph(graph, "graph", image=image)
    data = to_attribution_graph(graph, "graph", image=image, most=most)
    features = [node for node in data["nodes"] if node["node"][0] == "feature"]
    count = sum(node[0] == "feature" for node in graph)
    assert len(features) == min(most, count)
    assert data["metadata"]["features_left_out"] == count - len(features)
    others = [node for node in rows(whole).values() if node["node"][0] != "feature"]
    assert {node["node_id"] for node in others} <= rows(data).keys()
    kept = {node["node_id"] for node in features}
    shares = {
        i: node["influence"] for i, node in rows(whole).items() if node["node"][0] == "feature"
    }
    assert all(shares[i] <= share for i in kept for j, share in shares.items() if j not in kept)
    for identity, node in rows(data).items():
        into = [link["weight"] for link in data["links"] if link["target"] == identity]
        if node["activation"] is not None:
            size = sum(map(abs, into)) + abs(node["activation"])
            assert abs(sum(into) - node["activation"]) <= 1e-12 * size
    rest = [node for node in data["nodes"] if node["feature_type"] == "mlp reconstruction error"]
    assert len(rest) == len({tuple(node["node"]) for node in rest}) <= 2
    assert bool(rest) == (most < count)


def test_without_an_image_nothing_stands_for_features_left_out() -> None:
    data = to_attribution_graph(a_graph(), "graph", most=2)
    assert data["metadata"]["features_left_out"] == 10
    assert not [node for node in data["nodes"] if node["node"][0] == "rest"]


def test_without_an_image_the_scale_of_a_reading_is_nothing() -> None:
    graph, scaled = a_graph(), a_graph()
    for source, target, edge in scaled.edges(data=True):
        for node, power in ((source, -2), (target, 1)):
            if node == ("feature", 2, 1):
                for name in {"weight", "weight_low"} & edge.keys():
                    edge[name] *= 8.0**power
    for name in {"direction", "direction_low"} & scaled.nodes["feature", 1, 1].keys():
        scaled.nodes["feature", 1, 1][name] *= 4
    for _, _, edge in scaled.out_edges(("feature", 1, 1), data=True):
        edge["weight"] /= 16
    first, second = (rows(to_attribution_graph(one, "graph")) for one in (graph, scaled))
    for identity, node in first.items():
        assert node["influence"] == pytest.approx(second[identity]["influence"])


@pytest.mark.parametrize("image", [None, np.ones(4)], ids=["weights", "image"])
def test_influence_is_a_share_that_hides_nothing(image: Any) -> None:
    data = to_attribution_graph(a_graph(), "graph", image=image)
    shares = [n["influence"] for n in data["nodes"] if n["feature_type"] != "logit"]
    assert all(0 < share <= data["metadata"]["node_threshold"] == 1 for share in shares)
    assert max(shares) == 1
    assert {n["influence"] for n in data["nodes"] if n["feature_type"] == "logit"} == {None}


def test_pictures_show_the_direction_red_where_it_is_positive() -> None:
    graph = a_graph()
    direction = np.array([9.0, 1.0, -1.0, 0.0, 0.5])
    graph.nodes["feature", 1, 0]["direction"] = direction
    nodes = rows(to_attribution_graph(graph, "graph"))
    kind, text = nodes["1_0_1"]["picture"].split(",")
    assert kind == "data:image/png;base64"
    pixels = imread(io.BytesIO(base64.b64decode(text)), format="png")
    assert pixels.shape == (2, 2, 4)
    red, blue = pixels[..., 0], pixels[..., 2]
    assert red[0, 0] > blue[0, 0] + 0.2
    assert blue[0, 1] > red[0, 1] + 0.2
    assert abs(red[1, 0] - blue[1, 0]) < 0.05
    assert {i for i, n in nodes.items() if "picture" in n} == {
        i for i, n in nodes.items() if "direction" in graph.nodes[tuple(n["node"])]
    }
    plain = to_attribution_graph(graph, "graph", pictures=False)
    assert not [node for node in plain["nodes"] if "picture" in node]


def test_the_first_row_of_a_picture_is_the_upper_one_in_any_style() -> None:
    graph = a_graph()
    expected = to_attribution_graph(graph, "graph")
    with rc_context({"image.origin": "lower"}):
        assert to_attribution_graph(graph, "graph") == expected
    graph.nodes["feature", 1, 0]["direction"][1] += 1
    assert to_attribution_graph(graph, "graph") != expected


def test_mnist_s_pictures_are_28_by_28_and_other_inputs_rows() -> None:
    for inputs, shape in ((784, (28, 28)), (6, (1, 6))):
        graph = trace(BilinearNetwork(inputs, 1, depth=1, hidden=1), "polarized")
        text = rows(to_attribution_graph(graph, "graph"))["1_0_1"]["picture"].split(",")[1]
        assert imread(io.BytesIO(base64.b64decode(text)), format="png").shape[:2] == shape


@pytest.mark.props
@given(graph=edited_graphs(), data=st.data())
def test_any_graph_makes_a_valid_file(folder: Path, graph: Graph, data: st.DataObject) -> None:
    size = graph.nodes["input",]["size"]
    image = data.draw(st.sampled_from([None, np.linspace(-1, 1, size), np.zeros(size)]))
    most = data.draw(st.none() | st.integers(0, 6))
    save_attribution_graph(graph, folder / "any.json", image=image, most=most, pictures=False)
    check_attribution_graph(json.loads((folder / "any.json").read_text()))
    loaded = load_attribution_graph(folder / "any.json")
    names = {tuple(data["node"]) for _, data in loaded.nodes(data=True)}
    missing = set(graph) - names
    assert all(node[0] == "feature" for node in missing)
    assert loaded.graph["metadata"]["features_left_out"] == len(missing)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"image": np.ones(5)}, "expected image to hold 4 numbers, got 5"),
        ({"image": [1, 2, 3, math.nan]}, r"expected image to hold finite numbers, got \[1, 2, 3"),
        ({"image": "image"}, "expected image to hold finite numbers, got 'image'"),
        ({"image": np.full(4, 1e200)}, "values on the image that float64 holds"),
        ({"most": -1}, "expected most to be an integer of at least 0, got -1"),
        ({"most": 2.0}, "expected most to be an integer of at least 0, got 2.0"),
        ({"prompt": None}, r"prompt_tokens of metadata of the attribution graph to be of type str"),
        ({"scan": 3}, "expected scan of metadata of the attribution graph to be of type string"),
    ],
    ids=range(8),
)
def test_other_settings_are_refused_by_name(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(NumericError, match=message):
        to_attribution_graph(a_graph(), "graph", **settings)


def test_weights_beyond_float64_are_refused() -> None:
    graph = a_graph()
    graph.nodes["feature", 1, 0]["direction"][1] = 1e200
    with pytest.raises(NumericError, match="expected readings whose squares float64 holds"):
        to_attribution_graph(graph, "graph")


# The check of attribution graphs


def test_the_fields_are_those_of_the_viewers() -> None:
    """As circuit-tracer's ``graph_models.py`` and Neuronpedia's ``graph-schema.json`` list them."""
    required = {part: {n for n in fields if n[-1] != "?"} for part, fields in FIELDS.items()}
    assert required["metadata"] == {"slug", "scan", "transcoder_list", "prompt_tokens", "prompt"}
    assert required["qParams"] == {"pinnedIds", "supernodes", "linkType", "clickedId", "sg_pos"}
    assert required["nodes"] == {
        *("node_id", "feature", "layer", "ctx_idx", "feature_type", "jsNodeId", "clerp")
    }
    assert required["links"] == {"source", "target", "weight"}


MISSING = [
    (part, field.removesuffix("?"), field[-1] != "?")
    for part, fields in FIELDS.items()
    for field in fields
]


def test_fields_that_circuit_tracer_leaves_empty_may_be_null() -> None:
    data = to_attribution_graph(a_graph(), "graph", pictures=False)
    data["metadata"] |= {"node_threshold": None, "schema_version": None}
    data["nodes"][3] |= {"influence": None, "activation": None}
    check_attribution_graph(data)
    data["metadata"]["slug"] = None
    with pytest.raises(NumericError, match="expected slug of metadata of data to be of type"):
        check_attribution_graph(data)


@pytest.mark.parametrize(("part", "field", "required"), MISSING, ids=str)
def test_every_field_is_checked(part: str, field: str, required: bool) -> None:
    for wrong in (None, object(), b"bytes"):
        data = to_attribution_graph(a_graph(), "graph", pictures=False)
        place = data if part == "the file" else data[part]
        place = place[3] if isinstance(place, list) else place
        place.pop(field, None)
        if wrong is None:
            if required:
                with pytest.raises(NumericError, match=f"expected {field} of .*, got nothing"):
                    check_attribution_graph(data)
            else:
                check_attribution_graph(data)
        else:
            place[field] = wrong
            with pytest.raises(NumericError, match=f"expected {field} of .* to be of type"):
                check_attribution_graph(data)


@pytest.mark.parametrize(
    ("alter", "message"),
    [
        (put("nodes", 2, "node_id", "1_0_1"), r"every node_id once, got '1_0_1' in nodes\[2\]"),
        (put("links", 2, "source", "9_9_9"), "expected data to have a node '9_9_9'"),
        (put("links", 2, "target", "9_9_9"), "expected data to have a node '9_9_9'"),
        (put("qParams", "pinnedIds", ["9_9_9"]), "expected data to have a node '9_9_9'"),
        (put("qParams", "clickedId", "9_9_9"), "expected data to have a node '9_9_9'"),
        (put("qParams", "supernodes", [["a"], "b"]), "of type lists of strings"),
        (put("nodes", 2, "layer", "first"), r"layer of nodes\[2\] of data to be 'E' or a number"),
        (put("nodes", 2, "layer", "²"), r"layer of nodes\[2\] of data to be 'E' or a number"),
        (put("nodes", 2, "layer", 2), r"layer of nodes\[2\] of data to be of type string, got 2"),
        (put("nodes", 2, "ctx_idx", 2), r"ctx_idx of nodes\[2\] of data to count one of the 2 pr"),
        (put("nodes", 2, "ctx_idx", -1), r"ctx_idx of nodes\[2\] of data to count one of the 2"),
        (
            put(*("nodes", 2, "feature", True)),
            r"feature of nodes\[2\] of data to be of type integer",
        ),
        (put("nodes", -1, "clerp", "zero"), "a logit, to give its probability as"),
        (put("links", 2, "weight", math.nan), r"weight of links\[2\] of data to be of type number"),
        (put("links", 2, "weight", 10**400), r"weight of links\[2\] of data to be of type number"),
        (put("links", 2, []), r"expected links of data|expected links\[2\]|links of data to be"),
    ],
    ids=range(16),
)
def test_a_file_that_viewers_would_stumble_over_is_refused(
    alter: Callable[[Any], Any], message: str
) -> None:
    data = to_attribution_graph(a_graph(), "graph", pictures=False)
    assert data["nodes"][-1]["feature_type"] == "logit"
    alter(data)
    with pytest.raises(NumericError, match=message):
        check_attribution_graph(data)


def test_fields_of_others_and_labels_of_nothing_pass(tmp_path: Path) -> None:
    data = to_attribution_graph(a_graph(), "graph", pictures=False)
    data["metadata"]["info"] = {"creator_name": "someone"}
    data["nodes"][-1]["clerp"] = ""
    data["qParams"] |= {"pinnedIds": ["1_0_1"], "clickedId": "1_0_1", "hiddenIds": []}
    data["links"][0]["color"] = "red"
    (tmp_path / "graph.json").write_text(json.dumps(data))
    loaded = load_attribution_graph(tmp_path / "graph.json")
    assert loaded.edges["E_0_0", data["links"][0]["target"]]["color"] == "red"


def test_a_link_that_stands_twice_is_refused(tmp_path: Path) -> None:
    data = to_attribution_graph(a_graph(), "graph", pictures=False)
    data["links"].append(data["links"][0])
    (tmp_path / "graph.json").write_text(json.dumps(data))
    with pytest.raises(NumericError, match=r"every link of .* once, got E_0_0 → "):
        load_attribution_graph(tmp_path / "graph.json")
