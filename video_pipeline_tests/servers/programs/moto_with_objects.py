"""Moto with a filled bucket: `python moto_with_objects.py BUCKET KEYS ARGUMENTS...`.

KEYS is a file with one key per line, each for an object of one byte. The other arguments go to
moto's server. The file runs in the environment that has moto, so it imports nothing of ours.
It writes to moto's backend directly: to put so many objects by requests would take minutes.
"""

import sys
from pathlib import Path

from moto.core import DEFAULT_ACCOUNT_ID
from moto.s3.models import s3_backends
from moto.server import main

if __name__ == "__main__":
    bucket, keys, *arguments = sys.argv[1:]
    backend = s3_backends[DEFAULT_ACCOUNT_ID]["aws"]
    backend.create_bucket(bucket, "us-east-1")
    for key in Path(keys).read_text().splitlines():
        backend.put_object(bucket, key, b"x")
    main(arguments)
