"""A fitted pipeline as one ONNX graph with an input per feature.

Imported lazily: skl2onnx, onnxmltools and onnx load at once.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import onnx
from onnx import TensorProto, helper

from torneo.bundle._boosters import exact, register
from torneo.errors import ExportError
from torneo.spec.project import Task
from torneo.spec.records import Feature

OPSET = {"": 21, "ai.onnx.ml": 3}
"""The newest operators that the converters write and every supported runtime reads."""
IR_VERSION = 10
GRAPH = "torneo"


def export(pipeline: Any, features: Sequence[Feature], *, task: Task, classes: int) -> bytes:
    """The graph of a fitted pipeline: equal models give equal bytes.

    Inputs are (rows, 1), float32 or string, named and ordered as the features. The one output is `prediction`
    (rows, 1) for regression, or `probabilities` (rows, classes) for classification, float32; a feature of that name
    gets the output an underscore.

    Raises:
        ExportError: a part of the pipeline has no ONNX form, or a class was absent from the training rows.
    """
    if task == "classification":
        _check_classes(pipeline, classes)
    model = _convert(_convertible(pipeline), features, task)
    graph = model.graph
    source = graph.output[-1].name
    nodes = list(graph.node)
    nodes, source = _restore_target(nodes, source, pipeline)
    name = "prediction" if task == "regression" else "probabilities"
    while any(feature.name == name for feature in features):
        name += "_"
    width = 1 if task == "regression" else classes
    nodes, initializers = _normalise(nodes, list(graph.initializer), source, width)
    exported: bytes = _assemble(nodes, initializers, features, (name, width)).SerializeToString(deterministic=True)
    return exported


def _check_classes(pipeline: Any, classes: int) -> None:
    seen = [int(code) for code in pipeline.classes_]
    if seen != list(range(classes)):
        absent = sorted(set(range(classes)) - set(seen))
        raise ExportError(
            f"the training rows have {len(seen)} of {classes} classes: none has code {absent[:5]}",
            fix="take the class out of the target's values, or add rows that have it",
        )


def _convertible(pipeline: Any) -> Any:
    """The same pipeline with the inner regressor of a TransformedTargetRegressor, and exact thresholds."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.pipeline import Pipeline

    name, model = pipeline.steps[-1]
    inner = model.regressor_ if isinstance(model, TransformedTargetRegressor) else exact(model)
    return pipeline if inner is model else Pipeline([*pipeline.steps[:-1], (name, inner)])


def _restore_target(nodes: list[Any], source: str, pipeline: Any) -> tuple[list[Any], str]:
    """Undo the standardising of the outcome, as the last operations of the graph."""
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.preprocessing import StandardScaler

    model = pipeline.steps[-1][1]
    if not isinstance(model, TransformedTargetRegressor):
        return nodes, source
    scaler = model.transformer_
    if not isinstance(scaler, StandardScaler):
        raise ExportError(f"{type(scaler).__name__} of the outcome has no ONNX form", fix="use StandardScaler, or none")
    scale = _constant("target_scale", [float(scaler.scale_[0])])
    mean = _constant("target_mean", [float(scaler.mean_[0])])
    return [
        *nodes,
        scale,
        mean,
        helper.make_node("Mul", [source, "target_scale"], ["target_scaled"]),
        helper.make_node("Add", ["target_scaled", "target_mean"], ["target_restored"]),
    ], "target_restored"


def _constant(name: str, values: list[float]) -> Any:
    return helper.make_node("Constant", [], [name], value=helper.make_tensor(name, TensorProto.FLOAT, [1], values))


def _convert(pipeline: Any, features: Sequence[Feature], task: Task) -> Any:
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType, StringTensorType
    from skl2onnx.common.exceptions import MissingConverter, MissingShapeCalculator

    register()
    inputs = [
        (f"input{place}", (FloatTensorType if feature.kind == "numeric" else StringTensorType)([None, 1]))
        for place, feature in enumerate(features)
    ]
    options = {id(pipeline): {"zipmap": False}} if task == "classification" else None
    try:
        with warnings.catch_warnings():
            # the converters read what scikit-learn and protobuf will remove one day; parity is proven in any case
            warnings.simplefilter("ignore", DeprecationWarning)
            warnings.simplefilter("ignore", FutureWarning)
            return to_onnx(pipeline, initial_types=inputs, target_opset=OPSET, options=options, name=GRAPH)
    except (MissingConverter, MissingShapeCalculator, NotImplementedError, RuntimeError, ValueError) as error:
        model = type(pipeline.steps[-1][1]).__name__
        raise ExportError(f"{model} cannot become an ONNX graph: {str(error)[:500]}") from error


def _normalise(nodes: list[Any], initializers: list[Any], source: str, width: int) -> tuple[list[Any], list[Any]]:
    """Make the answer float32 (rows, width), leave out what does not lead to it, and number all names."""
    nodes = [
        *nodes,
        helper.make_node("Constant", [], ["answer_shape"], value_ints=[-1, width]),
        helper.make_node("Cast", [source], ["answer_float"], to=TensorProto.FLOAT),
        helper.make_node("Reshape", ["answer_float", "answer_shape"], ["answer"]),
    ]
    needed, kept = {"answer"}, []
    for node in reversed(nodes):
        if needed.intersection(node.output):
            kept.append(node)
            needed.update(node.input)
    return kept[::-1], [tensor for tensor in initializers if tensor.name in needed]


def _assemble(nodes: list[Any], initializers: list[Any], features: Sequence[Feature], answer: tuple[str, int]) -> Any:
    """A model whose names depend on nothing but the features and the order of operations."""
    names = {f"input{place}": feature.name for place, feature in enumerate(features)}
    names["answer"] = answer[0]
    prefix = "_"
    while any(name.startswith(prefix) for name in names.values()):
        prefix += "_"
    for tensor in initializers:
        tensor.name = names.setdefault(tensor.name, f"{prefix}{len(names)}")
    for place, node in enumerate(nodes):
        node.name = f"{prefix}node{place}"
        node.doc_string = ""
        for side in (node.input, node.output):
            for index, name in enumerate(side):
                if name:
                    side[index] = names.setdefault(name, f"{prefix}{len(names)}")
    inputs = [
        helper.make_tensor_value_info(
            feature.name, TensorProto.FLOAT if feature.kind == "numeric" else TensorProto.STRING, [None, 1]
        )
        for feature in features
    ]
    output = helper.make_tensor_value_info(answer[0], TensorProto.FLOAT, [None, answer[1]])
    opsets = [helper.make_opsetid(domain, version) for domain, version in OPSET.items()]
    graph = helper.make_graph(nodes, GRAPH, inputs, [output], initializers)
    model = helper.make_model(graph, opset_imports=opsets, producer_name=GRAPH, ir_version=IR_VERSION)
    onnx.checker.check_model(model)
    return model
