"""
Reading somebody else's optimiser
=================================

Every runtime optimises the graph that it is given, and few say how. Here is one residual block of
ResNet-50 after ONNX Runtime, after TensorFlow's Grappler and after PyTorch's Inductor, each read
back into the same form, counted by the same rules, and checked against the original by running it.
"""

import keras
import tensorflow as tf
import torch
import torchvision
from tensorflow.core.protobuf import config_pb2
from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2
from tensorflow.python.grappler import tf_optimizer
from tensorflow.python.training.saver import export_meta_graph
from torch._inductor import config as inductor
from torch._inductor import metrics

import graphlens

torch.manual_seed(0)
block = torchvision.models.resnet50().layer2[1].eval()
image = torch.randn(1, 512, 28, 28)
graph = graphlens.capture(block, image)

# %%
# ONNX Runtime
# ------------
# graphlens has it as a pass, so its work is proven like any other step. It folds normalisations and
# then puts activations and the residual addition into convolutions of its own domain; at level
# ``all`` it also changes the layout to blocks of channels, which suits this processor.

onnx_runtime = graphlens.optimize(graph, ["onnxruntime{level=extended}"])
blocked = graphlens.optimize(graph, ["onnxruntime{level=all}"])
print(onnx_runtime)
print(blocked)
graphlens.draw(onnx_runtime, "onnx_runtime.svg")

# %%
# Inductor
# --------
# ``torch.compile`` hands Inductor a graph of small ops, and Inductor generates kernels from it. The
# graph is there to be read just before that. With its weights frozen the normalisations are folded
# here too; the pointwise ops that are left become generated kernels between the convolutions.

seen = []
settings = {"freezing": True, "fx_graph_cache": False, "post_grad_custom_post_pass": seen.append}
metrics.reset()
with inductor.patch(**settings), torch.no_grad():
    compiled = torch.compile(block)
    difference = (compiled(image) - block(image)).abs().max().item()

(before_codegen,) = seen
calls = [str(node.target) for node in before_codegen.nodes if node.op == "call_function"]
convolutions = sum("conv" in call for call in calls)
generated = metrics.generated_kernel_count
print("ops that Inductor was left with:", len(calls))
print(f"kernels: {convolutions} convolutions and {generated} that it generated")
print("difference from eager:", difference)

# %%
# Grappler
# --------
# The same block in Keras, frozen to a GraphDef, optimised as a session would.


def unit(x, width: int, size: int):
    """A convolution and its normalisation."""
    x = keras.layers.Conv2D(width, size, padding="same", use_bias=False)(x)
    return keras.layers.BatchNormalization()(x)


given = keras.Input((28, 28, 512))
y = keras.layers.ReLU()(unit(given, 128, 1))
y = keras.layers.ReLU()(unit(y, 128, 3))
twin = keras.Model(given, keras.layers.ReLU()(unit(y, 512, 1) + given))

spec = tf.TensorSpec((1, 28, 28, 512), tf.float32, name="x")
frozen = convert_variables_to_constants_v2(tf.function(twin).get_concrete_function(spec))
with tf.Graph().as_default() as imported:
    tf.import_graph_def(frozen.graph.as_graph_def(), name="")
    kept = [*frozen.inputs, *frozen.outputs]
    for tensor in kept:
        imported.add_to_collection("train_op", imported.get_tensor_by_name(tensor.name))
    optimised = tf_optimizer.OptimizeGraph(config_pb2.ConfigProto(), export_meta_graph())

outputs = [frozen.outputs[0].name]
as_frozen = graphlens.capture(frozen.graph.as_graph_def(), outputs=outputs)
after_grappler = graphlens.capture(optimised, outputs=outputs)
print(graphlens.prove(as_frozen, after_grappler))
graphlens.draw(after_grappler, "grappler.svg")

# %%
# Side by side
# ------------
# A kernel is an op or a fused group that computes something when the graph runs; views and what is
# known beforehand do not count.

ours = graphlens.optimize(graph)
counts = {
    "as captured": ours.evidence.kernels,
    "ONNX Runtime, extended": onnx_runtime.result.kernels,
    "ONNX Runtime, all": blocked.result.kernels,
    "Inductor": convolutions + generated,
    "Grappler": graphlens.optimize(after_grappler, []).evidence.kernels,
    "graphlens": ours.result.kernels,
}
for name, kernels in counts.items():
    print(f"{name:<23} {kernels:>3} kernels")
graphlens.draw(ours, "ours.svg")
