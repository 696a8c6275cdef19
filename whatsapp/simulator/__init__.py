"""A WhatsApp server with phones, for demos, tests, drills and benchmarks. It speaks the same wire and is strict.

    simulator = Simulator()
    await simulator.start()
    phone = simulator.add_phone("6287788987745", name="Toko Jakarta")
    ...                                     # a client dials simulator.url, trusting simulator.root_key
    await phone.scan(qr_text)
    simulator.fault("drop", phone.number)
    ...                                     # a client writes to customers, and they to it
    customer = simulator.add_phone("6281234567890", name="Budi")
    await customer.send(phone.number, "STOP")
    customer.inbox.messages
    await simulator.stop()

`python -m whatsapp.simulator` runs one as a process of its own; `whatsapp.simulator.control` steers that.
"""

from whatsapp.simulator.exceptions import PhoneError, SimulatorError
from whatsapp.simulator.server import Simulator

__all__ = ["PhoneError", "Simulator", "SimulatorError"]
