"""Convert convolutions and matrix products of a graph to half precision; all else stays float32.

Engines that support only strongly typed networks (TensorRT 11, TensorRT-RTX) take their precision from the graph.
Operators that sum over a window, square intensities or limit small numbers are not converted and stay exact: units of
16 bits and more exceed half precision.
"""

from __future__ import annotations

from collections import Counter, defaultdict

import onnx
from onnx import TensorProto, helper, shape_inference

PRODUCTS = frozenset({"Conv", "ConvTranspose", "Gemm", "MatMul"})
# Cheap ones, which are worth half precision only where they spare a conversion on the way from product to product.
BETWEEN = frozenset(
    {"Relu", "LeakyRelu", "Concat", "MaxPool", "DepthToSpace", "Reshape", "Transpose", "Split", "Squeeze", "Unsqueeze",
     "Slice"}
)  # fmt: skip
_HALF = ".half"


def in_half_precision(model: onnx.ModelProto) -> onnx.ModelProto:
    """Convert the products of a float32 graph to half precision, in a copy; inputs and outputs stay float32.

    Args:
        model: an ONNX graph without subgraphs; weights may be kept in half precision behind a Cast.

    Raises:
        onnx.shape_inference.InferenceError: a graph whose types do not fit together.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    types = element_types(model)
    nodes, halves = model.graph.node, _halves(model.graph, types)
    made = {output for number in halves for output in nodes[number].output}
    stored = {
        node.output[0]: node.input[0]
        for node in nodes
        if node.op_type == "Cast" and types.get(node.input[0]) == TensorProto.FLOAT16
    }
    converted: list[onnx.NodeProto] = []
    known: set[str] = set()

    def narrow(name: str) -> str:
        """Return the name of a value in half precision, after a conversion where there is none."""
        if types.get(name) != TensorProto.FLOAT:
            return name
        if name in stored:
            return stored[name]
        if name not in made | known:
            converted.append(helper.make_node("Cast", [name], [name + _HALF], to=TensorProto.FLOAT16))
            known.add(name)
        return name + _HALF

    def wide(name: str) -> str:
        if name in made and name not in known:
            converted.append(helper.make_node("Cast", [name + _HALF], [name], to=TensorProto.FLOAT))
            known.add(name)
        return name

    for number, node in enumerate(nodes):
        changed = onnx.NodeProto()
        changed.CopyFrom(node)
        del changed.input[:]
        changed.input.extend(map(narrow if number in halves else wide, node.input))
        if number in halves:
            changed.output[:] = [output + _HALF for output in node.output]
        converted.append(changed)
    for port in model.graph.output:
        wide(port.name)
    del result.graph.node[:], result.graph.value_info[:]
    result.graph.node.extend(_used(converted, {port.name for port in model.graph.output}))
    element_types(result)
    return result


def element_types(model: onnx.ModelProto) -> dict[str, int]:
    """Infer the type of every value of a graph strictly, as the parser of TensorRT 11 does it.

    Raises:
        onnx.shape_inference.InferenceError: types or shapes that do not fit together.
    """
    graph = shape_inference.infer_shapes(model, check_type=True, strict_mode=True, data_prop=True).graph
    types = {tensor.name: tensor.data_type for tensor in graph.initializer}
    return types | {
        value.name: value.type.tensor_type.elem_type
        for values in (graph.input, graph.value_info, graph.output)
        for value in values
    }


def _halves(graph: onnx.GraphProto, types: dict[str, int]) -> set[int]:
    """The indices of the nodes to convert: products, and the operators between them."""
    makers = {output: number for number, node in enumerate(graph.node) for output in node.output}
    users: defaultdict[str, set[int]] = defaultdict(set)
    for number, node in enumerate(graph.node):
        for name in node.input:
            users[name].add(number)
    outputs = {port.name for port in graph.output}
    halves = {
        number
        for number, node in enumerate(graph.node)
        if node.op_type in PRODUCTS | BETWEEN and types.get(node.input[0]) == TensorProto.FLOAT
    }

    def stays(number: int) -> bool:
        node = graph.node[number]
        if node.op_type in PRODUCTS:
            return True
        taken = [name for name in node.input if types.get(name) == TensorProto.FLOAT]
        used = {user for output in node.output for user in users[output]}
        return (
            all(makers.get(name) in halves for name in taken)
            and not used.isdisjoint(halves)
            and outputs.isdisjoint(node.output)
        )

    while left := {number for number in halves if not stays(number)}:
        halves -= left
    return halves


def _used(nodes: list[onnx.NodeProto], outputs: set[str]) -> list[onnx.NodeProto]:
    """Without the nodes that nothing needs any more, such as conversions of weights."""
    uses = Counter(name for node in nodes for name in node.input)
    uses.update(outputs)
    kept: list[onnx.NodeProto] = []
    for node in reversed(nodes):
        if any(uses[output] for output in node.output):
            kept.append(node)
        else:
            uses.subtract(node.input)
    return kept[::-1]


def rounded_on_cpu(model: onnx.ModelProto) -> onnx.ModelProto:
    """Return a copy of a graph that rounds on a CPU as half precision does on a GPU: inputs and outputs of products.

    onnxruntime computes a product between two conversions in float32 and leaves the conversions out. An Identity on
    either side, in a session without optimisations, keeps them; sums are of float32, as on a GPU.
    """
    result = onnx.ModelProto()
    result.CopyFrom(model)
    types = element_types(model)
    nodes: list[onnx.NodeProto] = []
    for node in result.graph.node:
        if node.op_type not in PRODUCTS or types[node.output[0]] != TensorProto.FLOAT16:
            nodes.append(node)
            continue
        taken, given = list(node.input), node.output[0]
        node.input[:] = [f"{given}.taken{n}" for n in range(len(taken))]
        node.output[0] = f"{given}.exact"
        nodes += [helper.make_node("Identity", [name], [node.input[n]]) for n, name in enumerate(taken)]
        nodes += [node, helper.make_node("Identity", [node.output[0]], [given])]
    del result.graph.value_info[:]
    ordered = [onnx.NodeProto.FromString(node.SerializeToString()) for node in nodes]
    del result.graph.node[:]
    result.graph.node.extend(ordered)
    return result
