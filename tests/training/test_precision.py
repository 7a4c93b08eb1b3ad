import pytest
import torch

from maskfold.errors import RecipeError
from maskfold.training import learner, precision
from maskfold.training.precision import autocast, choose_precision, measure, try_out
from tests.training import drawn

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [({"avx512_bf16": True}, None), ({"amx_bf16": True}, None), ({"avx512_bf16": False}, "off"), ({}, "off")],
)
def test_auto_needs_a_trial_only_where_the_cpu_computes_bf16(
    monkeypatch: pytest.MonkeyPatch, capabilities: dict[str, bool], expected: str | None
):
    monkeypatch.setattr(precision.torch.cpu, "get_capabilities", lambda: capabilities)
    assert choose_precision(drawn.network(amp="auto"), CPU) == expected


def test_what_is_asked_for_is_taken():
    assert choose_precision(drawn.network(amp="bf16"), CPU) == "bf16"
    assert choose_precision(drawn.network(amp="off"), CPU) == "off"


def test_fp16_on_a_cpu_is_refused():
    with pytest.raises(RecipeError, match=r"networks.tiny.amp: fp16 needs a GPU"):
        choose_precision(drawn.network(amp="fp16"), CPU)


@pytest.mark.parametrize(("off", "bf16", "expected"), [(100, 111, "bf16"), (100, 109, "off"), (100, 50, "off")])
def test_bf16_must_be_clearly_faster(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, off: float, bf16: float, expected: str
):
    monkeypatch.setattr(precision, "measure", lambda *_: {"off": off, "bf16": bf16})
    with caplog.at_level("INFO"):
        assert try_out(torch.nn.Identity(), (8, 8), 8, CPU) == expected
    assert f"off {off:.1f}, bf16 {bf16:.1f} images/s in a trial: {expected}" in caplog.text


def test_a_trial_measures_both_and_leaves_the_network_as_it_was():
    model = drawn.learner(drawn.network(backbone_args={"drop_rate": 0.5})).model
    before = {name: value.clone() for name, value in model.state_dict().items()}
    types = []
    model.fc.register_forward_hook(lambda module, inputs, logits: types.append(logits.dtype))
    speeds = measure(model, drawn.SIZE, 4, CPU)
    assert min(speeds.values()) > 0
    assert set(types) == {torch.float32, torch.bfloat16}
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert all(parameter.grad is None for parameter in model.parameters())


def test_a_trial_takes_smaller_batches_where_memory_is_short(monkeypatch: pytest.MonkeyPatch):
    tried = []

    def short(model: object, size: object, batch: int, device: object) -> dict[str, float]:
        tried.append(batch)
        if batch > 4:
            raise torch.OutOfMemoryError("a test's")
        return {"off": 1.0, "bf16": 2.0}

    monkeypatch.setattr(precision, "measure", short)
    assert try_out(torch.nn.Identity(), (8, 8), 16, CPU) == "bf16"
    assert tried == [16, 8, 4]


def test_a_learner_settles_once_and_a_restored_one_keeps_what_was_found(monkeypatch: pytest.MonkeyPatch):
    trials = []

    def trial(*_: object) -> str:
        trials.append(1)
        return "bf16"

    monkeypatch.setattr(learner, "choose_precision", lambda *_: None)
    monkeypatch.setattr(learner, "try_out", trial)
    first, second = (drawn.learner(drawn.network(amp="auto")) for _ in range(2))
    for _ in range(2):
        first.prepare(drawn.SIZE)
    assert (first.precision, len(trials)) == ("bf16", 1)
    second.restore(first.state())
    second.prepare(drawn.SIZE)
    assert (second.precision, len(trials)) == ("bf16", 1)


@pytest.mark.parametrize(("chosen", "dtype"), [("off", torch.float32), ("bf16", torch.bfloat16)])
def test_autocast_computes_in_the_chosen_type(chosen: precision.Precision, dtype: torch.dtype):
    with autocast(chosen, CPU):
        assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == dtype
