"""The sentences of the demo's page for what its phones could not do."""

import pytest
from django.utils import translation

from wa_sessions.simulator_words import WORDS, sentence
from whatsapp.simulator import PhoneError, SimulatorError
from whatsapp.simulator.exceptions import Trouble


@pytest.mark.parametrize("trouble", Trouble, ids=lambda trouble: trouble.name)
def test_each_can_be_said_in_other_languages(trouble):
    with translation.override("en"):
        assert WORDS[trouble] == trouble.value


def test_it_says_what_it_is_about():
    with translation.override("en"):
        assert sentence(PhoneError(Trouble.NO_DEVICE, number=3)) == "No device 3 is linked."
        assert sentence(SimulatorError("no phone has the number 1")) == "no phone has the number 1"
    with translation.override("id"):
        assert sentence(PhoneError(Trouble.NO_CAMERA)) == "Kamera tidak mengenali kode QR."
