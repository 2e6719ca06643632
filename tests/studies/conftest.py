"""Makes the test targets and learners importable by path, as a user's own classes are."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from throwaway import Features, Gated, small_study

from layerwise.studies import LearnerSpec


@pytest.fixture
def slow_study(tmp_path):
    """A study of 48 trials, 1.5 s on two workers, its TOML file and the path of a store."""
    pauses = [{"width": width, "pause": 0.06} for width in (8, 16, 24)]
    learners = [LearnerSpec(label=str(p["width"]), use=Features, params=p) for p in pauses[:2]]
    learners.append(LearnerSpec(label="24", use=Features, params=pauses[2], n=[80, 160, 320]))
    # the smallest trials, which run last, wait for the file "gate"
    learners.append(LearnerSpec(label="gated", use=Gated, params={"gate": str(tmp_path / "gate")}, n=[40]))
    study = small_study(
        learners=learners,
        n=[40, 80, 160, 320],
        dims=[3, 4],
        seeds=2,
    )
    toml = tmp_path / "study.toml"
    toml.write_text(study.to_toml(), encoding="utf-8")
    return study, toml, tmp_path / "study.sqlite"
