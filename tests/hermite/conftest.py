from hypothesis import settings

# No deadline: a busy machine is no error. Derandomised: the same examples on every run.
settings.register_profile("layerwise", deadline=None, derandomize=True)
settings.load_profile("layerwise")
