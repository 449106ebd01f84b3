"""Writing an encoder folder: weights rounded to float16 once, and the same rounded weights in both files."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file

from embedder.card import CARD, FORMAT, ONNX, WEIGHTS
from embedder.card_file import sha256
from embedder.network import Network
from embedder.preprocess import RESIZE_RULE

KERNEL = 4096
"""Numbers from which on a matrix is worth halving in an ONNX file: small ones may be constants that nothing rounded."""


def export_encoder(
    network: Network,
    folder: Path,
    *,
    name: str,
    input_size: int,
    mean: tuple[float, float, float],
    std: tuple[float, float, float],
    flip_average: bool,
    unknown_below: float,
    story: Mapping[str, Any],
) -> None:
    """Write `model.safetensors`, `model.onnx` and `encoder.json`; the network keeps the rounded weights.

    story: what the card tells besides (licence, data, figures, ...); it changes no encoding.
    """
    folder.mkdir(parents=True, exist_ok=True)
    save_rounded(network, folder / WEIGHTS)
    write_onnx(
        network,
        folder / ONNX,
        torch.zeros(2, 3, input_size, input_size),
        taken="image",
        given=["encoding"],
        dynamic={0: torch.export.Dim("crops")},
    )
    card = {
        "format": FORMAT,
        "name": name,
        "dimension": network.dimension,
        "input": {"size": input_size, "resize": RESIZE_RULE, "mean": list(mean), "std": list(std)},
        "flip_average": flip_average,
        "unknown_below": round(float(unknown_below), 4),
        "network": network.description,
        **story,
        "files": {file: sha256(folder / file) for file in (WEIGHTS, ONNX)},
    }
    (folder / CARD).write_text(json.dumps(card, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def save_rounded(network: torch.nn.Module, path: Path) -> None:
    """Write the weights as float16; the network keeps them so rounded, on the CPU and ready to be asked."""
    network.cpu().float().eval()
    state = rounded_state(network)
    network.load_state_dict(
        {key: value.float() if value.is_floating_point() else value for key, value in state.items()}
    )
    save_file(state, path)
    path.chmod(0o644)  # safetensors writes for its owner alone


def rounded_state(network: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The state with matrices and kernels as float16; vectors (norms, biases) are few and stay float32."""
    return {
        key: (value.half() if value.is_floating_point() and value.ndim > 1 else value).contiguous()
        for key, value in network.state_dict().items()
    }


def write_onnx(
    network: torch.nn.Module,
    path: Path,
    example: torch.Tensor,
    *,
    taken: str,
    given: Sequence[str],
    dynamic: Mapping[int, Any],
) -> None:
    """Write a network of one input, with kernels stored as float16.

    taken, given: names of the input and of the outputs. dynamic: which dimensions of the input may change.
    """
    import onnx

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        program = torch.onnx.export(
            network,
            (example,),
            input_names=[taken],
            output_names=list(given),
            dynamic_shapes=(dict(dynamic),),
            dynamo=True,
            optimize=True,
            verbose=False,
        )
    assert program is not None  # with dynamo=True a program is what export returns
    model = program.model_proto
    store_kernels_as_half(model)
    del model.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]  # stack traces of the exporting machine
        node.doc_string = ""
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())


def store_kernels_as_half(model: Any) -> None:
    """Turn each float32 kernel of an ONNX model into float16 and a cast, which ONNX Runtime folds when it loads."""
    from onnx import TensorProto, helper, numpy_helper

    graph = model.graph
    casts = []
    for tensor in graph.initializer:
        if tensor.data_type != TensorProto.FLOAT or len(tensor.dims) < 2 or np.prod(tensor.dims) < KERNEL:
            continue
        wanted = tensor.name
        half = numpy_helper.from_array(numpy_helper.to_array(tensor).astype(np.float16), f"{wanted}_half")
        tensor.CopyFrom(half)
        casts.append(helper.make_node("Cast", [half.name], [wanted], name=f"{wanted}_cast", to=TensorProto.FLOAT))
    nodes = [*casts, *graph.node]
    del graph.node[:]
    graph.node.extend(nodes)
