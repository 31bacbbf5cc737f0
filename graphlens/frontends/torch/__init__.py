"""Capture from PyTorch: fx, jit, export, eager, autograd, and its files."""
