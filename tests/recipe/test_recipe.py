import contextlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from maskfold.errors import RecipeError
from maskfold.recipe import PRESETS, Recipe, dump_recipe, load_recipe
from maskfold.recipe.reference import all_settings

ODD_VALUES = [
    "null",
    "[]",
    "{}",
    "3",
    "-1",
    "true",
    "x",
    "[x]",
    "{a: 1}",
    "[1, 2]",
    "[[1]]",
    "''",
    "1e400",
    ".nan",
    "{1: 2}",
    "[{name: x}]",
    "{name: 3}",
    "2020-01-01",
    "!!binary aGk=",
    "{attributes: [{name: beard, values: [a, b]}]}",
    "{attributes: [{name: beard, bounds: 3, of: 3}]}",
    "{attributes: [{name: beard, range: 3}]}",
]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_validates_and_reads_back_from_its_printed_form(preset: str, tmp_path: Path) -> None:
    recipe = load_recipe(preset)
    assert recipe.name == preset
    printed = tmp_path / "printed.yaml"
    printed.write_text(dump_recipe(recipe), encoding="utf-8")
    assert load_recipe(printed) == recipe


def test_hot6_is_the_original_recipe() -> None:
    recipe = load_recipe("hot6")
    (network,) = recipe.networks
    assert recipe.folds.k == 5
    assert recipe.crop.face_size == (280, 210)
    assert recipe.crop.margins.model_dump() == {"left": 30, "top": 60, "right": 30, "bottom": 30, "unit": "pixel"}
    assert (network.loss.name, network.loss.gamma) == ("focal", 2)
    assert (network.optimizer.name, network.optimizer.lr, network.batch_size) == ("madgrad", 1e-3, 30)
    assert (network.cutmix.p, network.cutmix.shape) == (0.8, "strip")
    assert (network.schedule.name, network.schedule.up_epochs, network.schedule.down_epochs) == ("cyclic", 1, 2)
    assert (recipe.scheme["age"].bounds, recipe.scheme["age"].train_bounds) == ((30, 60), (30, 58))
    assert network.normalisation.mean == (0.534, 0.487, 0.459)
    assert network.normalisation.std == (0.237, 0.243, 0.251)


def test_a_recipe_is_frozen() -> None:
    with pytest.raises(ValidationError):
        load_recipe("smoke").folds.k = 3  # type: ignore[misc]


def test_overrides_reach_networks_by_name_number_and_all_at_once() -> None:
    recipe = load_recipe("fast", ["networks.*.epochs=1", "networks.mask.epochs=2", "networks.0.batch_size=8"])
    assert [network.epochs for network in recipe.networks] == [1, 2, 1, 1, 1]
    assert recipe.networks[0].batch_size == 8


def test_a_printed_recipe_has_no_codes(tmp_path: Path) -> None:
    recipe = load_recipe("smoke", ['name="a\\e[2J\\u202e"'])
    (tmp_path / "r.yaml").write_text(dump_recipe(recipe), encoding="utf-8")
    assert dump_recipe(recipe).replace("\n", "").isprintable()
    assert load_recipe(tmp_path / "r.yaml") == recipe


def test_a_network_that_is_set_to_null_is_left_out() -> None:
    names = [network.name for network in load_recipe("fast").networks]
    left = load_recipe("fast", ["networks.age-2=null", "networks.*.epochs=3"]).networks
    assert [network.name for network in left] == [name for name in names if name != "age-2"]
    assert [network.name for network in load_recipe("fast", ["networks.0=null"]).networks] == names[1:]
    with pytest.raises(RecipeError, match=r"networks: .*at least 1"):
        load_recipe("fast", ["networks.*=null"])


