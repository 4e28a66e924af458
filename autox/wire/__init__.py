"""The fast HTTP/1.1 client under load generators and virtual nodes.

``heads`` and ``responses`` are the protocol without I/O: bytes in, an answer or a named violation out. ``requests``
makes the bytes to send, once for however many times they are sent. ``connection`` puts both on an asyncio transport,
``connecting`` opens one, through a proxy's ``tunnel`` if need be, ``pool`` keeps a few to one server, and ``deadlines``
ends what takes too long, for all connections together.

It exists because a load generator must be cheaper than what it measures: about 8 µs of CPU a request on uvloop, where
aiohttp takes 74. ``autox.kube`` says everything to API servers by it. aiohttp is for servers, a kubelet's probes and
kopf, and ``lightly`` imports it.
"""
