"""The report: one page that is whole, stands alone and hides nothing that fails."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import image
from matplotlib.figure import Figure

from numeric import (
    BilinearNetwork,
    Layer,
    NumericError,
    fidelity,
    save_graph,
    square_layers,
    trace,
)
from numeric.features.bonds import canonical_bonds
from numeric.networks.configuration import Configuration
from numeric.networks.training import Epoch, Recipe
from proofs import Certificate, Claim, Level, prove
from proofs.report import page as report_module
from proofs.report.explorer import explorer_data
from proofs.report.folder import cut_frontier
from proofs.report.page import write_page
from proofs.report.pictures import all_pictures
from tests.digits import small_digits
from tests.weights import within_one_over_the_root

DIGITS = small_digits()
VOID = {"meta", "img", "br", "hr", "link", "input"}


class Page(HTMLParser):
    """A page taken apart; a tag that is not closed where it should be is an error."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.texts: list[tuple[str, str]] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.texts.append((self.open[-1] if self.open else "", data))

    @property
    def text(self) -> str:
        return " ".join(" ".join(data for _, data in self.texts).split())

    def values(self, tag: str, name: str) -> list[str]:
        return [value for at, key, value in self.attributes if (at, key) == (tag, name)]


def network(depth: int = 2, **shape: Any) -> BilinearNetwork:
    return within_one_over_the_root(BilinearNetwork(9, 3, depth=depth, width=4, hidden=5, **shape))


def report(
    folder: Path,
    model: BilinearNetwork,
    certificate: Certificate | None = None,
    *,
    drawn: bool = False,
    explorer: Mapping[str, Any] | None = None,
    name: str | None = None,
    **graphs: Any,
) -> Page:
    """The page about a network, with its pictures or with an empty one."""
    graphs = graphs or {method: trace(model, method) for method in ("polarized", "eigen")}
    if certificate is None:
        certificate = prove(model, list(graphs.values()), DIGITS)
    frontier = cut_frontier(graphs["shared"], model, DIGITS) if "shared" in graphs else []
    figures: Mapping[str, Figure] = {"digits": Figure()}
    if drawn:
        eigen, shared = (square_layers(graphs[method]) for method in ("eigen", "shared"))
        figures = all_pictures(model.layers(), eigen, shared, [Epoch(1.0, 0.5)], frontier)
    (folder / "pictures").mkdir(parents=True)
    for picture, figure in figures.items():
        figure.savefig(folder / "pictures" / f"{picture}.png", dpi=30)
    write_page(folder, model, Recipe(epochs=1), certificate, graphs, frontier, explorer, name=name)
    return Page((folder / "report.html").read_text(encoding="utf-8"))


def all_graphs(model: BilinearNetwork) -> dict[str, Any]:
    return {name: graph.copy() for name, graph in _traced(model.configuration).items()}


@cache
def _traced(configuration: Configuration) -> dict[str, Any]:
    model = within_one_over_the_root(BilinearNetwork.from_configuration(configuration))
    graphs = {method: trace(model, method) for method in ("polarized", "eigen")}
    components = None if configuration.depth == 1 else 2
    return graphs | {"shared": trace(model, "shared", features=16, components=components)}


def shared_page(path: Path, model: BilinearNetwork, **attributes: Any) -> Page:
    """The page of a network whose shared graph has other attributes; None for none."""
    graphs = all_graphs(model)
    for name, value in attributes.items():
        graphs["shared"].graph[name] = value
        if value is None:
            del graphs["shared"].graph[name]
    return report(path, model, **graphs)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("report")
    report(path, network(), drawn=True, **all_graphs(network()))
    return path


@pytest.fixture
def page(folder: Path) -> Page:
    return Page((folder / "report.html").read_text(encoding="utf-8"))


# The page


