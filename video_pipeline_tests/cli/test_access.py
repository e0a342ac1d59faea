"""How commands name a project: by its id, or by the name of its folder."""

import pytest

from video_pipeline.domain.naming.identity import VideoKey, project_id_for
from video_pipeline.domain.source import Source
from video_pipeline.pipeline.services import Services, now_utc

FOLDER = "Grüße AG"
ID = project_id_for(FOLDER)


@pytest.fixture(autouse=True)
def videos(services: Services) -> None:
    for project in (ID, "globex"):
        key = VideoKey(project=project, video="one")
        source = Source(key=key, object_key=f"{key.prefix}a", name="one", version="1", size=5)
        services.of(project).videos.register(source, now_utc())


@pytest.mark.parametrize(
    "command",
    [
        ("status", "--project", FOLDER),
        ("rejected", "--project", FOLDER),
        ("stale", "--project", FOLDER),
        ("errors", "--project", FOLDER),
        ("revive", "--project", FOLDER),
        ("jobs", "--project", FOLDER),
        ("backfill", "--preview", "--project", FOLDER),
        ("archive", FOLDER),
        ("restore", FOLDER),
    ],
)
def test_project_by_folder_name_tells_its_id(call, command: tuple[str, ...]) -> None:
    ended = call(*command)
    assert ended.exit_code == 0, ended.output
    assert f"The project '{FOLDER}' has the id {ID}." in ended.stderr
    assert "globex" not in ended.output


def test_project_by_id_tells_nothing(call) -> None:
    ended = call("status", "--project", ID)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert f"{ID}/one" in ended.output
