"""Makes `product.onnx`: the nearest of a piece of vectors, as one graph for ONNX Runtime.

`python -m index.search.product_graph` writes the file anew; it needs the package onnx, of the extra `train`.
"""

from __future__ import annotations

from pathlib import Path

FILE = Path(__file__).with_name("product.onnx")


def product_graph() -> bytes:
    """The graph: top_k(queries vectors^T + bias), where vectors are float16 and all sums are float32.

    Inputs: `vectors` (n, D) float16, `queries` (b, D) float32, `bias` (1, n) float32 (-inf leaves a vector out), `k`
    (1,) int64. Outputs: `similarities` (b, k) float32 and `positions` (b, k) int64, in no order.
    """
    from onnx import TensorProto, checker, helper

    half, single, integer = TensorProto.FLOAT16, TensorProto.FLOAT, TensorProto.INT64
    graph = helper.make_graph(
        [
            helper.make_node("Cast", ["vectors"], ["wide"], to=single),
            helper.make_node("Gemm", ["queries", "wide", "bias"], ["products"], transB=1),
            helper.make_node("TopK", ["products", "k"], ["similarities", "positions"], axis=1, sorted=0),
        ],
        "product",
        [
            helper.make_tensor_value_info("vectors", half, ["n", "dim"]),
            helper.make_tensor_value_info("queries", single, ["b", "dim"]),
            helper.make_tensor_value_info("bias", single, [1, "n"]),
            helper.make_tensor_value_info("k", integer, [1]),
        ],
        [
            helper.make_tensor_value_info("similarities", single, ["b", "found"]),
            helper.make_tensor_value_info("positions", integer, ["b", "found"]),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="kaodex")
    checker.check_model(model)
    return model.SerializeToString()


if __name__ == "__main__":
    FILE.write_bytes(product_graph())
