"""Graph -> Graph: the passes, and the pipeline that runs and proves them."""
