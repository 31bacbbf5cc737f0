"""Capture from Caffe2 nets."""
