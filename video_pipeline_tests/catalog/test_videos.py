"""What the catalogue promises about videos and rejections."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest

from video_pipeline.catalog.catalog import Catalog, ProjectCatalog
from video_pipeline.domain.errors import CatalogError, IdentityError
from video_pipeline.domain.media import MediaInfo
from video_pipeline.domain.source import Due, Rejection, Source, VideoRecord

Sources = Callable[..., Source]


def test_a_video_is_recorded_once(acme: ProjectCatalog, source: Sources, now: datetime) -> None:
    assert acme.videos.register(source(), now)
    assert not acme.videos.register(source(), now + timedelta(hours=1))
    assert acme.videos.get("film") == VideoRecord(source=source(), arrived_at=now, due=Due.RUN)


def test_an_unknown_video_is_none(acme: ProjectCatalog) -> None:
    assert acme.videos.get("film") is None


def test_new_version_clears_the_facts_of_the_old_one(
    acme: ProjectCatalog, source: Sources, media: MediaInfo, now: datetime
) -> None:
    acme.videos.register(source(), now)
    assert acme.videos.set_sha256("film", "1", media.sha256)
    assert acme.videos.set_media("film", media.sha256, media)
    known = VideoRecord(
        source=source(), arrived_at=now, due=Due.RUN, sha256=media.sha256, media=media
    )
    assert acme.videos.get("film") == known

    assert acme.videos.register(source(version="2"), now)
    assert acme.videos.get("film") == VideoRecord(
        source=source(version="2"), arrived_at=now, due=Due.RUN
    )
    assert not acme.videos.set_sha256("film", "1", media.sha256)
    assert not acme.videos.set_media("film", media.sha256, media)


def test_an_object_under_another_key_is_another_version(
    acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    acme.videos.register(source(), now)
    moved = source(object_key="projects/acme/videos/film/b.mp4")
    assert acme.videos.register(moved, now)
    found = acme.videos.get("film")
    assert found is not None and found.source == moved


def test_two_names_never_share_an_id(acme: ProjectCatalog, source: Sources, now: datetime) -> None:
    acme.videos.register(source(name="$fílm"), now)
    with pytest.raises(IdentityError, match="fílm"):
        acme.videos.register(source(name="film", version="2"), now)
    found = acme.videos.get("film")
    assert found is not None and found.source.name == "$fílm"


def test_concurrent_register_has_one_winner(
    acme: ProjectCatalog, source: Sources, now: datetime, threads: ThreadPoolExecutor
) -> None:
    for version in ("1", "2", "3"):
        delivered = source(version=version)
        told = threads.map(lambda one: acme.videos.register(one, now), [delivered] * 16)
        assert sorted(told) == [False] * 15 + [True]


def test_videos_are_listed_page_by_page(
    acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    for video in ("c", "a", "B", "d"):
        acme.videos.register(source(video), now)
    first = acme.videos.listing(limit=3)
    assert [record.key.video for record in first] == ["B", "a", "c"]
    assert [record.key.video for record in acme.videos.listing(after="c")] == ["d"]


def test_a_rejection_stands_until_it_is_cleared(acme: ProjectCatalog, now: datetime) -> None:
    def rejection(key: str, reason: str) -> Rejection:
        return Rejection(project="acme", object_key=key, reason=reason, at=now)

    acme.videos.reject(rejection("b", "no video"))
    acme.videos.reject(rejection("a", "two objects"))
    acme.videos.reject(rejection("b", "a symlink"))
    expected = [rejection("a", "two objects"), rejection("b", "a symlink")]
    assert acme.videos.rejections() == expected
    acme.videos.clear_rejection("a")
    acme.videos.clear_rejection("a")
    assert acme.videos.rejections() == expected[1:]


def test_projects_are_those_with_a_video_or_a_rejection(
    catalog: Catalog, source: Sources, now: datetime
) -> None:
    assert catalog.projects() == []
    rejected = Rejection(project="globex", object_key="k", reason="empty", at=now)
    catalog.project("globex").videos.reject(rejected)
    for video in ("one", "two"):
        catalog.project("acme").videos.register(source(video), now)
    assert catalog.projects() == ["acme", "globex"]


def test_unstorable_value_is_a_catalogue_error(
    acme: ProjectCatalog, source: Sources, now: datetime
) -> None:
    with pytest.raises(CatalogError, match="cannot be stored"):
        acme.videos.register(source(size=1 << 80), now)
