"""The vendor's plugins as in the earlier version: the vendor's address is not in a request."""

from collections.abc import Sequence

from pydantic import JsonValue

from video_pipeline_tests.doubles.job_plugin import VendorShots, VendorSpeech


class KeptShots(VendorShots):
    """Shots with an idempotency token: the vendor recognises a repeated request."""

    name = "kept-shots"

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """Return no options: none changes the result."""
        return {}


class KeptSpeech(VendorSpeech):
    """Speech without an idempotency token, so a request can be in doubt."""

    name = "kept-speech"

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """Return no options: none changes the result."""
        return {}
