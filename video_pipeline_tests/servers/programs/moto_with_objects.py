"""Moto with a bucket that is full already: `python moto_with_objects.py BUCKET KEYS ARGUMENTS...`.

KEYS is a file with one key a line, each for an object of one byte. The other arguments are those
of moto's server. Run by an environment that has moto, as a file of its own: to put so many objects
in by requests would take minutes.
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
