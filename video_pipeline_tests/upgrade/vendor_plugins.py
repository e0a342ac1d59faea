"""The vendor's plugins as the earlier version had them: its address is no part of a request."""

from collections.abc import Sequence

from pydantic import JsonValue

from video_pipeline_tests.doubles.job_plugin import VendorShots, VendorSpeech


class KeptShots(VendorShots):
    """Shots: the vendor recognises a request by its token."""

    name = "kept-shots"

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """None says anything about the result."""
        return {}


class KeptSpeech(VendorSpeech):
    """Speech: the vendor takes no token, so that a request may be in doubt."""

    name = "kept-speech"

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """None says anything about the result."""
        return {}
