"""Run a Graph, prove two Graphs equal, lower to ONNX."""
