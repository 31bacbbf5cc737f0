"""TorchScript: graphs and files of it, followed op by op."""
