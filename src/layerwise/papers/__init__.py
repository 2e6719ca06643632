"""Papers: each published figure and claim is a study or a measurement, a drawing and a statistic with a verdict."""

from layerwise.papers.paper import Claim, Measurement, Paper, PublishedFigure
from layerwise.papers.registry import PAPERS, find_paper
from layerwise.papers.reproduction import Reproduction, reproduce

__all__ = ["PAPERS", "Claim", "Measurement", "Paper", "PublishedFigure", "Reproduction", "find_paper", "reproduce"]
