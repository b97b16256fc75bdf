"""The pass that makes products half precision: what it changes, and what has to stay in float32."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from monai_inpaint.engines.half_precision import BETWEEN, PRODUCTS, element_types, in_half_precision, rounded_on_cpu
from monai_inpaint.registry import BundleInfo, bundles

HALF, FULL = TensorProto.FLOAT16, TensorProto.FLOAT


def chain(*operators: str) -> onnx.ModelProto:
    """`image` through the operators, one after the other, to `pred`; convolutions have two features."""
    names = ["image", *(f"x{n}" for n in range(1, len(operators))), "pred"]
    weights = numpy_helper.from_array(np.full((2, 2, 1, 1), 0.3, np.float32), "weights")
    nodes = [
        helper.make_node(kind, [taken, *(["weights"] if kind == "Conv" else [])], [given])
        for kind, taken, given in zip(operators, names, names[1:], strict=False)
    ]
    ports = [helper.make_tensor_value_info(name, FULL, ["b", 2, "h", "w"]) for name in ("image", "pred")]
    graph = helper.make_graph(nodes, "chain", ports[:1], ports[1:], [weights])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def kinds_in(precision: int, model: onnx.ModelProto) -> list[str]:
    """The operators, but conversions, that give values of that type."""
    types = element_types(model)
    return [n.op_type for n in model.graph.node if n.op_type != "Cast" and types[n.output[0]] == precision]


def ran(model: onnx.ModelProto, image: np.ndarray) -> np.ndarray:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model.SerializeToString(), options).run(None, {"image": image})[0]


@pytest.mark.parametrize(
    ("operators", "half"),
    [
        (["Conv"], ["Conv"]),
        (["Conv", "Relu", "Conv"], ["Conv", "Relu", "Conv"]),
        (["Relu", "Conv", "Relu"], ["Conv"]),  # a conversion would be as many before as after
        (["Conv", "Sqrt", "Conv"], ["Conv", "Conv"]),
        (["Conv", "Relu", "Relu", "Conv", "Relu", "Sqrt"], ["Conv", "Relu", "Relu", "Conv"]),
        (["Sqrt", "Relu"], []),
    ],
)
def test_products_and_what_lies_between_them_become_half_precision(operators: Sequence[str], half: list[str]) -> None:
    made = in_half_precision(chain(*operators))

    assert kinds_in(HALF, made) == half
    assert sorted(kinds_in(FULL, made) + half) == sorted(operators)
    assert [port.type.tensor_type.elem_type for port in (*made.graph.input, *made.graph.output)] == [FULL, FULL]
    onnx.checker.check_model(made)


def test_the_graph_that_was_given_stays_as_it_was() -> None:
    model = chain("Conv", "Relu", "Conv")
    before = model.SerializeToString()

    in_half_precision(model)

    assert model.SerializeToString() == before


def test_values_are_rounded_on_a_cpu_as_on_a_gpu() -> None:
    model, image = chain("Conv", "Sqrt", "Conv"), np.full((1, 2, 4, 4), 1.0 + 2.0**-13, np.float32)
    made = in_half_precision(model)
    first = np.float16(2 * np.float32(np.float16(0.3)) * np.float32(np.float16(1.0 + 2.0**-13)))
    expected = np.float16(2 * np.float32(np.float16(0.3)) * np.float32(np.float16(np.sqrt(np.float32(first)))))

    np.testing.assert_array_equal(ran(rounded_on_cpu(made), image), np.full_like(image, expected))


def test_types_that_do_not_fit_are_refused() -> None:
    model = chain("Conv", "Relu")
    model.graph.node.insert(1, helper.make_node("Cast", ["x1"], ["half"], to=HALF))
    model.graph.node[2].input[0] = "half"  # pred is said to be float32

    with pytest.raises(onnx.shape_inference.InferenceError):
        element_types(model)


@pytest.mark.parametrize("bundle", bundles(), ids=lambda bundle: bundle.name)
def test_statistics_and_limits_of_every_bundle_stay_in_float32(bundle: BundleInfo) -> None:
    made = in_half_precision(onnx.load(bundle.graph))

    half = set(kinds_in(HALF, made))
    assert half <= PRODUCTS | BETWEEN
    assert half & PRODUCTS
    assert not PRODUCTS & set(kinds_in(FULL, made))