def test_override_values_are_yaml() -> None:
    recipe = load_recipe("fast", ["labels.age_bounds=[45,60]", "networks.joint.size=null", "name=mine"])
    assert recipe.scheme["age"].bounds == (45, 60)
    assert recipe.name == "mine"


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("folds.kk=3", r"folds\.kk: unknown setting\. Did you mean 'k'\?"),
        ("networks.joint.epoch=3", "Did you mean 'epochs'"),
        ("networks.*.lr=1", r"networks\.\*\.lr: unknown setting here\. Did you mean networks\.\*\.optimizer\.lr\?"),
        ("epochs=3", r"epochs: unknown setting here\. Did you mean networks\.\*\.epochs\?"),
        ("networks.*.epochs=0", r"\n  networks\.\*\.epochs: Input should be greater than or equal to 1 \(given: 0\)$"),
        ("networks.mask.epochs=0", r"\n  networks\.mask\.epochs: Input"),
        ("networks.*.loss=foca", "Did you mean 'focal'"),
        ("scheme={attributes: 3}", "expected a name, or a mapping with a list of attributes"),
        (
            "scheme={attributes: [{name: [1]}]}",
            "a list of attributes, each with a name",
        ),
        ("scheme={attributes: [{name: beard, range: 3}]}", "range: unknown setting"),
        ("crop.face_size=[{name: x}]", r"crop\.face_size"),
        (f"networks.{'1' * 5000}.epochs=3", "no entry"),
        ("networks.jiont.epochs=3", "Did you mean 'joint'"),
        ("folds.k=one", r"folds\.k: .*integer"),
        ("folds.k=1", "greater than or equal to 2"),
        ("labels.age_bounds=[60,30]", "must rise"),
        ("folds.k", "expected dotted.key=value"),
        ("folds.k=[", "not valid YAML"),
        ("networks.joint.name=mask", "used twice: mask"),
        ("networks.gender.target=mask", "missing: gender"),
        ("networks.joint.name=vote", "cannot be called 'vote'"),
        ("networks.joint.name=attributes", "cannot be called 'attributes'"),
        ("ensemble.weights={joint: -1}", "greater than or equal to 0"),
        ("ensemble.weights={none-such: 2}", "names no network: none-such"),
        ("ensemble.weights={joint: 0, attributes: 0}", "gives no network a vote; weight 0: joint, attributes"),
        ("ensemble.weights={mask: 0}", "gives no mask network a vote; weight 0: mask"),
        ("networks.joint.schedule={name: cyclic, min_lr: 1}", "must be below"),
        ("name.x=1", "cannot be set inside"),
        (".k=3", "expected dotted.key=value"),
        ("folds..k=3", "expected dotted.key=value"),
        ("name=2020-99-99", "not valid YAML"),
        ("folds=3", "folds: expected a group of settings"),
        ("networks=3", "networks: expected a list"),
        ("crop.face_size=[0,0]", r"crop\.face_size\.0: .*greater than or equal to 8"),
        ("crop.face_size=[100000,96]", "less than or equal to 4096"),
        ("networks.joint.size=[3,3]", "greater than or equal to 8"),
        ("crop.margins.left=-5", "greater than or equal to 0"),
        ("max_job_restarts=-1", "greater than or equal to 0"),
    ],
)
def test_wrong_overrides_say_what_is_wrong(override: str, message: str) -> None:
    with pytest.raises(RecipeError, match=message) as error:
        load_recipe("fast", [override])
    assert error.value.exit_code == 2


def test_a_plain_value_stands_for_a_group_and_its_settings_can_still_be_set() -> None:
    recipe = load_recipe(
        "fast", ["networks.*.loss=focal", "networks.*.loss.gamma=3", "networks.*.cutmix=0.25", "networks.*.amp=off"]
    )
    for network in recipe.networks:
        assert (network.loss.name, network.loss.gamma, network.cutmix.p, network.amp) == ("focal", 3, 0.25, "off")


@pytest.mark.parametrize("text", ["45,60", "45, 60", "[45,60]"])
def test_numbers_need_no_brackets(text: str) -> None:
    assert load_recipe("fast", [f"labels.age_bounds={text}"]).scheme["age"].bounds == (45, 60)


@given(
    overrides=st.lists(
        st.builds("{}={}".format, st.sampled_from([one.key for one in all_settings()]), st.sampled_from(ODD_VALUES)),
        min_size=1,
        max_size=3,
    )
)
def test_no_value_of_any_setting_does_more_than_fit_or_be_refused(overrides: list[str]) -> None:
    with contextlib.suppress(RecipeError):
        load_recipe("fast", overrides)


def test_each_mistake_is_said_once_and_shortly() -> None:
    with pytest.raises(RecipeError) as error:
        load_recipe("fast", ["networks.*.epochs=0", "folds.kk.k=1", f"labels.age_bounds={'x' * 5000}"])
    lines = str(error.value).splitlines()
    assert lines[0] == "recipe fast: 3 setting(s) are wrong"
    assert len(lines) == 4
    assert max(map(len, lines)) < 200


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("networks: [", "not valid YAML"),
        ("- 1", "expected a mapping"),
        ("{}", "networks: missing"),
        (b"\xff\xfe", "UTF-8"),
    ],
)
def test_wrong_files_say_what_is_wrong(content: str | bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(RecipeError, match=message):
        load_recipe(path)


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    with pytest.raises(RecipeError, match="Did you mean 'fast'"):
        load_recipe("fsat")


def test_a_recipe_needs_all_attributes_or_a_joint_network() -> None:
    with pytest.raises(ValidationError, match="missing: gender, age"):
        Recipe.model_validate({"networks": [{"name": "mask", "target": "mask"}]})


def test_the_final_fit_lasts_as_long_as_the_folds_found_and_has_nothing_to_stop_it() -> None:
    network = load_recipe("fast", ["networks.joint.stopping.patience=2"]).network("joint")
    final = network.for_final_fit([3, 0, 5])
    assert final.epochs == 4
    assert final.keep == "last"
    assert final.stopping.patience is None
    assert {**final.model_dump(), "epochs": 6, "keep": "best", "stopping": {"patience": 2}} == network.model_dump()
    assert network.for_final_fit([1, 2]).epochs == 2
    averaged = load_recipe("fast", ["networks.joint.averaging.last_epochs=5"]).network("joint").for_final_fit([1])
    assert (averaged.epochs, averaged.averaging.last_epochs) == (2, 2)
