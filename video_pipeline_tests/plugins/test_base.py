"""Options of plugins, and which of them make earlier results stale."""

from pydantic import Field

from video_pipeline.plugins.base import PluginOptions


class Options(PluginOptions):
    """An option from the first day, one that changes nothing, and one added later."""

    sharpness: float = 1
    account: str = Field(default="", exclude=True)
    smooth: bool = Field(default=False, exclude_if=lambda smooth: not smooth)


def test_added_option_counts_only_off_its_default() -> None:
    assert Options(account="acme").model_dump(mode="json") == {"sharpness": 1.0}
    assert Options(smooth=True).model_dump(mode="json") == {"sharpness": 1.0, "smooth": True}
