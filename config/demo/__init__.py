"""The demo: accounts for every role on a site of its own, and the story played through the public API by the SDK."""
