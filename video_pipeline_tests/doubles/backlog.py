"""Work units of probed videos that wait for a slot at the vendor."""

from video_pipeline.domain.fair_turns import paid_seconds
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.naming.identity import VideoKey
from video_pipeline.domain.phases import Phase
from video_pipeline.domain.source import Source
from video_pipeline.domain.work import WorkUnit
from video_pipeline.pipeline.admission.backlog import pool_of
from video_pipeline.pipeline.analysis.planner import Assigner, Subject
from video_pipeline.pipeline.services import Services
from video_pipeline_tests.doubles.units import FULL


def put_into_backlog(
    services: Services, project: str, count: int, media: MediaInfo, *, provider: str
) -> list[WorkUnit]:
    """Put the shots of `count` videos into the backlog, and return the units, oldest first."""
    now, units = services.clock(), list[WorkUnit]()
    for number in range(count):
        key = VideoKey(project=project, video=f"v{number:04}")
        source = Source(
            key=key, object_key=f"{key.prefix}v.mp4", name=key.video, version="1", size=1
        )
        services.of(project).videos.register(source, now)
        units.append(_waiting_unit(services, key, media, provider))
    return units


def _waiting_unit(services: Services, key: VideoKey, media: MediaInfo, provider: str) -> WorkUnit:
    catalog, plugin = services.of(key.project), services.plugins[provider]
    catalog.videos.set_sha256(key.video, "1", media.sha256)
    catalog.videos.set_media(key.video, media.sha256, media)
    assigner = Assigner(key, media.sha256, Subject(media, None, ""))
    (planned,) = assigner.plan(provider, plugin, [Phase.SHOTS])
    unit = catalog.units.open(planned.request, 0, planned.usage, services.clock())
    pool = pool_of(plugin, planned.request)
    catalog.units.queue(unit.id, FULL, pool, paid_seconds(planned.usage), services.clock())
    found = catalog.units.get(unit.id)
    assert found is not None
    return found
