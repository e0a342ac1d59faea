"""The former place of `ranking`, kept for one release."""

from video_pipeline.plugins.ranking import Verdict, rank

__all__ = ["Verdict", "rank"]
