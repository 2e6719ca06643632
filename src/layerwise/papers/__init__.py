"""Papers: each published figure and claim is a study, a drawing and a statistic with a verdict."""

from layerwise.papers.paper import Claim, Paper, PublishedFigure
from layerwise.papers.registry import PAPERS, find_paper
from layerwise.papers.reproduction import Reproduction, reproduce

__all__ = ["PAPERS", "Claim", "Paper", "PublishedFigure", "Reproduction", "find_paper", "reproduce"]
