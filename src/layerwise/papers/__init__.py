"""Papers: each published figure is a study or a measurement, and each claim a statistic with a verdict."""

from layerwise.papers.paper import Claim, Measurement, Paper, PublishedFigure
from layerwise.papers.registry import PAPERS, find_paper
from layerwise.papers.reproduction import Reproduction, reproduce

__all__ = ["PAPERS", "Claim", "Measurement", "Paper", "PublishedFigure", "Reproduction", "find_paper", "reproduce"]
