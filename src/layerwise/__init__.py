"""layerwise: the theory of feature learning, runnable."""
