"""The plugin of Amazon Rekognition Video.

Limits are those of "Guidelines and quotas in Amazon Rekognition" and "Working with stored videos"
of the developer guide, and of VideoTooLargeException in botocore's model, seen 2026-11-22: 10 GB,
6 hours, H.264 in MP4 or MOV; regions are those of botocore 1.44's endpoints. AWS does
not document its rounding: seconds begun are counted, and reconciled with the bill.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Any

from pydantic import JsonValue

from video_pipeline.aws.errors import UNFIT, words_of
from video_pipeline.domain.errors import FailureCategory, ProviderError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.results.markers import Kind, Marker
from video_pipeline.domain.usage import Meter, MeterSpec, Usage
from video_pipeline.domain.work import WorkRequest, WorkUnit
from video_pipeline.plugins.base import (
    AnalysisRequest,
    JobStatus,
    Refusal,
    Slots,
    Submission,
    UnitPlan,
    refusal,
)
from video_pipeline.plugins.capabilities import Capabilities, Limits
from video_pipeline.plugins.inputs import Inputs, Object
from video_pipeline.plugins.temporal import BaseTemporalPlugin
from video_pipeline.providers.aws.jobs import AwsJobs
from video_pipeline.providers.aws.rekognition.analyses import ANALYSES, BY_START, Analysis, jobs_of
from video_pipeline.providers.aws.rekognition.calls import Calls
from video_pipeline.providers.aws.rekognition.options import RekognitionOptions
from video_pipeline.providers.aws.rekognition.pages import Row, metadata_of, page_of, read, seconds
from video_pipeline.providers.aws.rekognition.samples import FINDINGS, sample_markers
from video_pipeline.providers.aws.rekognition.segments import segment_markers

REGIONS = frozenset(
    {"ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2"}
    | {"ap-southeast-5", "ap-southeast-7", "ca-central-1", "eu-central-1", "eu-south-2"}
    | {"eu-west-1", "eu-west-2", "il-central-1", "sa-east-1", "us-east-1", "us-east-2"}
    | {"us-west-1", "us-west-2"}
)
LIMITS = Limits(
    max_duration=Fraction(6 * 3600),
    max_bytes=10 * 1024**3,
    containers=frozenset({"mp4", "mov"}),
    codecs=frozenset({"h264"}),
)
# All others are found in a few frames a second.
_BY_FRAMES = frozenset({Kind.SHOT.value, Kind.CUE.value})
METER = MeterSpec(meter=Meter.VIDEO_SECONDS, paid=True)


class RekognitionPlugin(BaseTemporalPlugin, AwsJobs):
    """Markers by Amazon Rekognition Video. AWS reads a video from its bucket, and bills each
    analysis by the minute."""

    Options = RekognitionOptions
    name = "aws-rekognition"
    service = "rekognition"
    options: RekognitionOptions

    def __init__(self, options: RekognitionOptions) -> None:
        super().__init__(options)
        self._calls = Calls(options, self._session)

    def jobs_of(self, message: dict[str, Any]) -> Sequence[str]:
        return jobs_of(message)

    def capabilities(self) -> Capabilities:
        return Capabilities(
            fed=Object(),
            replay="deduplicated",
            meter=METER,
            kinds=tuple(kind.value for one in ANALYSES for kind in one.among(self.options.kinds)),
            precision="frame" if _BY_FRAMES.issuperset(self.options.kinds) else "sampled",
            limits=LIMITS,
            schemes=frozenset({"s3"}),
            regions=REGIONS,
        )

    def options_for(self, kinds: Sequence[str]) -> dict[str, JsonValue]:
        """Return only the parameters of these kinds' analyses."""
        served = [(one, one.among(kinds)) for one in ANALYSES]
        asked = {one.name: one.asked(self.options, own) for one, own in served if own}
        return {"kinds": [kind.value for _, own in served for kind in own], **asked}

    def plan(self, request: AnalysisRequest) -> tuple[UnitPlan, ...] | Refusal:
        refused = self._elsewhere() or refusal(self.capabilities(), request)
        if refused:
            return refused
        if request.media.video is None:
            return Refusal(reason="it has no picture")
        served = [(one, one.among(request.kinds)) for one in ANALYSES]
        return tuple(self._unit(one, own, request.media) for one, own in served if own)

    def _unit(self, analysis: Analysis, kinds: Sequence[str], media: MediaInfo) -> UnitPlan:
        return UnitPlan(
            operation=analysis.start,
            kinds=tuple(str(kind) for kind in kinds),
            parameters=analysis.asked(self.options, kinds),
            usage=_usage(analysis, kinds, media.duration),
        )

    def _elsewhere(self) -> Refusal | None:
        if self.options.endpoint or self.region in REGIONS:
            return None
        return Refusal(reason=f"Rekognition Video is not offered in {self.region}")

    def slots(self, operation: str) -> Slots:
        """Return one limit for all analyses: AWS counts their jobs together."""
        return Slots(shared_by="video", limit=self.options.concurrent_jobs)

    def submit(self, unit: WorkUnit, media: MediaInfo, inputs: Inputs) -> Submission:
        return Submission(job=self._calls.start(unit, inputs.object))

    def poll(self, jobs: Sequence[str]) -> Mapping[str, JobStatus]:
        return self._calls.statuses(jobs)

    def fetch(self, job: str) -> Iterator[bytes]:
        return self._calls.pages(job)

    def normalise(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> Iterator[Marker]:
        analysis = BY_START[request.operation]
        try:
            metadata, rows = read(pages, analysis)
            found = (
                sample_markers(media, rows, FINDINGS[analysis.name])
                if analysis.name in FINDINGS
                else segment_markers(media, metadata, rows)
            )
            yield from (marker for marker in found if marker.kind in request.kinds)
        except UNFIT as error:
            raise _unreadable(request, error) from error

    def usage(
        self, request: WorkRequest, media: MediaInfo, pages: Iterable[bytes]
    ) -> tuple[Usage, ...]:
        """Return usage by the length that AWS analysed, else by the probed one. AWS reports no
        billed quantity."""
        analysis = BY_START[request.operation]
        try:
            first: Row = next((page_of(page) for page in pages), {})
            milliseconds: Any = metadata_of(first).milliseconds
            length = media.duration if milliseconds is None else seconds(milliseconds)
        except UNFIT as error:
            raise _unreadable(request, error) from error
        return _usage(analysis, request.kinds, length)


def _usage(analysis: Analysis, kinds: Sequence[str], length: Fraction) -> tuple[Usage, ...]:
    """Return usage by dimension: shots and cues of one job are metered apart."""
    quantity = METER.quantity(length)
    return tuple(
        Usage(meter=METER.meter, quantity=quantity, paid=METER.paid, dimension=dimension)
        for dimension in analysis.metered(kinds)
    )


def _unreadable(request: WorkRequest, error: Exception) -> ProviderError:
    return ProviderError(
        f"the stored pages of {request.operation} cannot be read: {words_of(error)}",
        category=FailureCategory.MALFORMED_RESULT,
        remedy="They are kept: with a newer version of the plugin they are read again for nothing.",
        where=str(request.key),
    )
