"""Varies the pictures of windows on the device that computes, one draw for all frames of a window, by kornia.

The article's set: a crop of up to 10 % at each side, contrast 0.75 to 1.5, blur of σ 0 to 1, brightness of
each channel 0.8 to 1.2. All but the article's own are turned a little as well. Silhouettes know neither light
nor blur; their landmarks are varied before they are drawn.
"""

import torch
from torch import Tensor, nn

from handflow.recognize.pictures import PictureInput

TURN = 8.0
"""Degrees, at most."""


class VaryPictures(nn.Module):
    """Windows `(n, frames, height, width, 3)`, 0 to 255, to floats of 0 to 1; some of them varied.

    Args:
        given: what the windows show.
        article: the article's set and nothing else.
    """

    def __init__(self, given: PictureInput, *, article: bool = False) -> None:
        super().__init__()
        import kornia.augmentation as kornia

        size = given.height, given.width
        proportion = given.width / given.height
        steps: list[nn.Module] = []
        if article or given.kind == "full":
            # 10 % off each side at most leaves 0.64 of the area at least.
            limits = (0.8 * proportion, 1.25 * proportion)
            steps.append(kornia.RandomResizedCrop(size, scale=(0.64, 1.0), ratio=limits, p=1.0))
        if not article and given.kind != "mask":
            steps.append(kornia.RandomAffine(TURN, p=1.0, padding_mode="border"))
        self._lit = article or given.kind != "mask"
        if self._lit:
            steps.append(kornia.ColorJitter(0.0, (0.75, 1.5), 0.0, 0.0, p=1.0))
            steps.append(kornia.RandomGaussianBlur((5, 5), (0.05, 1.0), p=1.0))
        self._idle = not steps
        self._steps = kornia.VideoSequential(*steps, data_format="BTCHW", same_on_frame=True)

    @torch.no_grad()
    def forward(self, pictures: Tensor, varied: Tensor | None = None) -> Tensor:
        """Varies the windows that `varied` names, all where it is None."""
        x = pictures.float() / 255
        chosen = torch.ones(len(x), dtype=torch.bool, device=x.device) if varied is None else varied
        if not self._idle and chosen.any():
            y = self._steps(x[chosen].permute(0, 1, 4, 2, 3)).permute(0, 1, 3, 4, 2)
            if self._lit:
                light = torch.empty(len(y), 1, 1, 1, 3, device=x.device).uniform_(0.8, 1.2)
                y = (y * light).clamp(0, 1)
            x[chosen] = y
        return x
