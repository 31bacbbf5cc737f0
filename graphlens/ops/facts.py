"""What rewriting, planning and drawing must know of each op, as one table."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache

from graphlens.ir.graph import Graph
from graphlens.ir.node import OURS


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of an op.

    Attributes:
        category: One word for colours and tables: ``'conv'``, ``'matmul'``, ``'norm'``,
            ``'activation'``, ``'elementwise'``, ``'pool'``, ``'reduce'``, ``'move'`` (copies
            data to another place), ``'view'`` (the same bytes under another type), ``'embed'``,
            ``'attention'``, ``'control'``, ``'random'``, ``'structural'``, ``'other'``.
        commutative: Whether the first two operands may be swapped.
        elementwise: Whether each element of the result depends on the elements at the same
            (broadcast) place of the operands only.
        view: Whether result 0 is operand 0's bytes under another shape.
        inplace: Operands whose buffer result 0 may overwrite, if type and lifetime allow.
        random: Whether two runs on the same operands may differ (`is_random` knows of Dropout).
        layout: Operands and results that ``data_format`` speaks of: ``(operands, results)``.
        sizes: Operands whose values say how large the results are, or where they are cut.
    """

    category: str = "other"
    commutative: bool = False
    elementwise: bool = False
    view: bool = False
    inplace: tuple[int, ...] = ()
    random: bool = False
    layout: tuple[tuple[int, ...], tuple[int, ...]] = ((), ())
    sizes: tuple[int, ...] = ()


_UNARY = Facts("elementwise", elementwise=True, inplace=(0,))
_ACTIVATION = Facts("activation", elementwise=True, inplace=(0,))
_BINARY = Facts("elementwise", elementwise=True, inplace=(0, 1))
_COMMUTES = Facts("elementwise", commutative=True, elementwise=True, inplace=(0, 1))
_IMAGE = ((0,), (0,))

_GROUPS: tuple[tuple[Facts, str], ...] = (
    (
        _UNARY,
        "Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast CastLike Ceil Cos Cosh Erf Exp Floor "
        "IsInf IsNaN Log Neg Not Reciprocal Round Sign Sin Sinh Sqrt Tan Clip Dropout",
    ),
    (
        _ACTIVATION,
        "Celu Elu Gelu HardSigmoid HardSwish LeakyRelu Mish Relu Selu Shrink Sigmoid Softplus "
        "Softsign Swish Tanh ThresholdedRelu PRelu",
    ),
    (Facts("activation", inplace=(0,)), "Softmax LogSoftmax Hardmax"),
    (_COMMUTES, "Add Mul And Or Xor Equal BitwiseAnd BitwiseOr BitwiseXor Max Min Sum Mean"),
    (
        _BINARY,
        "Sub Div Pow Mod BitShift Greater GreaterOrEqual Less LessOrEqual",
    ),
    (Facts("elementwise", elementwise=True, inplace=(1, 2)), "Where"),
    (Facts("conv", layout=_IMAGE), "Conv ConvTranspose ConvInteger QLinearConv DeformConv"),
    (Facts("matmul"), "MatMul Gemm Einsum MatMulInteger QLinearMatMul"),
    (Facts("attention"), "Attention RotaryEmbedding"),
    (Facts("norm", elementwise=True, inplace=(0,), layout=_IMAGE), "BatchNormalization"),
    (
        Facts("norm", inplace=(0,)),
        "InstanceNormalization GroupNormalization LayerNormalization RMSNormalization "
        "LpNormalization MeanVarianceNormalization",
    ),
    (Facts("norm", layout=_IMAGE), "LRN"),
    (
        Facts("pool", layout=_IMAGE),
        "MaxPool AveragePool GlobalAveragePool GlobalMaxPool LpPool GlobalLpPool MaxRoiPool "
        "RoiAlign MaxUnpool",
    ),
    (
        Facts("reduce"),
        "ReduceMean ReduceSum ReduceMax ReduceMin ReduceProd ReduceL1 ReduceL2 ReduceLogSum "
        "ReduceLogSumExp ReduceSumSquare ArgMax ArgMin TopK CumSum CumProd "
        "NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss",
    ),
    (
        Facts("move"),
        "Concat Split Slice Transpose Expand Tile Pad GatherElements GatherND Compress "
        "ReverseSequence Trilu NonZero Unique OneHot Range EyeLike CenterCropPad Col2Im BitCast "
        "AffineGrid",
    ),
    (Facts("move", inplace=(0,)), "ScatterElements ScatterND TensorScatter"),
    (Facts("move", layout=_IMAGE), "Resize DepthToSpace SpaceToDepth GridSample"),
    (Facts("embed"), "Gather"),
    (Facts("view", view=True, inplace=(0,)), "Reshape Flatten Squeeze Unsqueeze Identity"),
    (Facts("shape"), "Shape Size ConstantOfShape"),
    (Facts("recurrent"), "LSTM GRU RNN"),
    (Facts("control"), "If Loop Scan"),
    (Facts("quantize"), "QuantizeLinear DequantizeLinear DynamicQuantizeLinear"),
    (
        Facts("random", random=True),
        "RandomNormal RandomNormalLike RandomUniform RandomUniformLike Bernoulli Multinomial",
    ),
)
_SIZES: dict[tuple[int, ...], str] = {
    (0,): "ConstantOfShape",
    (0, 1, 2): "Range",
    (1,): "Reshape Expand Split Squeeze Unsqueeze Tile Pad TopK OneHot CenterCropPad AffineGrid",
    (1, 2): "Col2Im",
    (1, 2, 3, 4): "Slice",
    (2,): "MaxUnpool",
    (2, 3): "Resize",
}
_SIZED_BY = {op: places for places, ops in _SIZES.items() for op in ops.split()}
_TABLE = {
    op: replace(facts, sizes=_SIZED_BY.get(op, ())) for facts, ops in _GROUPS for op in ops.split()
}
_OURS = {op: Facts("structural") for op in ("Input", "Param", "Const", "Output")} | {
    "Region": Facts("group")
}
_OTHER = Facts()
_RANDOM = Facts("random", random=True)

