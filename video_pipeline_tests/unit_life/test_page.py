"""docs/work-units.md says what the policy does."""

from video_pipeline_tests.unit_life.page import PAGE, page


def test_page_is_current() -> None:
    assert PAGE.read_text() == page(), "run `python -m video_pipeline_tests.unit_life.page`"
