"""The protocol without sockets: bytes in, signals and bytes out. No asyncio, no clock, no files."""
