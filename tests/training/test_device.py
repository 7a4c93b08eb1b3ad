from collections.abc import Iterator

import pytest
import torch

from maskfold.errors import RecipeError
from maskfold.training.device import explained, open_device
from tests.training import drawn


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    yield
    torch.use_deterministic_algorithms(False)


def test_threads_and_determinism_are_as_asked():
    device = open_device(True, 1)
    assert device.type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert torch.get_num_threads() == 1
    assert torch.are_deterministic_algorithms_enabled()
    open_device(False, 1)
    assert not torch.are_deterministic_algorithms_enabled()


def test_an_operation_without_a_deterministic_form_is_explained():
    fault = "adaptive_pool_backward_cuda does not have a deterministic implementation, but you set"
    with (
        pytest.raises(RecipeError, match=r"networks.tiny: test_resnet cannot be trained .* Set deterministic=false"),
        explained(drawn.network()),
    ):
        raise RuntimeError(fault)


def test_a_network_that_cannot_be_translated_is_explained():
    with (
        pytest.raises(RecipeError, match=r"cannot compile test_resnet .* \(no C\+\+ compiler\)\. Set compile=false"),
        explained(drawn.network(compile=True)),
    ):
        raise torch._dynamo.exc.TorchDynamoException("no C++ compiler\nand a long story")


def test_other_faults_pass():
    with pytest.raises(RuntimeError, match="out of memory"), explained(drawn.network()):
        raise RuntimeError("out of memory")
