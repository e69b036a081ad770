"""A2A 1.x on `a2a-sdk`: its request handler and its transports, in front of the agents of a
`Host`.
"""
