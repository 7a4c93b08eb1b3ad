"""Exits with 0 when S3 answers."""

import os
import urllib.request

urllib.request.urlopen(f"http://127.0.0.1:{os.environ.get('STORE_PORT', '8080')}/healthcheck", timeout=4)
