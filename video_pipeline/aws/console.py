"""Pages of AWS's console. They need the reader's own sign-in, so their addresses are no secrets."""

from typing import Any
from urllib.parse import quote, urlencode, urlsplit

# By the start of a region's name: "Amazon Web Services in China" and "AWS GovCloud (US)".
_CONSOLES = {"cn-": "console.amazonaws.cn", "us-gov-": "console.amazonaws-us-gov.com"}
_AWS = (".amazonaws.com", ".amazonaws.com.cn")


def console_of(region: str) -> str:
    """Return the address of AWS's console for a region."""
    hosts = (host for start, host in _CONSOLES.items() if region.startswith(start))
    return f"https://{next(hosts, 'console.aws.amazon.com')}"


def object_page(client: Any, bucket: str, key: str) -> str | None:
    """Return the page of an object. None where the client's endpoint is not AWS's own."""
    host = urlsplit(str(client.meta.endpoint_url)).hostname or ""
    if not host.endswith(_AWS):
        return None
    region = client.meta.region_name
    named = urlencode({"region": region, "prefix": key}, quote_via=quote, safe="")
    return f"{console_of(region)}/s3/object/{quote(bucket, safe='')}?{named}"
