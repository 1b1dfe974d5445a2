"""Floating point: networks, training, and the features and graphs read from their weights."""

from numeric.errors import NumericError
from numeric.graph import square_layers
from numeric.graph_files import load_graph, save_graph
from numeric.mnist import Digits, load_mnist
from numeric.network import BilinearLayer, BilinearNetwork
from numeric.network_files import load_network, save_network
from numeric.normal_form import Layer, SquareLayer
from numeric.rewrite import rewrite
from numeric.schema import validate
from numeric.trace import trace
from numeric.training import train

__all__ = [
    "BilinearLayer",
    "BilinearNetwork",
    "Digits",
    "Layer",
    "NumericError",
    "SquareLayer",
    "load_graph",
    "load_mnist",
    "load_network",
    "rewrite",
    "save_graph",
    "save_network",
    "square_layers",
    "trace",
    "train",
    "validate",
]
