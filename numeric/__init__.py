"""Floating point: networks, training, and the features and graphs read from their weights."""

from numeric.comparison.differences import Difference, difference, differences
from numeric.comparison.hidden_states import bond_cosines
from numeric.comparison.inner_products import (
    gaussian_inner_product,
    similarity,
    tensor_inner_product,
)
from numeric.comparison.kept_features import exchanged_features
from numeric.comparison.matching import match, matched_across, redrawn
from numeric.data.digits import Digits
from numeric.data.loading import load_data
from numeric.data.mnist import load_mnist
from numeric.data.shapes import InputShape
from numeric.errors import NumericError
from numeric.explanation.attributions import integrated_gradients, shapley_values
from numeric.explanation.explanations import Explanation, explain
from numeric.explanation.interventions import ablate, scale, set_value
from numeric.explanation.responses import Effect, effect, node_values, response
from numeric.explanation.showing import show
from numeric.graphs.fidelity import Fidelity, fidelity, frontier
from numeric.graphs.graph import square_layers
from numeric.graphs.graph_files import load_graph, save_graph
from numeric.graphs.pruning import prune
from numeric.graphs.rewrite import rewrite
from numeric.graphs.schema import validate
from numeric.graphs.trace import trace
from numeric.interchange.attribution_format import load_attribution_graph
from numeric.interchange.attribution_graph import save_attribution_graph
from numeric.interchange.graphml import load_graphml, save_graphml
from numeric.interchange.node_link import load_node_link, save_node_link
from numeric.networks.bilinear_layer import BilinearLayer
from numeric.networks.importing.foreign import from_state_dict, import_network, load_foreign
from numeric.networks.layered import LayeredNetwork
from numeric.networks.modules import from_module
from numeric.networks.network import BilinearNetwork
from numeric.networks.network_files import load_network, save_network
from numeric.networks.normal_form import Layer, SquareLayer
from numeric.networks.training import train

__all__ = [
    "BilinearLayer",
    "BilinearNetwork",
    "Difference",
    "Digits",
    "Effect",
    "Explanation",
    "Fidelity",
    "InputShape",
    "Layer",
    "LayeredNetwork",
    "NumericError",
    "SquareLayer",
    "ablate",
    "bond_cosines",
    "difference",
    "differences",
    "effect",
    "exchanged_features",
    "explain",
    "fidelity",
    "from_module",
    "from_state_dict",
    "frontier",
    "gaussian_inner_product",
    "import_network",
    "integrated_gradients",
    "load_attribution_graph",
    "load_data",
    "load_foreign",
    "load_graph",
    "load_graphml",
    "load_mnist",
    "load_network",
    "load_node_link",
    "match",
    "matched_across",
    "node_values",
    "prune",
    "redrawn",
    "response",
    "rewrite",
    "save_attribution_graph",
    "save_graph",
    "save_graphml",
    "save_network",
    "save_node_link",
    "scale",
    "set_value",
    "shapley_values",
    "show",
    "similarity",
    "square_layers",
    "tensor_inner_product",
    "trace",
    "train",
    "validate",
]
