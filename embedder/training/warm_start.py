"""Starting from an encoder that has learnt before, and learning from one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float32

from data.errors import UnusableEncoder
from embedder.card import WEIGHTS, read_card
from embedder.encoder import Encoder
from embedder.network import load_network
from embedder.training.batches import Batches
from embedder.training.material import Material
from embedder.training.pictures import on_white
from embedder.training.state import Training


def start_from(training: Training, folder: Path, batches: Batches) -> None:
    """Take over the weights of an encoder folder, and put each identity's centre where its pictures already lie.

    Random centres would pull the network apart before they had found their places. Raises UnusableEncoder when the
    encoder's network is not the recipe's.
    """
    card = read_card(folder)
    if card.network != training.network.description:
        raise UnusableEncoder(
            f"{folder} has the network {card.network}, the run {training.network.description}; give --init without "
            "another network"
        )
    known = load_network(card.network, card.file(WEIGHTS))
    training.network.load_state_dict(known.state_dict())
    training.average.load_state_dict(known.state_dict())
    device = training.accelerator.device
    sums = torch.zeros(training.identities, card.dimension, device=device)
    with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
        for batch, labels in batches.plain():
            pictures = torch.from_numpy(batch).to(device, memory_format=torch.channels_last)
            sums.index_add_(0, torch.from_numpy(labels).to(device), training.average(pictures).float())
    sums = sums.clone()  # what was made for inference alone may not meet weights that learn
    training.objective.place_centres(torch.nn.functional.normalize(sums, dim=1), sums.norm(dim=1) > 0)


def taught_by(folder: Path, material: Material) -> Float32[np.ndarray, "stored teacher_dim"]:
    """What an encoder makes of every stored picture as it is: the similarities that a student imitates."""
    teacher = Encoder.load(folder, device="auto")
    found = np.empty((material.stored, teacher.dimension), np.float32)
    for start in range(0, material.stored, 256):
        some = material.places[start : start + 256]
        found[start : start + len(some)] = teacher.encode(list(on_white(np.array(material.squares[some]))))
    return found
