"""`make bench`: the figures that the house promises, measured here and now, each against a baseline measured beside it.

    python -m bench                     all figures
    python -m bench --only memory       one of them
    python -m bench --quick             smaller and shorter, to see that it works
    python -m bench soak                10,000 linked outlets for ten minutes

Everything happens on loopback and in a temporary folder. Servers, simulators and clients are processes of their own
(`bench.programs`), so that nothing measured shares memory or an interpreter with what measures.
"""
