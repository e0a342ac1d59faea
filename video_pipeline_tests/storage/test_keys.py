"""Which text is an object key."""

from hypothesis import given
from hypothesis import strategies as st

from video_pipeline.domain.errors import StorageError
from video_pipeline.storage.keys import parts_of


@given(st.text(alphabet="a./\0é", max_size=8))
def test_key_is_refused_or_unchanged(key: str) -> None:
    try:
        parts = parts_of(key)
    except StorageError:
        assert any(part in ("", ".", "..") or "\0" in part for part in key.split("/"))
    else:
        assert "/".join(parts) == key
