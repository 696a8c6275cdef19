"""A WhatsApp Web multi-device client on asyncio. It knows no Django and no database: see `store.Store`."""