_CONTRIBUTED = {
    "conv": "FusedConv NhwcFusedConv NhwcConv QLinearConv Conv",
    "matmul": "FusedGemm FusedMatMul FusedMatMulActivation TransposeMatMul MatMulNBits MatMulBnb4 "
    "DynamicQuantizeMatMul MatMulIntegerToFloat GemmFastGelu",
    "attention": "Attention MultiHeadAttention GroupQueryAttention DecoderMaskedSelfAttention "
    "DecoderMaskedMultiHeadAttention PackedAttention QAttention RotaryEmbedding",
    "norm": "SkipLayerNormalization SkipSimplifiedLayerNormalization EmbedLayerNormalization "
    "SimplifiedLayerNormalization GroupNorm SkipGroupNorm",
    "activation": "Gelu FastGelu QuickGelu BiasGelu BiasSoftmax QLinearSigmoid QLinearLeakyRelu",
    "elementwise": "QLinearAdd QLinearMul BiasAdd",
    "pool": "MaxPool AveragePool GlobalMaxPool GlobalAveragePool NhwcMaxPool QLinearAveragePool "
    "QLinearGlobalAveragePool",
    "move": "ReorderInput ReorderOutput QLinearConcat Trilu",
    "quantize": "QuantizeLinear DequantizeLinear",
}
_OF_CONTRIBUTED = {op: kind for kind, ops in _CONTRIBUTED.items() for op in ops.split()}
"""Categories of ONNX Runtime's own ops (see `contrib`): for colours and tables, never rewritten."""

_FOREIGN_RANDOM = re.compile(
    r"rand\w*|\w*dropout|bernoulli|multinomial|normal|normal_functional|uniform|poisson|binomial|"
    r"exponential|log_normal|geometric|cauchy|rrelu_with_noise\w*|_standard_gamma|"
    r"_sample_dirichlet|Random\w+|TruncatedNormal|ParameterizedTruncatedNormal|Multinomial|"
    r"Stateful\w+|BiasDropout",
)
"""Names of frameworks' ops that draw random numbers; TensorFlow's stateless ones give the same each
time."""


@cache
def facts(op: str, domain: str = "") -> Facts:
    """What is known of an op; an op that is not in the table is ``'other'``: never rewritten."""
    if domain in _TABLES:
        return _TABLES[domain].get(op, _OTHER)
    if _FOREIGN_RANDOM.fullmatch(op.partition(".")[0].rstrip("_")):
        return _RANDOM
    if domain.startswith("com.microsoft"):
        return Facts(_OF_CONTRIBUTED.get(op, "other"))
    return _OTHER


_TABLES = {"": _TABLE, OURS: _OURS}


def is_random(graph: Graph, name: str) -> bool:
    """Whether two runs of a node on the same operands may differ: a Dropout's only if it trains."""
    held = graph.nodes[name]
    if held["op"] != "Dropout" or held["domain"]:
        return facts(held["op"], held["domain"]).random
    training = (*graph.operands(name), None, None, None)[2]
    known = None if training is None else graph.value_of(training)
    return training is not None and (known is None or bool(known.any()))
