"""The trainer's room: it promises nothing that it does not hold."""

import airvec_trainer


def test_the_trainer_says_that_nothing_trains_yet_and_offers_no_names():
    assert "nothing trains yet" in (airvec_trainer.__doc__ or "")
    assert airvec_trainer.__all__ == []
