"""Starting from an encoder that has learnt before, instead of from random weights."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from data.errors import UnusableEncoder
from embedder.card import WEIGHTS, read_card
from embedder.network import load_network
from embedder.training.batches import Batches
from embedder.training.state import Training


def start_from(training: Training, folder: Path, batches: Batches) -> None:
    """Take over the weights of an encoder folder, and put each identity's centre where its pictures already lie.

    Random centres would pull the network apart before they had found their places. Raises UnusableEncoder when the
    encoder's network is not the recipe's.
    """
    card = read_card(folder)
    if card.network != training.network.description:
        raise UnusableEncoder(f"{folder} has the network {card.network}, the run {training.network.description}")
    known = load_network(card.network, card.file(WEIGHTS))
    training.network.load_state_dict(known.state_dict())
    training.average.load_state_dict(known.state_dict())
    sums = np.zeros((training.loss.num_classes, card.dimension), np.float32)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        for batch, labels in batches.plain():
            pictures = torch.from_numpy(batch).contiguous(memory_format=torch.channels_last)
            np.add.at(sums, labels, training.average(pictures).float().numpy())
    with torch.no_grad():
        centres = torch.from_numpy(sums.T)
        seen = centres.norm(dim=0) > 0
        training.loss.W[:, seen] = (
            torch.nn.functional.normalize(centres, dim=0)[:, seen] * training.loss.W.norm(dim=0)[seen]
        )
