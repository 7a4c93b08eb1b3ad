import numpy as np
import pytest
import torch

from maskfold.training.transfer import gather, to_device

CPU = torch.device("cpu")


def test_arrays_reach_a_cpu_without_a_copy():
    values = np.arange(5)
    tensor = to_device(values, CPU)
    values[0] = 7
    assert tensor.tolist() == [7, 1, 2, 3, 4]


def test_arrays_that_must_not_be_written_are_copied():
    values = np.arange(5)
    values.flags.writeable = False
    tensor = to_device(values, CPU)
    tensor[0] = 7
    assert values.tolist() == [0, 1, 2, 3, 4]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_gets_the_same_values():
    device = torch.device("cuda")
    source = np.random.default_rng(0).integers(0, 256, size=(20, 4, 3, 3), dtype=np.uint8)
    rows = np.array([3, 19, 0, 3])
    assert np.array_equal(gather(source, rows, device).cpu().numpy(), source[rows])
    assert to_device(rows, device).tolist() == rows.tolist()
