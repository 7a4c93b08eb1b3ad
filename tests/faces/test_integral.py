"""Area resampling by summed-area tables, compared with torch's adaptive average pooling."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from maskfold.faces.integral import resize_all, resize_boxes, summed_area_table


def noise(n: int, height: int, width: int, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 256, (n, height, width, 3), generator=generator, dtype=torch.uint8)


def pooled(images: torch.Tensor, height: int, width: int) -> torch.Tensor:
    planes = images.permute(0, 3, 1, 2).double()
    return functional.adaptive_avg_pool2d(planes, (height, width)).permute(0, 2, 3, 1).float()


@pytest.mark.parametrize(("height", "width"), [(1, 1), (7, 5), (31, 40), (64, 48), (90, 50)])
def test_whole_images(height: int, width: int) -> None:
    images = noise(3, 64, 48)
    torch.testing.assert_close(resize_all(summed_area_table(images), height, width), pooled(images, height, width))


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_boxes(data: st.DataObject) -> None:
    height, width = data.draw(st.integers(1, 60)), data.draw(st.integers(1, 60))
    images = noise(2, height, width, data.draw(st.integers(0, 99)))
    image = data.draw(st.integers(0, 1))
    left, top = data.draw(st.integers(0, width - 1)), data.draw(st.integers(0, height - 1))
    right, bottom = data.draw(st.integers(left + 1, width)), data.draw(st.integers(top + 1, height))
    got = resize_boxes(
        summed_area_table(images), torch.tensor([image]), torch.tensor([[left, top, right, bottom]]), size=24
    )
    torch.testing.assert_close(got, pooled(images[image : image + 1, top:bottom, left:right], 24, 24))


def test_a_box_does_not_depend_on_other_boxes() -> None:
    images = noise(4, 50, 40)
    boxes = torch.tensor([[0, 0, 40, 50], [3, 4, 30, 31], [10, 10, 11, 11], [5, 0, 40, 20]])
    together = resize_boxes(summed_area_table(images), torch.arange(4), boxes, 48)
    for number in range(4):
        alone = resize_boxes(
            summed_area_table(images[number : number + 1]), torch.tensor([0]), boxes[number : number + 1], 48
        )
        assert torch.equal(alone[0], together[number])
