"""Other people's optimisers, each as a pass: what they do is drawn, measured and proven as ours."""
