"""Running graphs, proving two of them equal, and lowering them to ONNX."""
