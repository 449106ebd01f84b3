"""What the network learns by: focal loss on its scores, GIoU loss on its boxes."""

from __future__ import annotations

import torch
from torchvision.ops import generalized_box_iou_loss, sigmoid_focal_loss

from embedder.detector_training.targets import Target

BOXES_WEIGH = 2.0


def objective(logits: torch.Tensor, boxes: torch.Tensor, target: Target) -> torch.Tensor:
    """The loss of a batch, divided by its number of faces' cells as they count.

    Focal loss with gamma 2 (Lin et al. 2017), weighed cell by cell instead of by a constant alpha, plus BOXES_WEIGH
    times the generalised IoU loss (Rezatofighi et al. 2019) in the faces' middles.
    """
    heat, weight, true = (torch.as_tensor(part, device=logits.device) for part in target)
    faces = (heat * weight).sum().clamp(min=1.0)
    scores = (sigmoid_focal_loss(logits, heat, alpha=-1, gamma=2) * weight).sum()
    middles = heat > 0
    shapes = generalized_box_iou_loss(boxes[middles], true[middles]) * weight[middles]
    total: torch.Tensor = (scores + BOXES_WEIGH * shapes.sum()) / faces
    return total
