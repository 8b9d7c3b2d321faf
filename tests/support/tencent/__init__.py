"""A double of Tencent Cloud's live API: a real HTTP server with a world of its own.

``world`` is what is true, ``actions`` what the API says of it, ``signing`` who may ask,
``lies`` how an answer goes wrong, ``server`` the HTTP of it.
"""
