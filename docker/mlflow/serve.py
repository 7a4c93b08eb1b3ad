"""Starts the MLflow server of the stack, with a login; passes its arguments on to ``mlflow server``.

MLflow reads most of the login's settings from a file only, and the address of the database contains a password: the
file is private to this process.
"""

import configparser
import os
import secrets
import sys
import tempfile
from pathlib import Path

folder = Path(tempfile.mkdtemp())
config = configparser.ConfigParser(interpolation=None)
config["mlflow"] = {
    "database_uri": os.environ.get("MLFLOW_BACKEND_STORE_URI") or f"sqlite:///{folder}/login.db",
    "default_permission": "NO_PERMISSIONS",
    "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    # A password is hashed slowly, and clients send theirs with each request.
    "auth_cache_ttl_seconds": "60",
}
with (folder / "login.ini").open("w", encoding="utf-8") as stream:
    config.write(stream)
os.environ["MLFLOW_AUTH_CONFIG_PATH"] = str(folder / "login.ini")
# For forms of its pages; the same in all worker processes, which inherit it.
os.environ.setdefault("MLFLOW_FLASK_SERVER_SECRET_KEY", secrets.token_hex(32))
os.execvp("mlflow", ["mlflow", "server", "--app-name=basic-auth", *sys.argv[1:]])  # noqa: S606, S607 - of this image
