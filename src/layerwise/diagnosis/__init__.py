"""Estimates of the structure of a table of data, before any learner is fitted."""

from layerwise.diagnosis.diagnosis import Diagnosis, diagnose
from layerwise.diagnosis.display import DiagnosisDisplay

__all__ = ["Diagnosis", "DiagnosisDisplay", "diagnose"]
