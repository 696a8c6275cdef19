"""The settings reach the core."""

from whatsapp.options import ClientOptions
from whatsapp.protocol.certificate import WHATSAPP_ROOT_KEY


def test_the_defaults_are_for_whatsapp_itself():
    options = ClientOptions()
    assert options.url == "wss://web.whatsapp.com/ws/chat"
    assert options.settings.root_key == WHATSAPP_ROOT_KEY
    assert (options.settings.ping_interval_s, options.settings.ping_timeout_s) == (15, 10)


def test_what_is_set_reaches_the_core():
    options = ClientOptions(
        root_key=b"r" * 32,
        version=(2, 3000, 7),
        device_name="Kasir",
        ping_interval_s=3,
        qr_first_s=9,
        login_timeout_s=4,
    )
    settings = options.settings
    assert (settings.root_key, settings.ping_interval_s, settings.qr_first_s) == (b"r" * 32, 3, 9)
    assert (settings.device.version, settings.device.name, settings.login_timeout_s) == ((2, 3000, 7), "Kasir", 4)
