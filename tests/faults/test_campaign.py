"""A short campaign of kills; ``make campaign N=100`` is a long one."""

from pathlib import Path

import pytest

from tests.faults.campaign import Campaign
from tests.servers.s3 import S3Server


@pytest.mark.slow
@pytest.mark.servers
@pytest.mark.timeout(3600)
def test_five_kills_change_nothing(tmp_path: Path, s3_server: S3Server) -> None:
    result = Campaign(tmp_path, seed=5, s3=s3_server).run(kills=5, beside=2)
    assert len(result.kills) == 5
    assert not result.violations, result.table()
