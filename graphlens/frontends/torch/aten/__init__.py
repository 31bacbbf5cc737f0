"""The aten table: the ONNX nodes that each aten op is written as."""
