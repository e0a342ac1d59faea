"""The suite that every plugin passes, ours and others'. Needs pytest."""

from video_pipeline.plugins.conformance.sample import Sample, drawn_sample
from video_pipeline.plugins.conformance.suite import TemporalConformance, TranscriptionConformance

__all__ = ["Sample", "TemporalConformance", "TranscriptionConformance", "drawn_sample"]
