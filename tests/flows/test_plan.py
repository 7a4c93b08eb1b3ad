"""What is checked before the first job runs."""

from pathlib import Path

import pytest

from flows.corrections import adopt_corrections
from flows.plan import Plan
from maskfold.errors import RecipeError, WeightsError
from maskfold.recipe import load_recipe
from maskfold.storage import open_workspace

READ = ["dataset.reader=competition"]
WITH_WEIGHTS = ["networks.joint.backbone=test_resnet", "networks.joint.pretrained=required"]


def test_a_plan_writes_nothing(drawn_data: Path, tmp_path: Path) -> None:
    (tmp_path / "test_resnet.safetensors").write_bytes(b"weights")
    (tmp_path / "own.csv").write_text("folder,gender,age,swap\n000001,male,,\n", encoding="utf-8")
    recipe = load_recipe("smoke", [*READ, *WITH_WEIGHTS, f"dataset.corrections={tmp_path}/own.csv"])
    plan = Plan.make(str(drawn_data), str(tmp_path / "w"), recipe, [str(tmp_path)])
    assert plan.given_weights["test_resnet"].uri == f"{tmp_path}/test_resnet.safetensors"
    assert plan.own_corrections == f"{tmp_path}/own.csv"
    assert plan.workspace.list() == []
    assert plan.hub_weights() == []


@pytest.mark.parametrize(
    "content",
    [b"-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0\n", b"root:x:0:0:root:/root:/bin/bash\n" * 3, b"\x7fELF\0\0", b""],
)
def test_what_is_no_table_of_corrections_is_refused_unquoted(drawn_data: Path, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "id_rsa").write_bytes(content)
    recipe = load_recipe("smoke", [*READ, f"dataset.corrections={tmp_path}/id_rsa"])
    with pytest.raises(RecipeError, match=r"dataset\.corrections: .*id_rsa") as refused:
        Plan.make(str(drawn_data), str(tmp_path / "w"), recipe)
    assert "PRIVATE" not in str(refused.value)
    assert "bash" not in str(refused.value)
    with pytest.raises(RecipeError):
        adopt_corrections(open_workspace(str(tmp_path / "w")), f"{tmp_path}/id_rsa")
    assert open_workspace(str(tmp_path / "w")).list() == []


@pytest.mark.parametrize("name", ["test_resnet.safetensors", "test_resnet.json"])
def test_weights_that_are_links_out_of_their_folder_are_refused(drawn_data: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "id_rsa").write_text("secret")
    (tmp_path / "pool").mkdir()
    (tmp_path / "pool/test_resnet.safetensors").write_bytes(b"weights")
    (tmp_path / "pool" / name).unlink(missing_ok=True)
    (tmp_path / "pool" / name).symlink_to("../id_rsa")
    with pytest.raises(WeightsError, match=rf"{name}: a link that leads out of its folder, to .*id_rsa"):
        Plan.make(
            str(drawn_data), str(tmp_path / "w"), load_recipe("smoke", [*READ, *WITH_WEIGHTS]), [f"{tmp_path}/pool"]
        )


def test_missing_files_are_named(drawn_data: Path, tmp_path: Path) -> None:
    missing = load_recipe("smoke", [*READ, f"dataset.corrections={tmp_path}/none.csv"])
    with pytest.raises(
        RecipeError, match=r"dataset\.corrections: .*none\.csv: there is no such file; .*expected agreed"
    ):
        Plan.make(str(drawn_data), str(tmp_path / "w"), missing)
    with pytest.raises(WeightsError, match=r"weights of test_resnet: .*none\.safetensors: there is no such file"):
        Plan.make(
            str(drawn_data),
            str(tmp_path / "w"),
            load_recipe("smoke", [*READ, *WITH_WEIGHTS]),
            [f"test_resnet={tmp_path}/none.safetensors"],
        )
