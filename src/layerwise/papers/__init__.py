"""Papers: each published figure is a study or a measurement, and each claim a statistic with a margin and a verdict."""

from layerwise.papers.claim import Claim, Estimate, Test, estimate
from layerwise.papers.paper import Measurement, Paper, PublishedFigure, by_size
from layerwise.papers.registry import PAPERS, find_paper
from layerwise.papers.reproduction import Reproduction, reproduce
from layerwise.papers.verification import verify, write_claims

__all__ = [
    "PAPERS",
    "Claim",
    "Estimate",
    "Measurement",
    "Paper",
    "PublishedFigure",
    "Reproduction",
    "Test",
    "by_size",
    "estimate",
    "find_paper",
    "reproduce",
    "verify",
    "write_claims",
]
