"""Builds TransNetV2 as an ONNX graph: in floating point as published, and quantised to int8.

Both take `frames`, uint8 of shape (T, 27, 48, 3) in RGB, and `hist`, float of shape (T, 512): each
frame's histogram of 8 x 8 x 8 colours, of length 1. Both give `one` and `many`, float of shape
(T): how likely a transition has its middle here, or goes on here. T is free.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from weights.checkpoint import State

Array = NDArray[Any]

_DILATIONS = (1, 2, 4, 8)
_FILTERS = (16, 32, 64)
_NORM_EPSILON = 1e-3
# Frames to each side with which a frame is compared.
_AROUND = 50
_CONTRIB = "com.microsoft"

# Ranges of the activations, measured once with the floating-point graph on eight windows of 120
# frames of five real videos: after each spatial convolution, each temporal one with relu, each sum.
_SPATIAL = ((-3.4, 3.2), (-9.8, 9.4), (-13.9, 22.6), (-14.0, 14.9), (-20.0, 18.3), (-7.8, 7.1))
_TEMPORAL = (11.8, 11.6, 13.7, 13.3, 10.5, 10.3)
_SUM = (16.2, 14.7, 14.4)
# Seven bits: x86 processors without VNNI add two products of uint8 and int8 in 16 bits, and
# 2 * 255 * 127 does not fit.
_MOST_WEIGHT = 63


@dataclass
class _Graph:
    """Nodes and constants of a graph that is being built."""

    nodes: list[onnx.NodeProto] = field(default_factory=list)
    constants: list[TensorProto] = field(default_factory=list)

    def constant(self, value: Any, dtype: Any) -> str:
        name = f"c{len(self.constants)}"
        array = np.asarray(value, dtype, order="C")
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def ints(self, *values: int) -> str:
        return self.constant(values, np.int64)

    def node(self, kind: str, *inputs: str, outputs: int = 1, **attributes: Any) -> list[str]:
        number = len(self.nodes)
        names = [f"{kind}_{number}_{output}" for output in range(outputs)]
        made = helper.make_node(kind, list(inputs), names, name=f"n{number}", **attributes)
        self.nodes.append(made)
        return names

    def __call__(self, kind: str, *inputs: str, **attributes: Any) -> str:
        return self.node(kind, *inputs, **attributes)[0]

    def linear(self, value: str, state: State, layer: str) -> str:
        weight = self.constant(state[f"{layer}.weight"].T, np.float32)
        product = self("MatMul", value, weight)
        return self("Add", product, self.constant(state[f"{layer}.bias"], np.float32))


@dataclass(frozen=True)
class _Cell:
    """The weights of one cell: four dilations side by side, the norm within the second step."""

    spatial: Array
    temporal: tuple[Array, ...]
    bias: tuple[Array, ...]

    @classmethod
    def of(cls, state: State, block: int, cell: int) -> "_Cell":
        prefix, filters = f"SDDCNN.{block}.DDCNN.{cell}.", _FILTERS[block]
        first, second = (
            [state[f"{prefix}Conv3D_{rate}.layers.{layer}.weight"] for rate in _DILATIONS]
            for layer in (0, 1)
        )
        gain = state[f"{prefix}bn.weight"] / np.sqrt(
            state[f"{prefix}bn.running_var"] + _NORM_EPSILON
        )
        bias = state[f"{prefix}bn.bias"] - state[f"{prefix}bn.running_mean"] * gain
        parts = [slice(n * filters, (n + 1) * filters) for n in range(len(_DILATIONS))]
        temporal = (
            weight[..., 0] * gain[part, None, None, None]
            for weight, part in zip(second, parts, strict=True)
        )
        return cls(
            np.concatenate(first)[:, :, 0], tuple(temporal), tuple(bias[part] for part in parts)
        )


def float_model(state: State) -> onnx.ModelProto:
    """Return the network as it was trained."""
    graph, height, width, means = _Graph(), 27, 48, list[str]()
    levels = graph("Cast", "frames", to=TensorProto.FLOAT)
    scaled = graph("Mul", levels, graph.constant(1 / 255, np.float32))
    value = graph("Transpose", scaled, perm=[0, 3, 1, 2])
    for block in range(len(_FILTERS)):
        first = _float_cell(graph, value, _Cell.of(state, block, 0), (height, width))
        second = _float_cell(graph, first, _Cell.of(state, block, 1), (height, width))
        total = graph("Add", second, first)
        value = graph("AveragePool", total, kernel_shape=[2, 2], strides=[2, 2])
        height, width = height // 2, width // 2
        means.append(graph("ReduceMean", value, axes=[2, 3], keepdims=0))
    rows = graph("Transpose", value, perm=[0, 2, 3, 1])
    features = height * width * 4 * _FILTERS[-1]
    flat = graph("Reshape", rows, graph.ints(-1, features))
    inputs = graph("Concat", *_similarities(graph, state, means), flat, axis=1)
    return _model(graph, state, graph("Relu", graph.linear(inputs, state, "fc1")))


def _float_cell(graph: _Graph, value: str, cell: _Cell, size: tuple[int, int]) -> str:
    """Add a cell: T, channels, height, width in and out."""
    channels, pixels = len(cell.spatial), size[0] * size[1]
    weight = graph.constant(cell.spatial, np.float32)
    value = graph("Conv", value, weight, kernel_shape=[3, 3], pads=[1, 1, 1, 1])
    value = graph("Transpose", value, perm=[1, 0, 2, 3])
    value = graph("Reshape", value, graph.ints(1, channels, -1, pixels))
    lengths = graph.ints(*[channels // len(_DILATIONS)] * len(_DILATIONS))
    found = [
        graph(
            "Conv",
            part,
            graph.constant(cell.temporal[n], np.float32),
            graph.constant(cell.bias[n], np.float32),
            **_along_time(rate),
        )
        for n, (rate, part) in enumerate(
            zip(_DILATIONS, graph.node("Split", value, lengths, outputs=4, axis=1), strict=True)
        )
    ]
    value = graph("Relu", graph("Concat", *found, axis=1))
    value = graph("Reshape", value, graph.ints(channels // 2, -1, *size))
    return graph("Transpose", value, perm=[1, 0, 2, 3])


@dataclass(frozen=True)
class _Scale:
    """How uint8 stand for real values."""

    step: float
    zero: int = 0

    @classmethod
    def over(cls, least: float, most: float) -> "_Scale":
        step = (most - least) / 255
        return cls(step, round(-least / step))

    def added_to(self, graph: _Graph) -> tuple[str, str]:
        return graph.constant(self.step, np.float32), graph.constant(self.zero, np.uint8)


def int8_model(state: State) -> onnx.ModelProto:
    """Return the network in 8 bits with channels last, so that frames enter as they are."""
    graph, height, width, means = _Graph(), 27, 48, list[str]()
    value, scale, real = "frames", _Scale(1 / 255), ""
    for block, most in enumerate(_SUM):
        first = _int8_cell(graph, value, scale, (state, block, 0), (height, width))
        middle = _Scale.over(0, _TEMPORAL[2 * block])
        second = _int8_cell(graph, first, middle, (state, block, 1), (height, width))
        ends, scale = _Scale.over(0, _TEMPORAL[2 * block + 1]), _Scale.over(0, most)
        terms = (second, *ends.added_to(graph), first, *middle.added_to(graph))
        total = graph("QLinearAdd", *terms, *scale.added_to(graph), domain=_CONTRIB)
        value = graph(
            "QLinearAveragePool",
            total,
            *scale.added_to(graph),
            *scale.added_to(graph),
            domain=_CONTRIB,
            channels_last=1,
            kernel_shape=[2, 2],
            strides=[2, 2],
        )
        height, width = height // 2, width // 2
        real = graph("DequantizeLinear", value, *scale.added_to(graph))
        means.append(graph("ReduceMean", real, axes=[1, 2], keepdims=0))
    flat = graph("Reshape", real, graph.ints(-1, height * width * 4 * _FILTERS[-1]))
    inputs = graph("Concat", *_similarities(graph, state, means), flat, axis=1)
    weight, steps = _in_int8(state["fc1.weight"].T, axis=0)
    product = graph(
        "DynamicQuantizeMatMul",
        inputs,
        graph.constant(weight, np.int8),
        graph.constant(steps, np.float32),
        graph.constant(np.zeros(len(steps)), np.int8),
        graph.constant(state["fc1.bias"], np.float32),
        domain=_CONTRIB,
    )
    return _model(graph, state, graph("Relu", product))


def _int8_cell(
    graph: _Graph, value: str, scale: _Scale, place: tuple[State, int, int], size: tuple[int, int]
) -> str:
    """Add a cell: T, height, width, channels in and out. The scale of the result has no zero, so
    that it is a relu too."""
    cell, number = _Cell.of(*place), 2 * place[1] + place[2]
    middle, after = _Scale.over(*_SPATIAL[number]), _Scale.over(0, _TEMPORAL[number])
    channels, pixels = len(cell.spatial), size[0] * size[1]
    square = {"kernel_shape": [3, 3], "pads": [1, 1, 1, 1]}
    value = _int8_convolution(graph, value, (scale, middle), cell.spatial, None, **square)
    value = graph("Reshape", value, graph.ints(1, -1, pixels, channels))
    lengths = graph.ints(*[channels // len(_DILATIONS)] * len(_DILATIONS))
    parts = graph.node("Split", value, lengths, outputs=4, axis=3)
    found = [
        _int8_convolution(
            graph, part, (middle, after), cell.temporal[n], cell.bias[n], **_along_time(rate)
        )
        for n, (rate, part) in enumerate(zip(_DILATIONS, parts, strict=True))
    ]
    return graph("Reshape", graph("Concat", *found, axis=3), graph.ints(-1, *size, channels // 2))


def _int8_convolution(
    graph: _Graph,
    value: str,
    scales: tuple[_Scale, _Scale],
    weight: Array,
    bias: Array | None,
    **attributes: Any,
) -> str:
    before, after = scales
    rounded, steps = _in_int8(weight, axis=(1, 2, 3))
    inputs = [
        value,
        *before.added_to(graph),
        graph.constant(rounded, np.int8),
        graph.constant(steps, np.float32),
        graph.constant(np.zeros(len(steps)), np.int8),
        *after.added_to(graph),
    ]
    if bias is not None:
        inputs.append(graph.constant(np.rint(bias / (steps * before.step)), np.int32))
    return graph("QLinearConv", *inputs, domain=_CONTRIB, channels_last=1, **attributes)


def _in_int8(weight: Array, axis: int | tuple[int, ...]) -> tuple[Array, Array]:
    """Return rounded weights, and the step of each output channel, which is over `axis`."""
    steps = np.maximum(np.abs(weight).max(axis=axis, keepdims=True), 1e-8) / _MOST_WEIGHT
    return np.clip(np.rint(weight / steps), -_MOST_WEIGHT, _MOST_WEIGHT), steps.reshape(-1)


def _along_time(rate: int) -> dict[str, Any]:
    return {"kernel_shape": [3, 1], "dilations": [rate, 1], "pads": [rate, 0, rate, 0]}


def _similarities(graph: _Graph, state: State, means: list[str]) -> tuple[str, str]:
    """Add how like the frames around each frame is, by colours and by features."""
    projection = graph.linear(graph("Concat", *means, axis=1), state, "frame_sim_layer.projection")
    norm = graph("ReduceL2", projection, axes=[1], keepdims=1)
    unit = graph("Div", projection, graph("Max", norm, graph.constant(1e-12, np.float32)))
    colours, features = (
        graph("Relu", graph.linear(_band(graph, value), state, f"{layer}.fc"))
        for layer, value in (("color_hist_layer", "hist"), ("frame_sim_layer", unit))
    )
    return colours, features


def _band(graph: _Graph, value: str) -> str:
    """Add the products of every row with the rows around it.

    Row i of the result is row i of the padded product from column i on: the rows are read again as
    if each were one longer.
    """
    product = graph("MatMul", value, graph("Transpose", value, perm=[1, 0]))
    padded = graph("Pad", product, graph.ints(0, _AROUND, 0, _AROUND))
    count = graph("Shape", value, start=0, end=1)
    zeros = numpy_helper.from_array(np.zeros(1, np.float32))
    row = graph("ConstantOfShape", count, value=zeros)
    flat = graph("Concat", graph("Reshape", padded, graph.ints(-1)), row, axis=0)
    longer = graph("Reshape", flat, graph("Concat", count, graph.ints(-1), axis=0))
    return graph("Slice", longer, graph.ints(0), graph.ints(2 * _AROUND + 1), graph.ints(1))


def _model(graph: _Graph, state: State, hidden: str) -> onnx.ModelProto:
    """Add the two outputs, and return all as a model."""
    for layer, name in (("cls_layer1", "one"), ("cls_layer2", "many")):
        value = graph("Sigmoid", graph.linear(hidden, state, layer))
        graph.nodes.append(helper.make_node("Reshape", [value, graph.ints(-1)], [name], name=name))
    described = helper.make_tensor_value_info
    made = helper.make_graph(
        graph.nodes,
        "transnetv2",
        [
            described("frames", TensorProto.UINT8, ["T", 27, 48, 3]),
            described("hist", TensorProto.FLOAT, ["T", 512]),
        ],
        [described(name, TensorProto.FLOAT, ["T"]) for name in ("one", "many")],
        graph.constants,
    )
    opsets = [helper.make_opsetid("", 17), helper.make_opsetid(_CONTRIB, 1)]
    return helper.make_model(made, opset_imports=opsets, ir_version=8)
