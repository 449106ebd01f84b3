"""What learns: the network and its objective as one module, so that several processes average all its gradients."""

from __future__ import annotations

import torch
from pytorch_metric_learning.utils.distributed import gather
from torch import nn

from embedder.network import Network
from embedder.training.losses import Objective

DTYPES = {"bf16": torch.bfloat16, "fp16": torch.float16, "fp32": torch.float32}


class Learner(nn.Module):
    """Pictures and labels to a loss.

    precision: of the backbone's arithmetic; the loss is always computed in float32. processes: how many learn together.
    """

    def __init__(
        self, network: Network, objective: Objective, *, precision: str, teacher_weight: float = 1.0, processes: int = 1
    ) -> None:
        super().__init__()
        self.network = network
        self.objective = objective
        self._dtype = DTYPES[precision]
        self._teacher_weight = teacher_weight
        # A loss on pairs needs the pairs across processes too; one on identities is a mean over pictures anyway.
        self._processes = processes if objective.pictures_per_identity > 1 else 1

    def forward(self, pictures: torch.Tensor, labels: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
        """The loss of a batch."""
        with torch.autocast(pictures.device.type, self._dtype, enabled=self._dtype != torch.float32):
            encodings = self.network(pictures)
        encodings = encodings.float()
        imitation = relational(encodings, taught) * self._teacher_weight if taught.shape[1] else 0.0
        if self._processes > 1:
            # Each process differentiates its own encodings only, and the gradients are averaged afterwards.
            encodings, labels, _ = gather(encodings, labels)
            loss: torch.Tensor = self.objective(encodings, labels) * self._processes
        else:
            loss = self.objective(encodings, labels)
        return loss + imitation


def relational(encodings: torch.Tensor, taught: torch.Tensor) -> torch.Tensor:
    """How far the similarities within a batch are from the teacher's: Huber loss of their differences, times 10.

    Park et al., "Relational Knowledge Distillation", 2019, section 3.2, with cosines in place of their normalised
    distances, since encodings are unit vectors. Pictures that the teacher has not seen (zeros) do not count.
    """
    known = taught.norm(dim=1) > 0
    if int(known.sum()) < 2:
        return encodings.sum() * 0
    own, wanted = encodings[known], nn.functional.normalize(taught[known], dim=1)
    apart = ~torch.eye(len(own), dtype=torch.bool, device=own.device)
    return 10 * nn.functional.huber_loss((own @ own.T)[apart], (wanted @ wanted.T)[apart], delta=0.2)