@pytest.mark.parametrize(
    "shape", [{"depth": 1}, {"depth": 3, "residual": True}, {"depth": 1, "embedding": True}]
)
def test_the_page_is_whole_for_a_network_of_any_shape(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    page = report(tmp_path, network(**shape))
    layers = "layer" if shape["depth"] == 1 else "layers"
    assert f"A stack of {shape['depth']} bilinear {layers}" in page.text


def test_the_page_is_valid_in_what_readers_need(page: Page, folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")
    assert page.values("html", "lang") == ["en"]
    assert page.values("meta", "charset") == ["utf-8"]
    assert all(page.values("img", "alt"))
    assert len(page.values("img", "alt")) == len(page.values("img", "src"))


def test_the_page_refers_to_nothing_outside_of_itself(page: Page, folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    text = re.sub("base64,[A-Za-z0-9+/=]*", "", text)
    assert not re.search(r"https?:|//[a-z]|@import|url\(|<script|<link|<iframe", text)
    for _, name, value in page.attributes:
        if name in ("src", "href", "srcset", "data", "action", "poster"):
            assert value.startswith(("data:image/png;base64,", "#"))


def test_the_pictures_stand_in_the_page(page: Page, folder: Path) -> None:
    names = [
        "digits",
        "forms-of-layer-1",
        "shared-digits",
        "shared-forms-of-layer-1",
        "frontier",
        "training",
    ]
    sources = page.values("img", "src")
    assert len(sources) == len(names)
    for name, source in zip(names, sources, strict=True):
        content = base64.b64decode(source.removeprefix("data:image/png;base64,"), validate=True)
        assert content == (folder / "pictures" / f"{name}.png").read_bytes()
        assert image.imread(io.BytesIO(content), format="png").size


def test_every_caption_names_the_graph_whose_features_it_shows(folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    found = re.findall(r"base64,[^>]*>\s*<figcaption>(.*?)</figcaption>", text, re.DOTALL)
    assert len(found) == 4
    named = [re.findall(r"the <em>(\w+)</em> graph", caption) for caption in found]
    assert named == [["eigen"], ["eigen"], ["shared"], ["shared"]]


def test_a_page_without_a_training_has_no_picture_of_it(tmp_path: Path) -> None:
    assert len(report(tmp_path, network(1)).values("img", "src")) == 1


def test_one_file_is_written(folder: Path) -> None:
    assert sorted(entry.name for entry in folder.iterdir()) == ["pictures", "report.html"]


def test_the_same_run_gives_the_same_page(folder: Path, tmp_path: Path) -> None:
    report(tmp_path, network(), drawn=True, **all_graphs(network()))
    assert (tmp_path / "report.html").read_bytes() == (folder / "report.html").read_bytes()


# The explorer, which test_explorer_page.py opens in a browser


@pytest.fixture(scope="module")
def explored(tmp_path_factory: pytest.TempPathFactory) -> str:
    path, model = tmp_path_factory.mktemp("explored"), network()
    graphs = all_graphs(model)
    data = explorer_data(graphs["shared"], model, DIGITS)
    report(path, model, drawn=True, explorer=data, **graphs)
    return (path / "report.html").read_text(encoding="utf-8")


def test_a_page_with_an_explorer_refers_to_nothing_outside_of_itself(explored: str) -> None:
    page = Page(re.sub("<script.*?</script>", "", explored, flags=re.DOTALL))
    for _, name, value in page.attributes:
        if name in ("src", "href", "srcset", "data", "action", "poster"):
            assert value.startswith(("data:image/png;base64,", "#"))
    anchors = [value for _, name, value in page.attributes if name == "href"]
    names = [value for _, name, value in page.attributes if name == "id"]
    assert {anchor.removeprefix("#") for anchor in anchors} <= set(names)
    assert len(names) == len(set(names))
    assert "https:" not in explored
    assert "http:" not in explored


def test_the_policy_of_the_page_allows_its_own_style_and_script(explored: str) -> None:
    (policy,) = re.findall('Content-Security-Policy" content="(.*?)"', explored)
    for tag in ("style", "script"):
        (inner,) = re.findall(f"<{tag}>(.*?)</{tag}>", explored, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html.unescape(policy)


def test_a_page_without_an_explorer_has_no_script(page: Page, folder: Path) -> None:
    text = (folder / "report.html").read_text(encoding="utf-8")
    assert "script-src 'none'" in html.unescape(text)
    assert "Explore the graph" not in page.text


def test_the_pictures_that_the_explorer_replaces_are_left_out(explored: str) -> None:
    page = Page(explored)
    alts = " ".join(page.values("img", "alt"))
    assert len(page.values("img", "alt")) == 3
    assert "shared" not in alts
    assert "hidden forms" not in alts


def test_what_the_data_of_the_explorer_says_is_text_and_never_html(tmp_path: Path) -> None:
    nasty, model = "</script><script>alert(1)</script>", network()
    graphs = all_graphs(model)
    claim = Claim(f"shared: {nasty}", Level.EXACT, nasty, holds=True)
    data = explorer_data(graphs["shared"], model, DIGITS, [claim])
    report(tmp_path, model, explorer=data, **graphs)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert nasty not in text
    (found,) = re.findall('id="explorer-data">(.*?)</script>', text)
    assert json.loads(found)["claims"][0]["statement"] == nasty


# What it says


def test_the_page_says_what_the_network_is(page: Page) -> None:
    assert "a polynomial of degree 4 in 9 pixels" in page.text
    assert "up to 715 monomials for each of its 3 outputs" in page.text
    assert "192 weights" in page.text
    assert "epochs 1" in page.text
    assert "hidden 5" in page.text


def test_the_page_counts_features_forms_and_edges(page: Page) -> None:
    graphs = all_graphs(network())
    for method, graph in graphs.items():
        layers = [node[1] for node in graph if node[0] == "feature"]
        features = f"{layers.count(1)}, {layers.count(2)}"
        forms = sum(node[0] == "form" for node in graph)
        edges = sum(source[0] != "residual" for source, _ in graph.edges)
        row = f"{method} {features} {forms} {edges}"
        assert row in page.text
    assert f"{sum(node[0] == 'feature' for node in graphs['eigen'])} eigenfeatures" in page.text


def test_the_page_states_every_claim_with_its_level_and_verdict(page: Page) -> None:
    model = network()
    certificate = prove(model, list(all_graphs(model).values()), DIGITS)
    count = len(certificate.claims)
    assert f"{count} of {count} claims hold" in page.text
    for claim in certificate.claims:
        assert " ".join(claim.statement.split()) in page.text
        assert claim.level.meaning in page.text
    assert page.values("td", "class").count("holds") == count
    assert "fails" not in page.values("td", "class") + page.values("b", "class")


def test_the_page_says_how_many_test_images_are_labelled_correctly(tmp_path: Path) -> None:
    model = network(1)
    certificate = prove(model, trace(model), DIGITS)
    right = next(
        claim.evidence["right class"]
        for claim in certificate.claims
        if claim.name == "torch float32: rounding"
    )
    page = report(tmp_path, model)
    assert f"{100 * right / 12:.2f} % of the test images labelled correctly" in page.text


def test_a_claim_that_fails_is_shown_as_failing_and_where(tmp_path: Path) -> None:
    model = network()
    graphs = {method: trace(model, method) for method in ("polarized", "eigen")}
    graphs["polarized"].remove_node(("feature", 1, 0))
    certificate = prove(model, list(graphs.values()), DIGITS)
    failing = [claim for claim in certificate.claims if not claim.holds]
    assert len(failing) == 2
    page = report(tmp_path, model, certificate, **graphs)
    count = len(certificate.claims)
    assert f"{count - 2} of {count} claims hold" in page.text
    assert page.values("td", "class").count("fails") == 2
    assert page.values("td", "class").count("holds") == count - 2
    assert page.values("b", "class") == ["fails", "fails"]  # among the contents, and on the card
    for claim in failing:
        assert claim.failure is not None
        assert claim.failure in page.text
    top = page.text.index("claims fail:")
    levels = [
        page.text.index(level) for level in ("exact : ", "bounded : ", "identities in symbols say")
    ]
    assert top < levels[0]
    assert levels == sorted(levels)
    for claim in failing:
        assert page.text.index(claim.statement) < levels[0]


def test_what_a_claim_says_is_text_and_never_html(tmp_path: Path) -> None:
    model = network(1)
    certificate = prove(model, trace(model), DIGITS)
    nasty = """<script>alert("1")</script> & 'x' < y</td>"""
    claim = Claim(nasty, Level.EXACT, nasty, holds=False, failure=f"At {nasty}", theorem=None)
    certificate = replace(certificate, claims=(claim, *certificate.claims), versions={nasty: nasty})
    graph = trace(model)
    page = report(tmp_path, model, certificate, eigen=graph, **{nasty: graph})
    assert page.text.count(nasty) == 8
    assert html.escape(nasty) not in page.text
    assert "<script" not in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("shape", [{"depth": 1}, {"depth": 2}, {"depth": 1, "embedding": True}])
def test_what_the_page_tells_to_type_works(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shape: dict[str, Any]
) -> None:
    model = network(**shape)
    page = report(tmp_path, model)
    save_graph(trace(model), tmp_path / "graph-eigen.safetensors")
    (program,) = (data for tag, data in page.texts if tag == "pre")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(program, names)  # noqa: S102 -- the page tells the reader to
    last = len(model.layers())
    assert ("feature", last, 0) not in names["graph"]
    assert ("feature", last, 1) in names["graph"]
    assert names["module"].depth == last


def test_the_title_names_the_network_by_its_hash_or_as_it_is_called(tmp_path: Path) -> None:
    model = network()
    page = report(tmp_path / "one", model)
    mark = trace(model).graph["network"]
    assert ("title", f"{mark[:8]}: what this network computes") in page.texts
    assert ("h1", f"What the network {mark[:8]} computes") in page.texts
    assert mark[:16] in page.text
    named = report(tmp_path / "two", model, name="<wide>")
    assert ("h1", "What the network <wide> computes") in named.texts


# Few features


def test_without_a_shared_graph_nothing_is_said_of_few_features(tmp_path: Path) -> None:
    page = report(tmp_path, network())
    assert "Few features" not in page.text
    assert "shared" not in page.text


def test_the_page_says_that_few_features_are_measured_and_not_proved(page: Page) -> None:
    headings = [data for tag, data in page.texts if tag == "h2"]
    assert headings[:4] == [
        "The network",
        "What it computes, feature by feature",
        "Few features",
        "What is proved, and what is measured",
    ]
    (section,) = re.findall("Few features(.*)What is proved, and what", page.text)
    assert "nothing in this section is proved" in section
    assert "It is measured on the 12 test images" in section


def test_the_page_says_how_few_features_were_found(page: Page) -> None:
    graph = all_graphs(network())["shared"]
    kept = graph.graph["sizes"][1] - 1
    assert f"the first ones stay: {kept} of 4 in hidden state 1." in page.text
    assert "the metric here is pixels alike ." in page.text
    layers = [node[1] for node in graph if node[0] == "feature"]
    for number, error in enumerate(graph.graph["errors"], start=1):
        assert f"{number} {layers.count(number)} {100 * error:.2f} %" in page.text


def test_the_page_says_what_few_features_keep(page: Page) -> None:
    model = network()
    graph = all_graphs(model)["shared"]
    found = fidelity(graph, model, DIGITS)
    low, high = (f"{100 * end:.2f} %" for end in found.interval)
    agreement, accuracy = f"{100 * found.agreement:.2f} %", f"{100 * found.accuracy:.2f} %"
    for statement in (
        f"16 shared features keep {agreement} of the predictions",
        f"network {agreement} of the test images (95 % interval: {low} to {high})",
        f"right label {accuracy}, where the network has",
        f"{found.largest:.2g} at most, {found.mean:.2g} on average",
        f"{found.divergence:.2g} nats on average",
        f"share of the squared norm {100 * found.norm:.2f} %, from the weights alone",
        f"edges, but for those from the input {found.edges}",
    ):
        assert statement in page.text
    for row in cut_frontier(graph, model, DIGITS):
        shares = [row.agreement, *row.interval, row.accuracy, row.norm]
        texts = [f"{100 * share:.2f} %" for share in shares]
        assert "{} {} {} to {} {} {}".format(row.features, *texts) in page.text


@pytest.mark.parametrize(
    ("groups", "said", "unsaid"),
    [
        ([[[2, 3]]], "determined of components 2, 3 of hidden state 1.", "told from one another"),
        ([[[1, 2], [3, 4]]], "determined of components 1, 2 of hidden state 1.", "components 3"),
        ([[[3, 4]]], "told from one another by their singular values", "components 3"),
        ([[]], "told from one another by their singular values", "Only the span"),
    ],
)
def test_components_are_undetermined_where_one_of_a_group_stays(
    tmp_path: Path, groups: list[Any], said: str, unsaid: str
) -> None:
    """Two of four components stay."""
    page = shared_page(tmp_path, network(), undetermined_components=groups)
    assert "the first ones stay: 2 of 4 in hidden state 1." in page.text
    assert said in page.text
    assert unsaid not in page.text


def test_all_groups_are_named(tmp_path: Path) -> None:
    groups = {
        "undetermined_components": [[[1, 2]]],
        "undetermined_features": [[], [[0, 4], [5, 6]]],
    }
    page = shared_page(tmp_path, network(), **groups)
    assert (
        "Only the span is determined of components 1, 2 of hidden state 1; of features 0, 4 of "
        "layer 2; of features 5, 6 of layer 2." in page.text
    )


def test_a_metric_that_was_given_is_named_as_such(tmp_path: Path) -> None:
    model, metric = network(), np.diag([1.0, *[2.0] * 9])
    graphs = all_graphs(model) | {"shared": trace(model, "shared", features=8, metric=metric)}
    page = report(tmp_path, model, **graphs)
    assert "the metric here is given ." in page.text


def test_what_a_graph_does_not_say_is_not_known(tmp_path: Path) -> None:
    unknown = ("metric", "errors", "singular_values", "undetermined_components")
    page = shared_page(tmp_path, network(), **dict.fromkeys(unknown))
    assert "the metric here is not known ." in page.text
    assert page.text.count("not known") == 3


# The check of the bases


@pytest.mark.parametrize("shape", [{"depth": 2}, {"depth": 3, "residual": True}, {"bias": False}])
def test_the_totals_of_the_bases_are_the_same_to_rounding(
    tmp_path: Path, shape: dict[str, Any]
) -> None:
    model = network(**shape)
    page = report(tmp_path, model, **all_graphs(model))
    assert report_module._spread(model.layers()) < 1e-13
    assert "These were computed in two ways, and " in page.text
    assert page.values("span", "class") == ["holds"]


@pytest.mark.parametrize("factor", [1 - 1e-6, 1 + 1e-6, 2.0, 0.0, math.nan])
def test_totals_that_differ_by_more_than_rounding_are_shown_as_failing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    def wrong(*arguments: Any) -> list[Any]:
        *others, last = canonical_bonds(*arguments)
        return [*others, replace(last, total=factor * last.total)]

    monkeypatch.setattr(report_module, "canonical_bonds", wrong)
    model = network(3)
    page = report(tmp_path, model, **all_graphs(model))
    assert page.values("span", "class") == ["fails"]
    assert "of their size, which is more than rounding ." in page.text


def test_a_network_without_hidden_states_has_no_bases_to_check(tmp_path: Path) -> None:
    model = network(1)
    page = report(tmp_path, model, **all_graphs(model))
    assert "Few features" in page.text
    assert "A check of the bases" not in page.text
    assert "told from one another" not in page.text
    assert page.values("span", "class") == []


def test_a_network_of_zeros_draws_nothing_from_any_basis() -> None:
    zeros = [Layer(*(0 * array for array in layer)) for layer in network().double().layers()]
    zeros[0].linear[0, 0] = 1
    assert report_module._spread(zeros) == 0


# Where it cannot be written


def test_a_page_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "report.html").mkdir()
    with pytest.raises(NumericError, match=r"expected to write .*report\.html"):
        report(tmp_path, network(1))
