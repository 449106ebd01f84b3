"""How many workers there are, on clusters of any shape."""

import pytest

from data.errors import UnusableCluster
from index.cluster.posts import Posts, posts

MIXED = [{"CPU": 16.0}, {"CPU": 32.0, "GPU": 4.0}, {"CPU": 6.0, "GPU": 2.0}]


def test_one_for_each_cpu():
    assert posts([{"CPU": 2.0}, {"CPU": 3.0, "memory": 5.0}, {}], "auto") == Posts(5, 1, 0, "cpu")
    assert posts(MIXED, "cpu") == Posts(54, 1, 0, "cpu")
    assert posts(MIXED, "torch-cpu").device == "torch-cpu"


@pytest.mark.parametrize(("device", "there"), [("auto", "auto"), ("cuda", "cuda"), ("cuda:1", "cuda")])
def test_one_for_each_gpu_with_the_cpus_that_every_node_can_give(device, there):
    assert posts(MIXED, device) == Posts(6, 3, 1, there)
    assert posts([{"CPU": 1.0, "GPU": 2.0}], device) == Posts(2, 0, 1, there)


def test_a_share_of_a_gpu_is_none():
    assert posts([{"CPU": 4.0, "GPU": 0.5}], "auto") == Posts(4, 1, 0, "cpu")


def test_none_is_said():
    with pytest.raises(UnusableCluster, match="no GPU for --device cuda; leave it at auto"):
        posts([{"CPU": 4.0}], "cuda")
    for nodes in ([], [{"CPU": 0.5}], [{"memory": 4.0}]):
        with pytest.raises(UnusableCluster, match="no node of the cluster offers a CPU"):
            posts(nodes, "auto")
