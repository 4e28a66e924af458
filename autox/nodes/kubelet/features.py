"""What nodes with kubelet endpoints declare that they can do; by itself, so that others load nothing else."""

EXEC_BY_WEB_SOCKET = "ExtendWebSocketsToKubelet"
"""An API server passes ``exec`` on as a WebSocket to nodes that declare this, and as SPDY to others."""
