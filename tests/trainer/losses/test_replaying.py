import torch

from airvec_trainer.losses.replaying import first_time, same_again


def test_random_numbers_come_again_and_those_outside_go_on():
    torch.manual_seed(1)
    again = same_again([torch.ones(1)])
    first, second = torch.rand(2), torch.rand(2)
    torch.manual_seed(1)
    torch.rand(2)
    with again():
        assert torch.equal(torch.rand(2), first)
        assert torch.equal(torch.rand(2), second)
    assert torch.equal(torch.rand(2), second)


def test_autocast_comes_again_on_or_off():
    with torch.autocast("cpu", torch.bfloat16):
        on = same_again([torch.ones(1)])
    off = same_again([torch.ones(1)])
    product = torch.ones(2, 2)
    with on():
        assert (product @ product).dtype == torch.bfloat16
    with torch.autocast("cpu", torch.bfloat16), off():
        assert (product @ product).dtype == torch.float32


def test_the_first_time_has_no_graph_and_leaves_casts_as_they_were():
    weight = torch.ones(2, requires_grad=True)
    with first_time():
        assert not (weight * 2).requires_grad
        assert not torch.is_autocast_cache_enabled()
    assert torch.is_autocast_cache_enabled()
